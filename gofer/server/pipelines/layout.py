"""Where things stand in a drawing from left to right: layers by the longest way, few crossings, short lines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from gofer.models.manifest import Condition
from gofer.server.pipelines.graph import Node, layers

_SWEEPS = 6
# Lines over several layers get a point in each, so that they go around nodes; too many points are not worth the time.
_MAX_POINTS = 8_000


class Line(NamedTuple):
    """A piece of an edge between vertices of neighbouring layers (of any layers where there are no points)."""

    start: int
    end: int
    when: Condition


class Layout(NamedTuple):
    """Vertices are the nodes, by position, and after them the points of long lines. `y` is each one's centre."""

    layer: list[int]
    y: list[float]
    lines: list[Line]


def arrange(nodes: Sequence[Node], height: float, point_height: float) -> Layout:
    """Place nodes of a height and points of a height, gaps included. The same nodes always come out the same."""
    layer = layers(nodes)
    lines = _lines(nodes, layer)
    vertices = len(layer)
    before: list[list[int]] = [[] for _ in range(vertices)]
    after: list[list[int]] = [[] for _ in range(vertices)]
    for line in lines:
        before[line.end].append(line.start)
        after[line.start].append(line.end)
    columns: list[list[int]] = [[] for _ in range(max(layer, default=-1) + 1)]
    for vertex in range(vertices):
        columns[layer[vertex]].append(vertex)
    _order(columns, before, after)
    heights = [height if vertex < len(nodes) else point_height for vertex in range(vertices)]
    return Layout(layer, _heights(columns, before, after, heights), lines)


def _lines(nodes: Sequence[Node], layer: list[int]) -> list[Line]:
    """Adds the points to `layer`. Edges of one parent and condition share theirs."""
    points: dict[tuple[int, Condition], list[int]] = {}
    for node in nodes:
        for edge in node.parents:
            between = range(layer[edge.parent] + 1, layer[node.position])
            known = points.setdefault((edge.parent, edge.when), [])
            known.extend(range(len(known), len(between)))
    bent = sum(map(len, points.values())) <= _MAX_POINTS
    lines: list[Line] = []
    for (parent, when), known in points.items() if bent else ():
        start = parent
        for i in range(len(known)):
            known[i] = len(layer)
            layer.append(layer[parent] + 1 + i)
            lines.append(Line(start, known[i], when))
            start = known[i]
    for node in nodes:
        for edge in node.parents:
            skipped = layer[node.position] - layer[edge.parent] - 1
            start = points[edge.parent, edge.when][skipped - 1] if bent and skipped else edge.parent
            lines.append(Line(start, node.position, edge.when))
    return lines


def _order(columns: list[list[int]], before: list[list[int]], after: list[list[int]]) -> None:
    """Sort each column by the mean place of its vertices' neighbours, forwards and backwards in turn."""
    place = [0.0] * len(before)
    for column in columns:
        _number(column, place)
    for sweep in range(_SWEEPS):
        forwards = sweep % 2 == 0
        neighbours = before if forwards else after
        for column in columns if forwards else reversed(columns):
            column.sort(key=lambda v: _mean(neighbours[v], place, place[v]))
            _number(column, place)


def _number(column: list[int], place: list[float]) -> None:
    # Relative to the column's length, so that short and long columns compare.
    for i, vertex in enumerate(column):
        place[vertex] = (i + 0.5) / len(column)


def _mean(vertices: list[int], value: list[float], otherwise: float) -> float:
    return sum(value[v] for v in vertices) / len(vertices) if vertices else otherwise


def _heights(
    columns: list[list[int]], before: list[list[int]], after: list[list[int]], heights: list[float]
) -> list[float]:
    y = [0.0] * len(heights)
    for column in columns:
        _settle(column, [0.0] * len(column), heights, y)
    for forwards in (True, False, True):
        neighbours = before if forwards else after
        for column in columns if forwards else reversed(columns):
            _settle(column, [_mean(neighbours[v], y, y[v]) for v in column], heights, y)
    top = min((y[v] - heights[v] / 2 for v in range(len(y))), default=0.0)
    return [round(value - top, 1) for value in y]


def _settle(column: list[int], wanted: list[float], heights: list[float], y: list[float]) -> None:
    """Give the vertices of a column the places nearest to the wanted ones that keep their order and do not overlap."""
    offset, at = 0.0, list[float]()
    for vertex in column:
        at.append(offset + heights[vertex] / 2)
        offset += heights[vertex]
    # Neighbours that would overlap become one block, at the mean of what its members want.
    blocks: list[tuple[float, int]] = []
    for i, want in enumerate(wanted):
        total, count = want - at[i], 1
        while blocks and blocks[-1][0] / blocks[-1][1] > total / count:
            earlier = blocks.pop()
            total, count = total + earlier[0], count + earlier[1]
        blocks.append((total, count))
    shifts = (total / count for total, count in blocks for _ in range(count))
    for i, shift in enumerate(shifts):
        y[column[i]] = at[i] + shift
