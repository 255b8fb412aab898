"""When an expression fires in a time zone: right across changes of the clocks.

- A time that the clocks leave out (spring) counts as soon as it is over, once; not where the expression names every
  hour, since the next hour comes anyway.
- A time that comes twice (autumn) fires the first time; both times where the expression names every hour, or its
  minutes are written with * or a step: such an expression means time that passes.
"""

from __future__ import annotations

from gofer_triggers.cron.expression import Expression
from gofer_triggers.cron.zone import Stretch, Zone

# More than any zone has ever moved its clocks (Samoa: a whole day).
_FAR = 3 * 86_400


class CronTimes:
    """The times of one expression in one zone. Keeps nothing of its own: one serves any number of subscriptions."""

    def __init__(self, expression: Expression, zone: Zone) -> None:
        self._expression = expression
        self._zone = zone

    def after(self, time: int) -> int | None:
        """The first time after `time` at which it fires (both Unix milliseconds); None if it never does again."""
        second = time // 1000 + 1
        while True:
            stretch = self._zone.stretch(second)
            if second == stretch.start and self._left_out(stretch):
                return second * 1000
            found = self._expression.at_or_after(self._wall(second, stretch))
            if found is None:
                return None
            if found < stretch.end + stretch.offset:
                return (found - stretch.offset) * 1000
            # A stretch is longer than the hour that may be repeated after it. Where one was looked at from its
            # beginning, nothing comes before `found`, and the stretches between need not be looked at.
            whole = second == stretch.start
            second = max(stretch.end, found - stretch.offset - _FAR) if whole else stretch.end

    def _wall(self, second: int, stretch: Stretch) -> int:
        """What the wall shows, or where it was before the clocks were set back and the repeated time is not wanted."""
        wall = second + stretch.offset
        return wall if self._expression.repeats else max(wall, stretch.start + stretch.before)

    def _left_out(self, stretch: Stretch) -> bool:
        """Whether the clocks jumped over a time of the expression at the beginning of this stretch."""
        if stretch.before >= stretch.offset or self._expression.every_hour:
            return False
        found = self._expression.at_or_after(stretch.start + stretch.before)
        return found is not None and found < stretch.start + stretch.offset
