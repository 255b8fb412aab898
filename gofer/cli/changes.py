"""What a diff looks like to people: task by task, field by field, in colour where there are colours."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from gofer.cli.terminal import paint, plain
from gofer.models.diff import Change, ChangeKind

_SIGNS: dict[ChangeKind, str] = {"added": "+", "removed": "-", "changed": "~"}
_LOOKS = {"+": "green", "-": "red", "~": "yellow"}
_AROUND = 2
"""Lines of a text that are shown before and behind those that changed."""


class Changes:
    """Lines about `changes`: first those of the pipeline itself, then its tasks."""

    def __init__(self, changes: list[Change], *, color: bool) -> None:
        self._changes = changes
        self._color = color

    def lines(self) -> Iterator[str]:
        """Every change, and how many there are."""
        if not self._changes:
            return
        for one in self._changes:
            if not one.task:
                yield from self._field(one.kind, one.field, one.before, one.after, "")
        for task, changes in self._by_task().items():
            yield from self._task(task, changes)
        yield paint(self._summary(), "dim") if self._color else self._summary()

    def _by_task(self) -> dict[str, list[Change]]:
        found: dict[str, list[Change]] = {}
        for one in self._changes:
            if one.task:
                found.setdefault(one.task, []).append(one)
        return found

    def _task(self, task: str, changes: list[Change]) -> Iterator[str]:
        kind = changes[0].kind if not changes[0].field else "changed"
        yield self._line(_SIGNS[kind], "", f"task {plain(task)}", bold=True)
        for one in changes:
            if one.field:
                yield from self._field(one.kind, one.field, one.before, one.after, "    ")
            elif one.kind == "added":
                for name, value in one.after.items():
                    if name != "id":
                        yield from self._field("added", name, None, value, "    ")

    def _field(self, kind: ChangeKind, field: str, before: Any, after: Any, indent: str) -> Iterator[str]:
        sign, name = _SIGNS[kind], plain(field)
        if kind == "changed" and (moved := list(_text_diff(before, after))):
            yield self._line(sign, indent, f"{name}:")
            yield from (self._line(mark, f"{indent}    ", text) for mark, text in moved)
        elif kind == "changed":
            yield self._line(sign, indent, f"{name}: {_value(before)} → {_value(after)}")
        elif _is_text(value := after if kind == "added" else before):
            yield self._line(sign, indent, f"{name}:")
            yield from (self._line(sign, f"{indent}    ", line) for line in value.splitlines())
        else:
            yield self._line(sign, indent, f"{name}: {_value(value)}")

    def _line(self, sign: str, indent: str, text: str, *, bold: bool = False) -> str:
        line = f"{indent}{sign} {plain(text)}".rstrip()
        look = [_LOOKS[sign]] if sign in _LOOKS else []
        return paint(line, *look, *(["bold"] if bold else [])) if self._color else line

    def _summary(self) -> str:
        tasks = [changes[0] for changes in self._by_task().values()]
        kinds = ["changed" if one.field else one.kind for one in tasks]
        parts = [_count(kinds.count(kind), "task", kind) for kind in ("added", "changed", "removed") if kind in kinds]
        others = sum(not one.task for one in self._changes)
        if others:
            parts.append(f"{others} change{'s' if others > 1 else ''} of the pipeline itself")
        return ", ".join(parts)


def _count(number: int, what: str, done: str) -> str:
    return f"{number} {what}{'s' if number > 1 else ''} {done}"


def _value(value: Any) -> str:
    return "nothing" if value is None else msgspec.json.encode(value).decode()


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and "\n" in value.rstrip("\n")


def _text_diff(before: Any, after: Any) -> Iterable[tuple[str, str]]:
    """Sign and text of each line; nothing where one of them is no text of several lines, or the lines are equal."""
    if not (isinstance(before, str) and isinstance(after, str) and (_is_text(before) or _is_text(after))):
        return
    from difflib import unified_diff

    changed = unified_diff(before.splitlines(), after.splitlines(), n=_AROUND, lineterm="")
    for number, line in enumerate(changed):
        # The first two name files.
        if number > 2 and line.startswith("@@"):
            yield " ", "…"
        elif number > 1 and not line.startswith("@@"):
            yield line[0], line[1:]
