"""What becomes of runs, counted by minutes and by hours."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from gofer.server.statistics.steps import Sizes, Step, Steps

MINUTE = 60_000
HOUR = 60 * MINUTE
WEEK = 7 * 24 * HOUR

_RunName = tuple[str, str, int]


class _Going(NamedTuple):
    """A run that has not ended. `started_at` None: it is queued."""

    created_at: int
    started_at: int | None = None


class Tables:
    """Told of each thing once, in the order in which they happened. Only runs that have not ended are remembered."""

    def __init__(self) -> None:
        self.minutes = Steps(MINUTE, 60)
        self.quarters = Steps(15 * MINUTE, 24 * 4)
        self.hours = Steps(HOUR, 7 * 24)
        self._going: dict[_RunName, _Going] = {}
        self._queued = 0
        self._running = 0

    def created(self, run: _RunName, at: int) -> None:
        """A run was created, and is queued."""
        if run in self._going:
            return
        self._going[run] = _Going(at)
        self._queued += 1
        for step in self._at(at):
            step.created += 1

    def started(self, run: _RunName, at: int) -> None:
        """It runs."""
        going = self._going.get(run)
        if going is None or going.started_at is not None:
            return
        self._going[run] = _Going(going.created_at, at)
        self._queued -= 1
        self._running += 1
        for step in self._at(at):
            step.waits.add(at - going.created_at)

    def ended(self, run: _RunName, at: int, status: str) -> None:
        """It has ended, with that status."""
        going = self._going.pop(run, None)
        if going is None:
            return
        if going.started_at is None:
            self._queued -= 1
        else:
            self._running -= 1
        for step in self._at(at):
            if status == "successful":
                step.successful += 1
            elif status == "failed":
                step.failed += 1
            else:
                step.cancelled += 1
            if going.started_at is not None:
                step.durations.add(at - going.started_at)

    def measured(self, at: int, sizes: Sizes, printed: int) -> None:
        """So much room is taken now; `printed`: bytes that tasks have printed since this was called before."""
        for steps in (self.minutes, self.quarters, self.hours):
            steps.turn_back(at)
        for step in self._at(at):
            step.sizes = sizes
            step.printed += printed

    def _at(self, at: int) -> Iterator[Step]:
        levels = (self._queued, self._running)
        for steps in (self.minutes, self.quarters, self.hours):
            step = steps.of(at)
            step.levels = levels
            step.queued = max(step.queued, self._queued)
            step.running = max(step.running, self._running)
            yield step
