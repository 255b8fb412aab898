/** The arrow keys in a large DAG: it is one stop of the Tab key, however many nodes it has. */

import type { Place } from "./flow";

/** Which node is next: in the same column for up and down, else the nearest one of the column beside. Without one,
 * that which it was. */
export function nodeToward(where: readonly Place[], from: number, key: string): number {
  const here = where[from];
  if (here === undefined) return from;
  const isAcross = key === "ArrowLeft" || key === "ArrowRight";
  const sign = key === "ArrowRight" || key === "ArrowDown" ? 1 : -1;
  let best = from;
  let least: [number, number] = [Infinity, Infinity];
  where.forEach((place, index) => {
    const across = (place.x - here.x) * sign;
    const down = (place.y - here.y) * sign;
    if (isAcross ? across <= 0 : across !== 0 || down <= 0) return;
    const far: [number, number] = isAcross ? [across, Math.abs(down)] : [down, 0];
    if (far[0] < least[0] || (far[0] === least[0] && far[1] < least[1])) [best, least] = [index, far];
  });
  return best;
}

export const isArrow = (event: KeyboardEvent): boolean =>
  ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"].includes(event.key) &&
  !event.altKey &&
  !event.ctrlKey &&
  !event.metaKey;
