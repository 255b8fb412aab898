"""Groups of any make, beside a stack of them."""

from __future__ import annotations

from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from gofer.models.log_search import GroupKind
from gofer.server.logs.groups import Groups, markers
from gofer.server.logs.scan import Hit, Progress

DEEPEST = 8
RECORD = b"2026-01-01T00:00:00.000000000Z stdout F "
LINES = st.lists(
    st.sampled_from(
        [
            *["::group::g"] * 5,
            *["::endgroup::"] * 3,
            *[
                "--- s",
                "+++ t",
                "~~~ u",
                "--- a/x",
                "+++ b/x",
                "::error::e",
                "^^^ +++",
                "plain",
                "::errors",
                "---",
                "+++",
            ],
        ]
    ),
    max_size=60,
)


class Known(NamedTuple):
    name: str
    kind: GroupKind
    first: int
    last: int | None
    depth: int
    expanded: bool
    errors: int


class Open:
    def __init__(self, name: str, kind: GroupKind, first: int, expanded: bool) -> None:
        self.name, self.kind, self.first, self.expanded = name, kind, first, expanded
        self.last: int | None = None
        self.depth = self.errors = 0


def model(lines: list[str]) -> list[Known]:
    """The obvious way: with all lines at hand, and a stack as high as there are groups."""
    stack: list[Open] = []
    seen: list[Open] = []

    def begin(one: Open) -> None:
        one.depth = len(stack)
        stack.append(one)
        seen.append(one)

    def end_section(last: int) -> None:
        if stack and stack[-1].kind == "section":
            stack.pop().last = last

    for number, line in enumerate(lines, 1):
        before, after = lines[number - 2] if number > 1 else "", lines[number] if number < len(lines) else ""
        is_diff = (line.startswith("--- ") and after.startswith("+++ ")) or (
            line.startswith("+++ ") and before.startswith("--- ")
        )
        if line.startswith("::group::"):
            begin(Open(line[9:], "group", number, False))
        elif line == "::endgroup::" and any(one.kind == "group" for one in stack):
            end_section(number - 1)
            stack.pop().last = number
        elif line == "::error::e":
            for one in stack:
                one.errors += 1
        elif line == "^^^ +++":
            shown = [one for one in stack if one.depth < DEEPEST]
            if shown:
                shown[-1].expanded = True
        elif line[:4] in ("--- ", "+++ ", "~~~ ") and not is_diff:
            end_section(number - 1)
            begin(Open(line[4:], "section", number, line.startswith("+++")))
    return [
        Known(one.name, one.kind, one.first, one.last, one.depth, one.expanded, one.errors)
        for one in seen
        if one.depth < DEEPEST
    ]


@given(st.integers(0, DEEPEST + 2), LINES, st.lists(st.booleans(), min_size=80, max_size=80))
@settings(deadline=None, max_examples=300)
def test_groups_are_those_of_a_stack_and_each_change_is_told(depth: int, lines: list[str], told_at: list[bool]) -> None:
    told: dict[int, Known] = {}
    groups = Groups()
    lines = ["::group::around"] * depth + lines
    for number, (line, is_told) in enumerate(zip(lines, told_at, strict=False), 1):
        text = line.encode()
        match = markers().find(text, 0)
        if match is not None:
            groups.take(Hit(number, RECORD + text, text, *match))
        frame = groups.frame(Progress(number, len(lines), True, False)) if is_told else None
        told |= {one.first: known(one) for one in frame.groups} if frame else {}
    frame = groups.frame(Progress(len(lines), len(lines), False, True))
    told |= {one.first: known(one) for one in frame.groups} if frame else {}
    expected = model(lines)
    assert [known(one) for one in groups.found] == expected
    assert [told[first] for first in sorted(told)] == expected


def known(one: object) -> Known:
    return Known(*(getattr(one, name) for name in Known._fields))
