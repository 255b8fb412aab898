/** Which rows of a long list are drawn: those that are seen, and some around them. */

export interface Drawn {
  /** The first row drawn, and the one behind the last. */
  from: number;
  to: number;
  /** The room of the rows that are not, in pixels. */
  before: number;
  after: number;
}

/** `top`: how far the list has been scrolled out of sight, in pixels (negative: it begins further down). */
export function drawn(count: number, height: number, top: number, viewport: number, around = 6): Drawn {
  const from = Math.max(0, Math.min(count, Math.floor(top / height) - around));
  const to = Math.max(from, Math.min(count, Math.ceil((top + viewport) / height) + around));
  return { from, to, before: from * height, after: (count - to) * height };
}
