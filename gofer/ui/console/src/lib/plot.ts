/** How our charts look, in uPlot's words. */

import type uPlot from "uplot";
import { axisMark, DURATION_STEPS, stacked, type ChartSeries, type Unit } from "./chart";

const FONT = "11px system-ui, sans-serif";
const COUNT_STEPS = [
  1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 2e5, 5e5, 1e6, 1e7,
];

/** Columns are drawn from the highest to the lowest, each over a part of the one before. */
export function alignedData(
  at: readonly number[],
  series: readonly ChartSeries[],
  columns: boolean,
): uPlot.AlignedData {
  const values = series.map((one) => one.values);
  const drawn = columns ? stacked(values).reverse() : values.map((one) => [...one]);
  return [at.map((one) => one / 1000), ...drawn] as uPlot.AlignedData;
}

/** All charts of a page show the same moment under the pointer. */
export function plotOptions(
  Plot: typeof uPlot,
  series: readonly ChartSeries[],
  unit: Unit,
  columns: boolean,
  hover: (index: number | null) => void,
): Omit<uPlot.Options, "width" | "height"> {
  const drawn = columns ? [...series].reverse() : series;
  const axis = { stroke: () => colour("dim"), font: FONT, ticks: { show: false }, grid: { show: false } };
  return {
    legend: { show: false },
    padding: [6, 4, 0, 0],
    cursor: {
      sync: { key: "gofer" },
      drag: { x: false, y: false },
      points: { show: !columns, size: 6 },
      y: false,
    },
    scales: {
      // The last step has its room too: what began with it would stand beyond the edge.
      x: { range: (plot, least, most) => [least, most + stepOf(plot.data[0])] },
      y: { range: (_plot, _least, most) => [0, top(most, unit)] },
    },
    axes: [
      { ...axis, size: 22, space: 60, values: times },
      {
        ...axis,
        size: 58,
        space: 28,
        incrs: unit === "duration" ? DURATION_STEPS : unit === "count" ? COUNT_STEPS : byteSteps(),
        values: (_plot, marks) => marks.map((mark) => axisMark(mark, unit)),
        grid: { show: true, stroke: () => colour("line"), width: 1 },
      },
    ],
    series: [
      {},
      ...drawn.map((one) => ({
        label: one.label,
        stroke: () => colour(one.colour),
        width: columns ? 0 : 1.6,
        // One value alone is no line.
        spanGaps: true,
        points: { show: !columns && known(one.values) < 2, size: 5, fill: () => colour(one.colour) },
        ...(one.dashed === true ? { dash: [5, 4] } : {}),
        ...(columns ? { fill: () => colour(one.colour) } : {}),
        ...(columns && Plot.paths.bars ? { paths: Plot.paths.bars({ size: [0.85, 40, 3], align: 1 }) } : {}),
      })),
    ],
    hooks: { setCursor: [(plot) => hover(plot.cursor.idx ?? null)] },
  };
}

/** The distance between two moments. */
export function stepOf(at: ArrayLike<number>): number {
  return at.length > 1 ? (at[1] ?? 0) - (at[0] ?? 0) : 0;
}

function known(values: ChartSeries["values"]): number {
  return values.filter((value) => value !== null).length;
}

function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

/** Something above the highest value; an empty chart has room all the same. */
function top(most: number | null, unit: Unit): number {
  const least = unit === "count" ? 2 : unit === "duration" ? 100 : 1000;
  return Math.max(least, (most ?? 0) * 1.06);
}

function byteSteps(): number[] {
  return [1, 1e3, 1e6, 1e9, 1e12].flatMap((power) =>
    [1, 2, 5, 10, 20, 50, 100, 200, 500].map((n) => n * power),
  );
}

/** Hours and minutes; at midnight the day. */
function times(_plot: uPlot, marks: number[]): string[] {
  return marks.map((mark) => {
    const date = new Date(mark * 1000);
    const two = (value: number): string => String(value).padStart(2, "0");
    if (date.getHours() === 0 && date.getMinutes() === 0)
      return `${two(date.getMonth() + 1)}-${two(date.getDate())}`;
    return `${two(date.getHours())}:${two(date.getMinutes())}`;
  });
}
