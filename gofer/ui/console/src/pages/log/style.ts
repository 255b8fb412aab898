/** How text is to look, as escape sequences say (ECMA-48, and what xterm made of it). */

/** A colour: 0 to 15 of the theme, or its own, as `rgb(1 2 3)`. */
export type Colour = number | string;

export interface Style {
  text?: Colour;
  back?: Colour;
  bold?: true;
  dim?: true;
  italic?: true;
  underline?: true;
  strike?: true;
  inverse?: true;
  href?: string;
}

export const PLAIN: Style = {};

/** The style after `\x1b[…m` with these parameters. */
export function applyColours(style: Style, parameters: string): Style {
  let next = { ...style };
  const codes = parameters.split(/[;:]/).map(Number);
  for (let at = 0; at < codes.length; at++) {
    const code = codes[at] ?? 0;
    if (code === 38 || code === 48) {
      const [colour, used] = extended(codes, at + 1, parameters.includes(":"));
      at += used;
      if (colour === undefined) continue;
      if (code === 38) next.text = colour;
      else next.back = colour;
    } else if (code === 0) next = style.href === undefined ? {} : { href: style.href };
    else applyCode(next, code);
  }
  return next;
}

function applyCode(style: Style, code: number): void {
  if (code === 1) style.bold = true;
  else if (code === 2) style.dim = true;
  else if (code === 3) style.italic = true;
  else if (code === 4 || code === 21) style.underline = true;
  else if (code === 7) style.inverse = true;
  else if (code === 9) style.strike = true;
  else if (code === 22) {
    delete style.bold;
    delete style.dim;
  } else if (code === 23) delete style.italic;
  else if (code === 24) delete style.underline;
  else if (code === 27) delete style.inverse;
  else if (code === 29) delete style.strike;
  else if (code >= 30 && code <= 37) style.text = code - 30;
  else if (code === 39) delete style.text;
  else if (code >= 40 && code <= 47) style.back = code - 40;
  else if (code === 49) delete style.back;
  else if (code >= 90 && code <= 97) style.text = code - 82;
  else if (code >= 100 && code <= 107) style.back = code - 92;
}

/** The colour behind a 38 or 48, and how many codes it takes. */
function extended(codes: number[], at: number, hasColons: boolean): [Colour | undefined, number] {
  if (codes[at] === 5) return [indexed(codes[at + 1]), 2];
  if (codes[at] !== 2) return [undefined, 1];
  // 38:2::1:2:3 has a colour space before the three.
  const skipped = hasColons && codes.length - at >= 5 ? 1 : 0;
  const three = codes.slice(at + 1 + skipped, at + 4 + skipped);
  if (three.length < 3 || three.some((one) => !(one >= 0 && one <= 255))) return [undefined, 4 + skipped];
  return [`rgb(${three.join(" ")})`, 4 + skipped];
}

const STEPS = [0, 95, 135, 175, 215, 255];

function indexed(code: number | undefined): Colour | undefined {
  if (code === undefined || !(code >= 0 && code <= 255)) return undefined;
  if (code < 16) return code;
  if (code >= 232) {
    const grey = 8 + (code - 232) * 10;
    return `rgb(${grey} ${grey} ${grey})`;
  }
  const cube = code - 16;
  return `rgb(${[Math.floor(cube / 36), Math.floor(cube / 6) % 6, cube % 6].map((one) => STEPS[one]).join(" ")})`;
}
