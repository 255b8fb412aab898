/** How a row is laid out in the room there is. */

export type LayoutName = "wide" | "middle" | "narrow";

export interface Layout {
  name: LayoutName;
  /** How many runs the strip has room for, and how wide each is drawn, with its gap. */
  room: number;
  run: number;
  shape: number;
  spark: number;
}

/** Of a row, in pixels: rows of a long list that are not seen are not drawn, so their heights must be known. */
export const HEIGHTS: Record<LayoutName, number> = { wide: 48, middle: 88, narrow: 112 };

const RUNS = 30;
/** Of a run, with the gap behind it. */
const NARROWEST = 14;
const GAP = 2;

/** For a list of that width, in pixels, in which no pipeline has more than `runs` to show. */
export function layoutOf(width: number, runs = RUNS): Layout {
  if (width >= 1160) {
    if (width >= 1800) return { name: "wide", room: RUNS, run: 24, shape: 260, spark: 180 };
    if (width >= 1400) return { name: "wide", room: RUNS, run: NARROWEST, shape: 150, spark: 76 };
    // Names have what short histories leave over. By tens: it does not change with every run.
    const room = Math.min(RUNS, Math.max(10, Math.ceil(runs / 10) * 10));
    return { name: "wide", room, run: NARROWEST, shape: 84, spark: 60 };
  }
  if (width >= 680) return { name: "middle", room: RUNS, run: NARROWEST, shape: 110, spark: 76 };
  // Whatever is left over is shared by the runs, so that the strip is as wide as the list.
  const inner = width - 26 + GAP;
  const room = Math.min(RUNS, Math.floor(inner / NARROWEST));
  return { name: "narrow", room, run: Math.min(20, inner / room), shape: 76, spark: 56 };
}
