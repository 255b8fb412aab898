"""When cron fires where the clocks are changed: against a calculation that looks at every minute."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gofer_triggers.cron.expression import parse
from gofer_triggers.cron.timetable import CronTimes
from gofer_triggers.cron.zone import zone

MINUTE = 60_000
# Three days around each: a change of the clocks, or a day like others.
PLACES = [
    ("Europe/Berlin", "2026-03-29"),
    ("Europe/Berlin", "2026-10-25"),
    ("America/New_York", "2027-03-14"),
    ("America/New_York", "2027-11-07"),
    ("Australia/Lord_Howe", "2026-10-04"),  # by half an hour
    ("Australia/Lord_Howe", "2027-04-04"),
    ("Pacific/Apia", "2011-12-30"),  # a day that there was not
    ("Africa/Cairo", "2026-04-24"),  # midnight that there was not
    ("America/Havana", "2026-11-01"),  # midnight twice
    ("Asia/Kathmandu", "2026-01-01"),
    ("UTC", "2028-02-29"),
]


def ms(text: str) -> int:
    """Unix milliseconds of an ISO time with an offset."""
    return int(datetime.fromisoformat(text).timestamp()) * 1000


def fired(expression: str, place: str, begin: int, end: int) -> list[int]:
    """What the timetable says after `begin` and until `end`."""
    times, found = CronTimes(parse(expression), zone(place)), []
    time = times.after(begin)
    while time is not None and time <= end:
        found.append(time)
        time = times.after(time)
    return found


class Fields(NamedTuple):
    """An expression as sets; `text` is the same as it is written."""

    text: str
    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    repeats: bool

    def names(self, wall: datetime) -> bool:
        return wall.minute in self.minutes and wall.hour in self.hours and wall.day in self.days


def looked_at_by_minute(wanted: Fields, place: str, begin: int, end: int) -> list[int]:
    """The rules of docs/triggers/cron.md, applied to every minute by itself."""
    info, found = ZoneInfo(place), []
    before = datetime.fromtimestamp(begin // 1000, info)
    for time in range(begin + MINUTE, end + 1, MINUTE):
        wall = datetime.fromtimestamp(time // 1000, info)
        fires = wanted.names(wall) and (not wall.fold or wanted.repeats)
        # What the wall has left out since the minute before.
        left_out = before.replace(tzinfo=None) + timedelta(minutes=1)
        while left_out < wall.replace(tzinfo=None) and not fires:
            fires = len(wanted.hours) < 24 and wanted.names(left_out)
            left_out += timedelta(minutes=1)
        found += [time] * fires
        before = wall
    return found


@st.composite
def fields(draw: st.DrawFn) -> Fields:
    """Expressions whose times lie near each other, also without a star in them."""
    texts, sets, stars = [], [], []
    for low, high in ((0, 59), (0, 23)):
        step = draw(st.integers(1, 30 if high > 23 else 12))
        some = draw(st.sets(st.integers(low, high), min_size=1, max_size=3) | st.sets(st.integers(1, 3), min_size=1))
        text, values, star = draw(
            st.sampled_from(
                [
                    ("*", set(range(low, high + 1)), True),
                    (f"*/{step}", set(range(low, high + 1, step)), True),
                    (",".join(map(str, sorted(some))), some, False),
                    (f"{low}-{high}", set(range(low, high + 1)), False),
                ]
            )
        )
        texts.append(text)
        sets.append(frozenset(values))
        stars.append(star)
    days = draw(st.none() | st.sets(st.integers(1, 31), min_size=3))
    texts.append("*" if days is None else ",".join(map(str, sorted(days))))
    month = frozenset(range(1, 32) if days is None else days)
    minutes, hours = sets
    return Fields(" ".join([*texts, "*", "*"]), minutes, hours, month, stars[0] or len(hours) == 24)


@settings(max_examples=150, derandomize=True, deadline=None)
@given(fields(), st.sampled_from(PLACES), st.integers(0, 1439))
def test_every_minute_agrees(wanted: Fields, place: tuple[str, str], offset: int) -> None:
    begin = ms(f"{place[1]}T00:00:00+00:00") - 26 * 60 * MINUTE + offset * MINUTE
    end = begin + 3 * 1440 * MINUTE
    assert fired(wanted.text, place[0], begin, end) == looked_at_by_minute(wanted, place[0], begin, end)


@settings(derandomize=True, deadline=None)
@given(
    fields(), st.sampled_from(PLACES), st.integers(-10 * 365 * 86_400_000, 10 * 365 * 86_400_000), st.integers(1, 10**9)
)
def test_times_rise_and_do_not_depend_on_where_one_looks_from(
    wanted: Fields, place: tuple[str, str], shift: int, back: int
) -> None:
    times = CronTimes(parse(wanted.text), zone(place[0]))
    begin = ms(f"{place[1]}T00:00:00+00:00") + shift
    first = times.after(begin)
    assert first is not None
    assert first > begin
    assert times.after(first - 1) == first
    earlier = times.after(begin - back)
    assert earlier is not None
    assert begin - back < earlier <= first


@pytest.mark.parametrize(
    ("expression", "place", "day", "expected"),
    [
        # Spring: 02:00 to 03:00 is left out.
        ("30 2 * * *", "Europe/Berlin", "2026-03-29", ["03:00+02:00"]),
        ("0,30 2 * * *", "Europe/Berlin", "2026-03-29", ["03:00+02:00"]),
        ("*/15 2 * * *", "Europe/Berlin", "2026-03-29", ["03:00+02:00"]),
        ("0 2,3 * * *", "Europe/Berlin", "2026-03-29", ["03:00+02:00"]),
        ("30 1-4 * * *", "Europe/Berlin", "2026-03-29", ["01:30+01:00", "03:00+02:00", "03:30+02:00", "04:30+02:00"]),
        (
            "45 0-3,5-23/6 * * 7",
            "America/New_York",
            "2027-03-14",
            [
                "00:45-05:00",
                "01:45-05:00",
                "03:00-04:00",
                "03:45-04:00",
                "05:45-04:00",
                "11:45-04:00",
                "17:45-04:00",
                "23:45-04:00",
            ],
        ),
        ("15 2 * * *", "Australia/Lord_Howe", "2026-10-04", ["02:30+11:00"]),
        ("0 0 * * *", "Africa/Cairo", "2026-04-24", ["01:00+03:00"]),
        # Autumn: 02:00 to 03:00 comes twice.
        ("30 2 * * *", "Europe/Berlin", "2026-10-25", ["02:30+02:00"]),
        ("0,30 2 * * *", "Europe/Berlin", "2026-10-25", ["02:00+02:00", "02:30+02:00"]),
        ("0 1-3 * * *", "Europe/Berlin", "2026-10-25", ["01:00+02:00", "02:00+02:00", "03:00+01:00"]),
        ("*/30 2 * * *", "Europe/Berlin", "2026-10-25", ["02:00+02:00", "02:30+02:00", "02:00+01:00", "02:30+01:00"]),
        ("*/30 2 25 10 *", "Europe/Berlin", "2026-10-25", ["02:00+02:00", "02:30+02:00", "02:00+01:00", "02:30+01:00"]),
        ("30 2 * * *", "UTC", "2026-10-25", ["02:30+00:00"]),
        ("45 1 * * *", "Australia/Lord_Howe", "2027-04-04", ["01:45+11:00"]),
        ("0 0 * * *", "America/Havana", "2026-11-01", ["00:00-04:00"]),
    ],
)
def test_days_on_which_the_clocks_are_changed(expression: str, place: str, day: str, expected: list[str]) -> None:
    midnight = datetime.fromisoformat(day).replace(tzinfo=ZoneInfo(place))
    begin, until = (int(one.timestamp() * 1000) for one in (midnight, midnight + timedelta(days=1)))
    shown = [
        datetime.fromtimestamp(time // 1000, ZoneInfo(place)).isoformat(timespec="minutes")
        for time in fired(expression, place, begin - 1, until - 1)
    ]
    assert shown == [f"{day}T{time}" for time in expected]


def test_something_hourly_keeps_to_the_time_that_passes() -> None:
    for day in ("2026-03-29", "2026-10-25"):
        begin = ms(f"{day}T00:00:00+00:00")
        hours = fired("7 0-23 * * *", "Europe/Berlin", begin, begin + 6 * 60 * MINUTE)
        assert hours == [begin + (hour * 60 + 7) * MINUTE for hour in range(6)]


def test_a_day_that_there_was_not_is_made_up_for_once() -> None:
    begin, end = ms("2011-12-29T12:00:00-10:00"), ms("2011-12-31T23:00:00+14:00")
    assert fired("0 12 * * *", "Pacific/Apia", begin, end) == [
        ms("2011-12-31T00:00+14:00"),
        ms("2011-12-31T12:00+14:00"),
    ]
    assert fired("0 12 30 12 *", "Pacific/Apia", begin, end) == [ms("2011-12-31T00:00+14:00")]


def test_rare_times_are_found_across_the_years() -> None:
    begin = ms("2026-11-22T00:00:00+00:00")
    far = CronTimes(parse("0 1 25 12 * 2199"), zone("Europe/Berlin"))
    assert far.after(begin) == ms("2199-12-25T00:00:00+00:00")
    assert far.after(ms("2199-12-25T00:00:00+00:00")) is None
    # The next Sunday that is a 29 March: the one on which the clocks are changed.
    leap = CronTimes(parse("30 2 29 3 */7"), zone("Europe/Berlin"))
    assert leap.after(begin) == ms("2037-03-29T03:00:00+02:00")


@pytest.mark.parametrize(
    "wrong", ["", "Berlin", "Europe/Nowhere", "../etc/passwd", "/etc/localtime", "Europe", "a\0b", "ü", "x" * 500]
)
def test_an_unknown_time_zone_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match="is no time zone: write a name of the IANA database"):
        zone(wrong)


def test_a_zone_shows_times_with_its_offset() -> None:
    assert (
        zone("America/New_York").text(int(datetime(2026, 7, 1, 12, tzinfo=UTC).timestamp()))
        == "2026-07-01T08:00:00-04:00"
    )
