/** The window on a large DAG: how high it is, what it shows first, and what lies beyond it. */

import { NODE, type Place } from "./flow";

export interface Box {
  width: number;
  height: number;
}

/** As Svelte Flow has it: a place of the graph is shown at `place * zoom + offset`. */
export interface View {
  x: number;
  y: number;
  zoom: number;
}

/** Graphs are shown at their size, or smaller, but at first never too small to be read: then they can be moved about. */
export const ZOOM = { least: 0.45, most: 1 };
/** What a reader may do with them. */
export const REACH = { least: 0.05, most: 2 };
const ROOM = { least: 84, most: 600, around: 16 };

/** From the upper left corner of the graph to its lower right one. */
export function sizeOf(where: readonly Place[]): Box {
  if (where.length === 0) return { width: 0, height: 0 };
  const reach = where.reduce((far, { x, y }) => ({ x: Math.max(far.x, x), y: Math.max(far.y, y) }));
  return { width: reach.x + NODE.width, height: reach.y + NODE.height };
}

function fitting(size: Box, room: Box): number {
  const around = 2 * ROOM.around;
  return Math.min((room.width - around) / size.width, (room.height - around) / size.height);
}

const bounded = (value: number, least: number, most: number): number =>
  Math.min(most, Math.max(least, value));

/** How high the window is to be, where there are so many pixels for its width. */
export function heightFor(where: readonly Place[], width: number): number {
  const size = sizeOf(where);
  const zoom = bounded(fitting(size, { width, height: Infinity }), ZOOM.least, ZOOM.most);
  return Math.round(bounded(size.height * zoom + 2 * ROOM.around, ROOM.least, ROOM.most));
}

/** All of it, in the middle; of a graph that could not be read then, what is around the places `first`, else where it
 * begins. */
export function viewOf(where: readonly Place[], box: Box, first: readonly Place[]): View {
  const size = sizeOf(where);
  const whole = fitting(size, box);
  const zoom = bounded(whole, ZOOM.least, ZOOM.most);
  const begin = where.filter((place) => place.x === 0);
  const centre = middle(first.length > 0 ? first : begin);
  return {
    x: offset(size.width * zoom, box.width, centre.x * zoom),
    y: offset(size.height * zoom, box.height, centre.y * zoom),
    zoom,
  };
}

/** The whole graph, however small. */
export function wholeOf(where: readonly Place[], box: Box): View {
  const size = sizeOf(where);
  const zoom = bounded(fitting(size, box), REACH.least, ZOOM.most);
  return {
    x: (box.width - size.width * zoom) / 2,
    y: (box.height - size.height * zoom) / 2,
    zoom,
  };
}

/** Nearer or farther, with what is in the middle staying there. */
export function zoomed(view: View, box: Box, factor: number): View {
  const zoom = bounded(view.zoom * factor, REACH.least, REACH.most);
  const step = zoom / view.zoom;
  return {
    x: box.width / 2 - (box.width / 2 - view.x) * step,
    y: box.height / 2 - (box.height / 2 - view.y) * step,
    zoom,
  };
}

function middle(places: readonly Place[]): Place {
  const sum = places.reduce((all, { x, y }) => ({ x: all.x + x, y: all.y + y }), { x: 0, y: 0 });
  const count = Math.max(1, places.length);
  return { x: sum.x / count + NODE.width / 2, y: sum.y / count + NODE.height / 2 };
}

/** Along one side: in the middle of the room where it fits, else with `centre` there, and no room left empty. */
function offset(length: number, room: number, centre: number): number {
  if (length + 2 * ROOM.around <= room + 1) return (room - length) / 2;
  return bounded(room / 2 - centre, room - ROOM.around - length, ROOM.around);
}

/** The same, moved as little as is needed to have a node in the window. */
export function showing(view: View, box: Box, place: Place): View {
  const along = (at: number, length: number, room: number): number =>
    Math.max(0, ROOM.around - at) || Math.min(0, room - ROOM.around - length - at);
  const { zoom } = view;
  const right = along(place.x * zoom + view.x, NODE.width * zoom, box.width);
  const down = along(place.y * zoom + view.y, NODE.height * zoom, box.height);
  return right === 0 && down === 0 ? view : { x: view.x + right, y: view.y + down, zoom };
}

export interface Beyond {
  left: boolean;
  right: boolean;
  top: boolean;
  bottom: boolean;
  /** How many nodes are wholly in the window. */
  inside: number;
}

/** What of the graph cannot be seen. */
export function beyond(where: readonly Place[], box: Box, view: View): Beyond {
  const size = sizeOf(where);
  const right = view.x + size.width * view.zoom;
  const bottom = view.y + size.height * view.zoom;
  const isInside = ({ x, y }: Place): boolean => {
    const left = x * view.zoom + view.x;
    const top = y * view.zoom + view.y;
    const isAcross = left >= -1 && left + NODE.width * view.zoom <= box.width + 1;
    return isAcross && top >= -1 && top + NODE.height * view.zoom <= box.height + 1;
  };
  return {
    left: view.x < -1,
    right: right > box.width + 1,
    top: view.y < -1,
    bottom: bottom > box.height + 1,
    inside: where.filter(isInside).length,
  };
}
