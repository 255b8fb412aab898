/** Where the nodes of a large DAG stand: columns from left to right, each node near those that it depends on. */

import { arrange } from "./dag";

/** One node of `ui/Flow`: a task, or all task runs that it has become. */
export interface FlowTask {
  id: string;
  /** A second, dim line, such as the image. */
  note: string;
  parents: { id: string; when: string }[];
  /** Empty: of a pipeline that is not being run. */
  status: string;
  /** How many task runs it has become, and how many of them have ended; without a matrix both are left out. */
  total?: number;
  ended?: number;
}

export function isSame(a: FlowTask, b: FlowTask): boolean {
  return a.status === b.status && a.ended === b.ended && a.total === b.total && a.note === b.note;
}

/** Of an image: what tells it from others, without the registry and the folders in it. */
export function shortName(image: string): string {
  return image.split("@")[0]?.split("/").at(-1) ?? image;
}

/** The nodes that a reader looks for: the one that was chosen, else those that have failed, else those that run. */
export function tellsMost(tasks: readonly FlowTask[], selected: string): string[] {
  const ways: ((task: FlowTask) => boolean)[] = [
    (task) => task.id === selected,
    (task) => task.status === "failed",
    (task) => task.status === "running",
  ];
  for (const way of ways) {
    const found = tasks.filter(way);
    if (found.length > 0) return found.slice(0, 3).map(({ id }) => id);
  }
  return [];
}

export interface Place {
  x: number;
  y: number;
}

export const NODE = { width: 200, height: 48 };
const GAP = { x: 64, y: 16 };

/** The upper left corner of each node. The same nodes always come out the same. */
export function places(tasks: readonly FlowTask[]): Place[] {
  const nodes = tasks.map((task) => ({ id: task.id, parents: task.parents.map((parent) => parent.id) }));
  const { layer, row, edges, columns } = arrange(nodes);
  const before: number[][] = tasks.map(() => []);
  const after: number[][] = tasks.map(() => []);
  for (const [parent, child] of edges) {
    before[child]?.push(parent);
    after[parent]?.push(child);
  }
  const members: number[][] = Array.from({ length: columns }, () => []);
  layer.forEach((column, node) => members[column]?.push(node));
  for (const column of members) column.sort((a, b) => at(row, a) - at(row, b));
  const y = row.map((place) => place);
  for (const [near, order] of [
    [before, members],
    [after, members.toReversed()],
    [before, members],
  ] as const)
    for (const column of order) settle(column, near, y);
  const top = y.reduce((least, value) => Math.min(least, value), Infinity);
  return tasks.map((_, node) => ({
    x: at(layer, node) * (NODE.width + GAP.x),
    y: Math.round((at(y, node) - top) * (NODE.height + GAP.y)),
  }));
}

/** Gives the nodes of a column the places nearest to their neighbours' that keep their order and do not overlap. */
function settle(column: readonly number[], near: readonly number[][], y: number[]): void {
  // Nodes that would overlap become one block, at the mean of what its members want.
  const blocks: { total: number; count: number }[] = [];
  column.forEach((node, place) => {
    let block = { total: wanted(node, near, y) - place, count: 1 };
    for (let last = blocks.at(-1); last !== undefined && isBelow(last, block); last = blocks.at(-1)) {
      block = { total: last.total + block.total, count: last.count + block.count };
      blocks.pop();
    }
    blocks.push(block);
  });
  let place = 0;
  for (const { total, count } of blocks)
    for (let i = 0; i < count; i++, place++) y[column[place] ?? 0] = place + total / count;
}

function isBelow(upper: { total: number; count: number }, lower: { total: number; count: number }): boolean {
  return upper.total / upper.count > lower.total / lower.count;
}

function wanted(node: number, near: readonly number[][], y: readonly number[]): number {
  const others = near[node] ?? [];
  if (others.length === 0) return at(y, node);
  return others.reduce((sum, other) => sum + at(y, other), 0) / others.length;
}

function at(values: readonly number[], index: number): number {
  return values[index] ?? 0;
}
