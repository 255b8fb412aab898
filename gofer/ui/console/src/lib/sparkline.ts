/** The line of a sparkline: values from left to right, the highest at the top, 0 at the bottom. */

export interface Spark {
  line: string;
  /** The line, closed along the bottom. */
  area: string;
  /** Where the last value is. */
  end: { x: number; y: number } | undefined;
}

const EDGE = 2.5;

/** `values` may have gaps (null), which the line passes over. Of a single value there is nothing to compare: no line. */
export function spark(values: readonly (number | null)[], width: number, height: number): Spark {
  if (values.filter((value) => value !== null).length < 2) return { line: "", area: "", end: undefined };
  const most = Math.max(1, ...values.map((value) => value ?? 0));
  const step = (width - 2 * EDGE) / (values.length - 1);
  const points: { x: number; y: number }[] = [];
  values.forEach((value, i) => {
    if (value === null) return;
    points.push({
      x: round(EDGE + i * step),
      y: round(height - EDGE - (value / most) * (height - 2 * EDGE)),
    });
  });
  const line = points.map(({ x, y }, i) => `${i === 0 ? "M" : "L"}${x} ${y}`).join("");
  const [first, end] = [points[0], points.at(-1)];
  const area = first && end ? `${line}L${end.x} ${height}L${first.x} ${height}Z` : "";
  return { line, area, end };
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
