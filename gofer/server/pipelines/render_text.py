"""The graph for a terminal: a line for each task, rails from parents to children.

    ○ fetch
    ├─○ lint
    ├─│─○ test
    │ └─┴─○ publish
    └─○ report  (any: fetch)

A task's line touches the rails of its parents and passes over all others (`│`). Where there would be too many rails,
tasks are listed by layer with the names of their parents instead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from gofer.models.manifest import Condition, Manifest
from gofer.models.status import TaskStatus
from gofer.server.pipelines.graph import Node, expand, layers

_MAX_RAILS = 32
_INDENTED = 16
_NAMED_PARENTS = 6


class _Glyphs(NamedTuple):
    """What is drawn with. `joints`, of parents' rails, by: a line to the left, one to the right, the rail goes on."""

    rail: str
    line: str
    joints: Mapping[tuple[bool, bool, bool], str]
    arrow: str
    more: str


_WAYS = [(True, False), (False, True), (True, True)]
_JOINTS = [(left, right, on) for on in (False, True) for left, right in _WAYS]
_UNICODE = _Glyphs("│", "─", dict(zip(_JOINTS, "┘└┴┤├┼", strict=True)), "←", "…")
_ASCII = _Glyphs("|", "-", dict(zip(_JOINTS, "'`'+++", strict=True)), "<-", "...")
_SYMBOLS: dict[TaskStatus | None, tuple[str, str]] = {  # Unicode, ASCII
    None: ("○", "o"),
    TaskStatus.WAITING: ("○", "o"),
    TaskStatus.QUEUED: ("◌", "q"),
    TaskStatus.STARTING: ("◔", "~"),
    TaskStatus.RUNNING: ("●", ">"),
    TaskStatus.SUCCESSFUL: ("✔", "*"),
    TaskStatus.FAILED: ("✘", "x"),
    TaskStatus.CANCELLED: ("⊘", "!"),
    TaskStatus.SKIPPED: ("⊖", "."),
}


class Row(NamedTuple):
    """One line of the drawing: `drawing` are rails and symbol, `note` the conditions. `id` is empty for a heading."""

    id: str
    drawing: str
    note: str

    @property
    def text(self) -> str:
        line = " ".join(part for part in (self.drawing, self.id, self.note) if part)
        return line if line.isprintable() else "".join(c if c.isprintable() else "?" for c in line)


def to_text(manifest: Manifest, statuses: Mapping[str, TaskStatus] | None = None, *, ascii_only: bool = False) -> str:
    """The graph of a valid manifest, one line a node; `statuses` by node id gives each its symbol."""
    return "".join(f"{row.text}\n" for row in text_rows(expand(manifest), statuses, ascii_only=ascii_only))


def text_rows(
    nodes: Sequence[Node], statuses: Mapping[str, TaskStatus] | None = None, *, ascii_only: bool = False
) -> list[Row]:
    """The lines of the drawing, for callers that add columns of their own."""
    glyphs = _ASCII if ascii_only else _UNICODE
    symbols = {node.position: symbol((statuses or {}).get(node.id), ascii_only=ascii_only) for node in nodes}
    rows = _rails(nodes, symbols, glyphs)
    return _listed(nodes, symbols, glyphs) if rows is None else rows


def symbol(status: TaskStatus | None, *, ascii_only: bool = False) -> str:
    """One character for a status; None is a task that is in no run."""
    return _SYMBOLS[status][1 if ascii_only else 0]


def _rails(nodes: Sequence[Node], symbols: Mapping[int, str], glyphs: _Glyphs) -> list[Row] | None:
    """None when there would be too many rails."""
    open_children = [0] * len(nodes)
    for node in nodes:
        for edge in node.parents:
            open_children[edge.parent] += 1
    rails: list[int | None] = []  # the node whose rail is in a column
    column_of: dict[int, int] = {}
    rows: list[Row] = []
    for node in _parents_first(nodes):
        parents = {column_of[edge.parent] for edge in node.parents}
        column = _free_column(rails, parents)
        if column >= _MAX_RAILS:
            return None
        for edge in node.parents:
            open_children[edge.parent] -= 1
        ending = {column_of[edge.parent] for edge in node.parents if open_children[edge.parent] == 0}
        rows.append(
            Row(
                node.id,
                _drawing(rails, column, parents, ending, symbols[node.position], glyphs),
                _note(node, nodes, glyphs),
            )
        )
        rails.extend([None] * (column + 1 - len(rails)))
        for ended in ending:
            rails[ended] = None
        if open_children[node.position]:
            rails[column] = node.position
            column_of[node.position] = column
        while rails and rails[-1] is None:
            rails.pop()
    return rows


def _free_column(rails: Sequence[int | None], parents: set[int]) -> int:
    """The next one to the right of the parents, as in an outline; from the left again where that leads too far."""
    column = max(parents, default=-1) + 1
    while column < len(rails) and rails[column] is not None:
        column += 1
    if column < _INDENTED:
        return column
    return next((i for i, rail in enumerate(rails) if rail is None), len(rails))


def _drawing(
    rails: Sequence[int | None], column: int, parents: set[int], ending: set[int], mark: str, glyphs: _Glyphs
) -> str:
    first, last = min(parents | {column}), max(parents | {column})
    cells: list[str] = []
    for i in range(max(len(rails), column + 1)):
        if i == column:
            cells.append(mark)
        elif i in parents:
            cells.append(glyphs.joints[i > first, i < last, i not in ending])
        elif i < len(rails) and rails[i] is not None:
            cells.append(glyphs.rail)
        else:
            cells.append(glyphs.line if first < i < last else " ")
        cells.append(glyphs.line if first <= i < last else " ")
    return "".join(cells).rstrip()


def _parents_first(nodes: Sequence[Node]) -> list[Node]:
    """Each node after its parents, and as soon after the last of them as may be: that keeps rails few and short."""
    children: list[list[int]] = [[] for _ in nodes]
    missing = [len(node.parents) for node in nodes]
    for node in nodes:
        for edge in node.parents:
            children[edge.parent].append(node.position)
    ready = [i for i in reversed(range(len(nodes))) if missing[i] == 0]
    order: list[Node] = []
    while ready:
        i = ready.pop()
        order.append(nodes[i])
        for child in reversed(children[i]):
            missing[child] -= 1
            if missing[child] == 0:
                ready.append(child)
    return order


def _note(node: Node, nodes: Sequence[Node], glyphs: _Glyphs) -> str:
    parents: dict[Condition, list[str]] = {}
    for edge in node.parents:
        if edge.when != "successful":
            parents.setdefault(edge.when, []).append(nodes[edge.parent].id)
    notes = [f"{when}: {_shortened(names, glyphs.more)}" for when, names in parents.items()]
    return f" ({'; '.join(notes)})" if notes else ""


def _listed(nodes: Sequence[Node], symbols: Mapping[int, str], glyphs: _Glyphs) -> list[Row]:
    depth = layers(nodes)
    by_layer: list[list[Node]] = [[] for _ in range(max(depth, default=-1) + 1)]
    for node in nodes:
        by_layer[depth[node.position]].append(node)
    rows: list[Row] = []
    for number, layer in enumerate(by_layer, start=1):
        rows.append(
            Row("", f"Layer {number} of {len(by_layer)}", f"({len(layer)} {'task' if len(layer) == 1 else 'tasks'})")
        )
        for node in layer:
            names = [
                nodes[edge.parent].id + ("" if edge.when == "successful" else f" ({edge.when})")
                for edge in node.parents
            ]
            note = f" {glyphs.arrow} {_shortened(names, glyphs.more)}" if names else ""
            rows.append(Row(node.id, f"  {symbols[node.position]}", note))
    return rows


def _shortened(names: list[str], more: str) -> str:
    if len(names) <= _NAMED_PARENTS:
        return ", ".join(names)
    return f"{', '.join(names[:_NAMED_PARENTS])}, {more} {len(names) - _NAMED_PARENTS} more"
