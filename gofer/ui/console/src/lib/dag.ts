/** Where the nodes of a small DAG stand when it is drawn from left to right. */

export interface DagNode {
  id: string;
  /** Ids of the nodes that it waits for; those that are not among the nodes are left out. */
  parents: readonly string[];
}

export interface Arrangement {
  /** For each node the column it stands in, from 0. */
  layer: number[];
  /** For each node its place in the column, in rows below (or above) the middle of the drawing. */
  row: number[];
  /** From parent to child, as indexes of nodes. */
  edges: [number, number][];
  columns: number;
  /** How many rows the fullest column has. */
  rows: number;
}

const SWEEPS = 4;

/** For each node the length of the longest way to it from one without parents. */
export function layers(nodes: readonly DagNode[]): number[] {
  return layersOf(nodes.length, edgesOf(nodes));
}

/** Columns by the longest way, and within them an order with few crossings. The same nodes always come out the same. */
export function arrange(nodes: readonly DagNode[]): Arrangement {
  const edges = edgesOf(nodes);
  const layer = layersOf(nodes.length, edges);
  const columns: number[][] = [];
  layer.forEach((at, index) => (columns[at] ??= []).push(index));
  order(columns, nodes.length, edges);
  const row = new Array<number>(nodes.length).fill(0);
  for (const column of columns)
    column.forEach((index, place) => (row[index] = place - (column.length - 1) / 2));
  const rows = Math.max(0, ...columns.map((column) => column.length));
  return { layer, row, edges, columns: columns.length, rows };
}

function edgesOf(nodes: readonly DagNode[]): [number, number][] {
  const index = new Map(nodes.map((node, i) => [node.id, i]));
  const edges: [number, number][] = [];
  nodes.forEach((node, child) => {
    for (const id of new Set(node.parents)) {
      const parent = index.get(id);
      if (parent !== undefined && parent !== child) edges.push([parent, child]);
    }
  });
  return edges;
}

function layersOf(count: number, edges: readonly [number, number][]): number[] {
  const children = neighbours(count, edges, 0);
  const missing = neighbours(count, edges, 1).map((parents) => parents.length);
  const depth = new Array<number>(count).fill(0);
  const ready = missing.flatMap((left, i) => (left === 0 ? [i] : []));
  for (let i = ready.pop(); i !== undefined; i = ready.pop()) {
    for (const child of children[i] ?? []) {
      depth[child] = Math.max(depth[child] ?? 0, (depth[i] ?? 0) + 1);
      const left = (missing[child] = (missing[child] ?? 0) - 1);
      if (left === 0) ready.push(child);
    }
  }
  return depth;
}

/** Of each node those at the other end of its edges, where it is at the end `side` (0: the parent's). */
function neighbours(count: number, edges: readonly [number, number][], side: 0 | 1): number[][] {
  const found: number[][] = Array.from({ length: count }, () => []);
  for (const edge of edges) found[edge[side]]?.push(edge[side === 0 ? 1 : 0]);
  return found;
}

/** Sorts each column by the mean place of its nodes' neighbours, forwards and backwards in turn. */
function order(columns: number[][], count: number, edges: readonly [number, number][]): void {
  const before = neighbours(count, edges, 1);
  const after = neighbours(count, edges, 0);
  const place = new Array<number>(count).fill(0);
  const number = (column: number[]): void =>
    column.forEach((index, i) => (place[index] = (i + 0.5) / column.length));
  columns.forEach(number);
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    const forwards = sweep % 2 === 0;
    const near = forwards ? before : after;
    for (const column of forwards ? columns : columns.toReversed()) {
      const wanted = new Map(column.map((index) => [index, mean(near[index] ?? [], place, index)]));
      column.sort((a, b) => (wanted.get(a) ?? 0) - (wanted.get(b) ?? 0));
      number(column);
    }
  }
}

function mean(indexes: readonly number[], place: readonly number[], self: number): number {
  if (indexes.length === 0) return place[self] ?? 0;
  return indexes.reduce((sum, index) => sum + (place[index] ?? 0), 0) / indexes.length;
}
