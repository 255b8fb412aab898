"""Which missed times are made up for, and which are recorded."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from gofer_triggers.interval.timetable import IntervalTimes, times
from gofer_triggers.schedules.due import MOST, Step, due, newest

MINUTE, HOUR, YEAR = 60_000, 3_600_000, 365 * 86_400_000
EVERY_MINUTE = IntervalTimes(MINUTE, 0)


class Fixed:
    """Just these times."""

    def __init__(self, times: list[int]) -> None:
        self._times = sorted(times)
        self.asked = 0

    def after(self, time: int) -> int | None:
        self.asked += 1
        return next((one for one in self._times if one > time), None)


def test_a_time_that_has_just_come_is_started() -> None:
    assert due(EVERY_MINUTE, 9 * MINUTE, 10 * MINUTE + 5, 0, 1000) == [Step(10 * MINUTE, True, False)]
    assert due(EVERY_MINUTE, 10 * MINUTE, 10 * MINUTE + 5, 0, 1000) == []
    assert due(EVERY_MINUTE, 10 * MINUTE, 3 * MINUTE, 0, 1000) == []


def test_missed_times_are_skipped_as_one_but_for_the_newest() -> None:
    now = 10 * MINUTE + 30_000
    skipped = Step(10 * MINUTE, False, True, 4 * MINUTE, 7)
    assert due(EVERY_MINUTE, 3 * MINUTE, now, 0, 1000) == [skipped]
    assert due(EVERY_MINUTE, 3 * MINUTE, now, 1, 1000) == [
        Step(9 * MINUTE, False, True, 4 * MINUTE, 6),
        Step(10 * MINUTE, True, True),
    ]
    # A minute's grace: the newest is no missed one.
    assert due(EVERY_MINUTE, 3 * MINUTE, now, 0, MINUTE) == [
        Step(9 * MINUTE, False, True, 4 * MINUTE, 6),
        Step(10 * MINUTE, True, False),
    ]
    assert [step.at for step in due(EVERY_MINUTE, 3 * MINUTE, now, MOST, MINUTE)] == [
        minute * MINUTE for minute in range(4, 11)
    ]


def test_all_is_bounded_and_says_that_there_were_more() -> None:
    now = 5_000 * MINUTE
    skipped, *started = due(EVERY_MINUTE, 0, now, MOST, MINUTE)
    assert not skipped.start
    assert skipped.more
    assert [step.at for step in started] == [minute * MINUTE for minute in range(4_901, 5_001)]
    assert skipped.at == 4_900 * MINUTE
    (only,) = due(EVERY_MINUTE, 0, now + 30_000, 0, 1000)
    assert (only.at, only.more, only.start) == (now, True, False)


def test_a_year_of_missed_minutes_costs_little() -> None:
    class Counted(IntervalTimes):
        asked = 0

        def after(self, time: int) -> int | None:
            self.asked += 1
            return super().after(time)

    counted = Counted(MINUTE, 0)
    assert len(newest(counted, 0, YEAR)) == MOST + 1
    assert counted.asked < 10 * MOST


@settings(derandomize=True, deadline=None)
@given(
    st.lists(st.integers(0, 40 * HOUR), max_size=300, unique=True), st.integers(0, 30 * HOUR), st.integers(0, 45 * HOUR)
)
def test_the_newest_are_found_wherever_they_lie(given_times: list[int], after: int, until: int) -> None:
    wanted = [time for time in sorted(given_times) if after < time <= until]
    found = newest(Fixed(given_times), after, until)
    assert found == wanted[len(wanted) - len(found) :]
    assert len(found) == len(wanted) or len(found) == MOST + 1


@settings(derandomize=True, deadline=None)
@given(
    st.lists(st.integers(0, 4 * HOUR), max_size=150, unique=True),
    st.integers(0, 5 * HOUR),
    st.integers(0, 5 * HOUR),
    st.sampled_from([0, 1, MOST]),
    st.integers(0, HOUR),
)
def test_each_time_is_told_once_however_often_one_looks(
    given_times: list[int], first: int, second: int, keep: int, punctual: int
) -> None:
    """Told in two parts, as after a restart: `after` is what was told of last."""
    fixed, after, starts = Fixed(given_times), 0, []
    for now in (first, second):
        steps = due(fixed, after, now, keep, punctual)
        assert [step.at for step in steps] == sorted(step.at for step in steps)
        assert all(after < step.at <= now for step in steps)
        assert sum(not step.start for step in steps) <= 1
        assert all(step.late == (now - step.at > punctual) for step in steps if step.start)
        starts += [step.at for step in steps if step.start]
        after = max([after, *(step.at for step in steps)])
    assert len(starts) == len(set(starts))
    assert set(starts) <= set(given_times)


@settings(derandomize=True, deadline=None)
@given(st.text(min_size=1, max_size=20), st.integers(10**12, 2 * 10**12), st.integers(100, YEAR), st.booleans())
def test_slots_of_an_interval_depend_on_the_subscription_alone(
    subscription: str, created_at: int, every: int, jitter: bool
) -> None:
    slots = times(subscription, created_at, every, jitter)
    first = slots.after(created_at)
    assert first is not None
    assert created_at < first <= created_at + every
    assert jitter or first == created_at + every
    for later in (0, created_at - 7 * every, first, first + 17 * every, first + 17 * every + every // 2):
        following = times(subscription, created_at, every, jitter).after(later)
        assert following is not None
        assert (following - first) % every == 0
        assert later < following <= later + every


def test_subscriptions_that_were_made_together_do_not_start_together() -> None:
    firsts = [times(f"s{number}", 10**12, HOUR, True).after(10**12) or 0 for number in range(1_000)]
    per_minute = [0] * 60
    for first in firsts:
        per_minute[(first - 10**12 - 1) // MINUTE] += 1
    assert max(per_minute) < 50
    assert min(per_minute) > 2
