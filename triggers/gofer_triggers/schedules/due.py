"""Which of a timetable's times are to be started, and which are only recorded as missed."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple, Protocol

MOST = 100
"""So many missed times are made up for, or counted, at most."""

_SHORTEST_LOOK = 60_000


class Times(Protocol):
    """A timetable. Times are Unix milliseconds."""

    def after(self, time: int) -> int | None:
        """The first time of the timetable after `time`; None if there is none."""
        ...


class Step(NamedTuple):
    """One thing to tell Gofer of.

    With `start` a run for the time `at`, which is `late` where the trigger could not be there in time; else that all
    from `first` to `at` were missed: `missed` of them, or where `more` is set at least that many.
    """

    at: int
    start: bool
    late: bool = False
    first: int = 0
    missed: int = 1
    more: bool = False


def due(times: Times, after: int, now: int, keep: int, punctual: int) -> list[Step]:
    """What to tell of the times after `after` up to `now`, in order.

    The newest `keep` of them are started, and the newest in any case if it is at most `punctual` milliseconds old: a
    short hiccup is no outage. All others are skipped, as one.
    """
    found = newest(times, after, now)
    if not found:
        return []
    count = max(min(keep, len(found), MOST), int(now - found[-1] <= punctual))
    skipped, started = found[: len(found) - count], found[len(found) - count :]
    steps = []
    if skipped:
        steps.append(Step(skipped[-1], False, True, skipped[0], len(skipped), len(found) > MOST))
    return steps + [Step(at, True, now - at > punctual) for at in started]


def newest(times: Times, after: int, until: int) -> list[int]:
    """The newest times after `after` up to `until`, in order: all, or `MOST` + 1 if there are more.

    It looks back further and further, so that a year's outage of something that fires every minute costs little.
    """
    look = _SHORTEST_LOOK
    while True:
        begin = max(after, until - look)
        found: deque[int] = deque(maxlen=MOST + 1)
        time = times.after(begin)
        while time is not None and time <= until:
            found.append(time)
            time = times.after(time)
        if len(found) > MOST or begin == after or after >= until:
            return list(found)
        look *= 2
