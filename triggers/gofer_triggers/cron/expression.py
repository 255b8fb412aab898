"""A cron expression: five fields, or six with the year last; or a short form such as @daily.

The rules are those of Vixie's cron as Debian's crontab(5) states them, with the year of the Quartz scheduler's seventh
field in the sixth place.
"""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

from gofer_triggers.cron import fields

MAX_LENGTH = 1_000
SHORT_FORMS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_ORDER = (fields.MINUTE, fields.HOUR, fields.DAY, fields.MONTH, fields.WEEKDAY, fields.YEAR)
_DAY_SECONDS = 86_400
_MINUTES = 1_440
_EPOCH = date(1970, 1, 1).toordinal()
# The longest that an expression without a year can wait is 40 years: 29 February on one day of the week.
_HORIZON_YEARS = 41


class Expression(NamedTuple):
    """What an expression says, as bits: minutes of a day, days, months, days of the week (0 is Sunday) and years.

    `either_day` says that both day fields were restricted, so that a day which meets one of them is enough.
    `every_hour` says that no hour of a day is left out, and `repeats` that it runs through a repeated hour again.
    """

    times: int
    days: int
    months: int
    weekdays: int
    years: int | None
    either_day: bool
    every_hour: bool
    repeats: bool

    def at_or_after(self, wall: int) -> int | None:
        """The first time at or after `wall` that the expression names; None if there is none any more.

        Both are seconds from 1970-01-01 00:00 on the clock on the wall, whatever the time zone.
        """
        day, rest = divmod(wall, _DAY_SECONDS)
        minute = -(-rest // 60)
        later = self.times >> minute << minute
        if later and self._meets(date.fromordinal(day + _EPOCH)):
            return day * _DAY_SECONDS + _lowest(later) * 60
        found = self._next_day(day + 1)
        return None if found is None else found * _DAY_SECONDS + _lowest(self.times) * 60

    def _next_day(self, number: int) -> int | None:
        day = date.fromordinal(number + _EPOCH)
        last = min(day.year + _HORIZON_YEARS, fields.YEAR.high)
        while day.year <= last:
            if self.years is not None and not self.years >> day.year & 1:
                later = self.years >> day.year
                if not later:
                    return None
                day = date(day.year + _lowest(later), 1, 1)
                last = day.year + _HORIZON_YEARS
            elif not self.months >> day.month & 1:
                day = date(day.year + day.month // 12, day.month % 12 + 1, 1)
            elif self._meets(day):
                return day.toordinal() - _EPOCH
            else:
                day = date.fromordinal(day.toordinal() + 1)
        return None

    def _meets(self, day: date) -> bool:
        if self.years is not None and not self.years >> day.year & 1:
            return False
        if not self.months >> day.month & 1:
            return False
        of_month = self.days >> day.day & 1
        of_week = self.weekdays >> day.isoweekday() % 7 & 1
        return bool(of_month | of_week if self.either_day else of_month & of_week)


def parse(text: str) -> Expression:
    """The expression that `text` says. Raises ValueError, with a sentence that says which field is wrong and why."""
    parts = _split(text)
    minute, hour, day, month, weekday, *year = (
        fields.parse(part, kind) for part, kind in zip(parts, _ORDER, strict=False)
    )
    times = sum(minute.bits << 60 * value for value in range(24) if hour.bits >> value & 1)
    every_hour = hour.bits == (1 << 24) - 1
    return Expression(
        times=times,
        days=day.bits,
        months=month.bits,
        weekdays=weekday.bits,
        years=None if not year or (year[0].star and not year[0].step) else year[0].bits,
        either_day=not day.star and not weekday.star,
        every_hour=every_hour,
        repeats=every_hour or minute.star or minute.step,
    )


def doubts(text: str) -> list[str]:
    """What in a valid expression looks like a slip: sentences for its author."""
    parts = text.split()
    if len(parts) == 6 and parts[5] == "*":
        return [
            "The sixth field is the year, not the day of the week: there are no seconds. Leave the sixth field out."
        ]
    return []


def _split(text: str) -> list[str]:
    if len(text) > MAX_LENGTH:
        raise ValueError(f"The expression has {len(text)} characters; {MAX_LENGTH} is the most.")
    stripped = text.strip()
    if stripped.startswith("@"):
        if stripped.lower() not in SHORT_FORMS:
            also = " Use the trigger `interval` for it." if stripped.lower().startswith("@every") else ""
            raise ValueError(f'"{stripped[:40]}" is not known. Short forms are {", ".join(SHORT_FORMS)}.{also}')
        stripped = SHORT_FORMS[stripped.lower()]
    parts = stripped.split()
    if len(parts) not in (5, 6):
        raise ValueError(
            f'"{text[:40]}" has {len(parts)} field{"s" * (len(parts) != 1)}. An expression has five: minute, hour, '
            "day of month, month, day of week; or six, with the year last."
        )
    return parts


def _lowest(bits: int) -> int:
    return (bits & -bits).bit_length() - 1
