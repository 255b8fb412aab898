"""A time zone as a row of stretches of time in which the clock on the wall runs evenly."""

from __future__ import annotations

from bisect import bisect_right
from datetime import UTC, datetime, tzinfo
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_DAY = 86_400


class Stretch(NamedTuple):
    """From `start` to before `end` (Unix seconds) the wall shows UTC + `offset` seconds; before `start` + `before`."""

    start: int
    end: int
    before: int
    offset: int


class Zone:
    """A time zone of the IANA database, by its name. What was looked up is kept, a year at a time.

    zoneinfo knows the offset at a time but not when it changes: that is looked for here, by looking at each day and
    then by halves.
    """

    def __init__(self, name: str, info: tzinfo) -> None:
        self.name = name
        self._info = info
        self._years: dict[int, list[Stretch]] = {}

    def stretch(self, second: int) -> Stretch:
        """The stretch in which a time (Unix seconds, until the year 9998) lies. None is longer than a year of UTC."""
        year = datetime.fromtimestamp(second, UTC).year
        found = self._years.get(year)
        if found is None:
            found = self._years[year] = self._look(year)
        return found[bisect_right(found, second, key=_start) - 1]

    def text(self, second: int) -> str:
        """A time (Unix seconds) as RFC 3339 with the zone's offset."""
        return datetime.fromtimestamp(second, self._info).isoformat()

    def _look(self, year: int) -> list[Stretch]:
        begin = int(datetime(year, 1, 1, tzinfo=UTC).timestamp())
        end = int(datetime(year + 1, 1, 1, tzinfo=UTC).timestamp())
        found: list[Stretch] = []
        start, before, offset = begin, self._offset(begin - 1), self._offset(begin)
        for day in range(begin, end, _DAY):
            after = self._offset(min(day + _DAY, end - 1))
            if after != offset:
                change = self._change(day, min(day + _DAY, end - 1), offset)
                found.append(Stretch(start, change, before, offset))
                start, before, offset = change, offset, after
        found.append(Stretch(start, end, before, offset))
        return found

    def _change(self, low: int, high: int, offset: int) -> int:
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self._offset(middle) == offset else (low, middle)
        return high

    def _offset(self, second: int) -> int:
        offset = datetime.fromtimestamp(second, self._info).utcoffset()
        return 0 if offset is None else int(offset.total_seconds())


def zone(name: str) -> Zone:
    """The zone of that name. Raises ValueError, with a sentence, if there is none."""
    try:
        return Zone(name, ZoneInfo(name))
    except (OSError, ValueError, ZoneInfoNotFoundError) as error:
        raise ValueError(
            f'"{name[:40]}" is no time zone: write a name of the IANA database, such as Europe/Berlin or UTC.'
        ) from error


def _start(stretch: Stretch) -> int:
    return stretch.start
