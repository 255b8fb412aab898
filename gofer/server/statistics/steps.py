"""Steps of time, and what happened in each."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from gofer.server.statistics.spread import Spread


class Sizes(NamedTuple):
    """In bytes, but for `events_kept`."""

    events_kept: int
    store_bytes: int
    object_bytes: int
    disk_free: int


@dataclass(slots=True)
class Step:
    """`queued` and `running` are the highest levels in it; `levels` those at its end. `sizes` are the last that were
    measured in it, `printed` the bytes that tasks have printed between those and the ones before."""

    at: int
    levels: tuple[int, int] = (0, 0)
    queued: int = 0
    running: int = 0
    created: int = 0
    successful: int = 0
    failed: int = 0
    cancelled: int = 0
    durations: Spread = field(default_factory=Spread)
    waits: Spread = field(default_factory=Spread)
    printed: int = 0
    sizes: Sizes | None = None

    def merge(self, later: Step) -> None:
        """Take what has happened in the step behind this one."""
        self.levels = later.levels
        self.queued = max(self.queued, later.queued)
        self.running = max(self.running, later.running)
        for name in ("created", "successful", "failed", "cancelled", "printed"):
            setattr(self, name, getattr(self, name) + getattr(later, name))
        self.durations.merge(later.durations)
        self.waits.merge(later.waits)
        self.sizes = later.sizes or self.sizes


class Steps:
    """The newest `kept` steps, each `length` milliseconds long. Steps in which nothing happened are not stored."""

    def __init__(self, length: int, kept: int) -> None:
        self.length = length
        self.kept = kept
        self._steps: deque[Step] = deque()

    def of(self, at: int) -> Step:
        """The step of that time, or the newest if that is later: a clock may be set back."""
        begin = at - at % self.length
        if self._steps and self._steps[-1].at >= begin:
            return self._steps[-1]
        queued, running = self._steps[-1].levels if self._steps else (0, 0)
        step = Step(begin, (queued, running), queued, running)
        self._steps.append(step)
        # One older than what is shown stays, for the levels at the beginning.
        while len(self._steps) > 1 and self._steps[1].at <= begin - self.kept * self.length:
            self._steps.popleft()
        return step

    def turn_back(self, now: int) -> None:
        """A clock that was ahead has been put right: what is noted for times that are still to come was now."""
        begin = now - now % self.length
        while self._steps and self._steps[-1].at > begin:
            later = self._steps.pop()
            if self._steps and self._steps[-1].at >= begin:
                self._steps[-1].merge(later)
            else:
                later.at = begin
                self._steps.append(later)

    def until(self, now: int) -> Iterator[Step]:
        """Each of the newest `kept` steps up to that of `now`, the oldest first."""
        last = now - now % self.length
        begin = last - (self.kept - 1) * self.length
        known = deque(self._steps)
        levels = (0, 0)
        while known and known[0].at < begin:
            levels = known.popleft().levels
        for at in range(begin, last + 1, self.length):
            step = known.popleft() if known and known[0].at == at else Step(at, levels, *levels)
            levels = step.levels
            yield step
