"""The groups of a log: what its markers say, in the forms that build servers have made usual."""

from __future__ import annotations

import functools

from gofer.models.log_search import GroupsFrame, LogGroup
from gofer.server.logs.pattern import Pattern, compiled
from gofer.server.logs.piece import head
from gofer.server.logs.scan import Hit, Progress

# GitHub's `::group::`, Buildkite's sections, and GitHub's `::error`, which tells where to look.
_MARKERS = r"^(?:::group::|::endgroup::|::error[ :]|(?:---|\+\+\+|~~~) +\S|\^\^\^ \+\+\+\s*$)"
MAX_GROUPS = 2_000

_DEEPEST = 8
_NAME = 200


@functools.cache
def markers() -> Pattern:
    """Finds the lines that `Groups` takes."""
    return compiled(_MARKERS)


class Groups:
    """Takes the lines that `markers` finds, in order. `full`: there are more groups than are kept."""

    def __init__(self) -> None:
        self.found: list[LogGroup] = []
        self.full = False
        self._open: list[LogGroup] = []
        # Groups within the deepest that are kept: open too, so that their ends end nothing else.
        self._deeper = 0
        self._changed: dict[int, LogGroup] = {}
        # `---` with `+++` in the next line is no section, but what a diff begins with.
        self._pending: Hit | None = None

    def take(self, hit: Hit) -> bool:
        """One more line; whether another is wanted."""
        self._take(hit)
        return not self.full

    def _take(self, hit: Hit) -> None:
        text = _text(hit)
        pending, self._pending = self._pending, None
        if pending is not None and pending.number == hit.number - 1 and text.startswith("+++ "):
            return
        if pending is not None:
            self._section(pending)
        time, _ = head(hit.record)
        if text.startswith("::group::"):
            self._begin(LogGroup(first=hit.number, name=text[9:].strip(), kind="group", depth=0, began_at=time))
        elif text.startswith("::endgroup::"):
            self._end_group(hit.number, time)
        elif text.startswith("::error"):
            self._mark_errors()
        elif text.startswith("^^^"):
            self._expand()
        elif text.startswith("---"):
            self._pending = hit
        else:
            self._section(hit)

    def frame(self, so_far: Progress) -> GroupsFrame | None:
        """What has changed since the last frame, None if nothing has."""
        self.settle(None if so_far.ended else so_far.searched)
        if not self._changed:
            return None
        changed, self._changed = list(self._changed.values()), {}
        return GroupsFrame(groups=changed, searched=so_far.searched, total=so_far.total)

    def settle(self, searched: int | None = None) -> None:
        """Take what waits for the line behind it, if that was looked at. None: there is none."""
        if self._pending is not None and (searched is None or searched > self._pending.number):
            pending, self._pending = self._pending, None
            self._section(pending)

    def _section(self, hit: Hit) -> None:
        if self._deeper:
            return
        time, _ = head(hit.record)
        text = _text(hit)
        self._end_section(hit.number - 1, time)
        section = LogGroup(first=hit.number, name=text[3:].strip(), kind="section", depth=0, began_at=time)
        section.expanded = text.startswith("+++")
        self._begin(section)

    def _begin(self, group: LogGroup) -> None:
        group.depth = len(self._open)
        group.name = group.name[:_NAME]
        if len(self.found) == MAX_GROUPS:
            self.full = True
        elif group.depth == _DEEPEST:
            self._deeper += group.kind == "group"
        else:
            self.found.append(group)
            self._open.append(group)
            self._changed[group.first] = group

    def _end_group(self, line: int, time: str) -> None:
        """Ends the innermost `::group::`, and a section within it."""
        if self._deeper:
            self._deeper -= 1
        elif any(group.kind == "group" for group in self._open):
            self._end_section(line - 1, time)
            self._close(line, time)

    def _end_section(self, line: int, time: str) -> None:
        if self._open and self._open[-1].kind == "section":
            self._close(line, time)

    def _close(self, line: int, time: str) -> None:
        group = self._open.pop()
        group.last, group.ended_at = line, time
        self._changed[group.first] = group

    def _mark_errors(self) -> None:
        for group in self._open:
            group.errors += 1
            self._changed[group.first] = group

    def _expand(self) -> None:
        if self._open:
            self._open[-1].expanded = True
            self._changed[self._open[-1].first] = self._open[-1]


def _text(hit: Hit) -> str:
    return hit.line[hit.begin :].decode("utf-8", "replace").rstrip("\r")
