"""Aligned columns. Small, as rich alone takes longer to import than a list takes to answer."""

from __future__ import annotations

from collections.abc import Sequence

from gofer.cli.terminal import paint

Cell = str | tuple[str, str]
"""Text, or text and its look; the text must be printable (`terminal.plain`)."""

_GAP = "  "


def width_of(text: str) -> int:
    """How many columns of a terminal `text` takes."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(0 if combining(c) else 2 if east_asian_width(c) in "WF" else 1 for c in text)


def table(head: Sequence[str], rows: Sequence[Sequence[Cell]], *, color: bool) -> list[str]:
    """The lines of a table; a column that is empty in every row is left out."""
    kept = [i for i in range(len(head)) if any(_text(row[i]) for row in rows)] if rows else range(len(head))
    widths = [max(width_of(head[i]), *(width_of(_text(row[i])) for row in rows), 0) for i in kept]
    lines = [_line([(head[i], "dim") for i in kept], widths, color)]
    lines += [_line([row[i] for i in kept], widths, color) for row in rows]
    return lines


def fields(pairs: Sequence[tuple[str, Cell]], *, color: bool) -> list[str]:
    """One `name  value` per line; empty values are left out."""
    shown = [(name, cell) for name, cell in pairs if _text(cell)]
    widest = max((len(name) for name, _ in shown), default=0)
    return [_line([(name, "dim"), cell], [widest, 0], color) for name, cell in shown]


def _line(cells: Sequence[Cell], widths: Sequence[int], color: bool) -> str:
    parts = []
    for cell, width in zip(cells, widths, strict=True):
        text = _text(cell)
        look = cell[1] if isinstance(cell, tuple) and color else ""
        parts.append((paint(text, look) if look and text else text) + " " * (width - width_of(text)))
    return _GAP.join(parts).rstrip(" ")


def _text(cell: Cell) -> str:
    return cell if isinstance(cell, str) else cell[0]
