from __future__ import annotations

import pytest

from gofer.server.statistics.answer import answer
from gofer.server.statistics.spread import Spread
from gofer.server.statistics.steps import Sizes
from gofer.server.statistics.tables import HOUR, MINUTE, Tables

BEGIN = 1_000 * HOUR
ONE, TWO, THREE = (("default", "p", number) for number in (1, 2, 3))


@pytest.mark.parametrize("duration", [1, 2, 7, 99, 1_000, 12_345, 86_400_000])
def test_a_duration_is_told_within_five_percent(duration: int) -> None:
    spread = Spread()
    spread.add(duration)
    told = spread.quantile(0.5)
    assert told is not None
    assert abs(told - duration) <= max(0.05 * duration, 0.5)


def test_quantiles_are_those_of_all_durations() -> None:
    spread = Spread()
    assert spread.quantile(0.5) is None
    for duration in (*[0] * 10, *[100] * 80, *[10_000] * 10):
        spread.add(duration)
    assert spread.quantile(0.05) == 0
    assert spread.quantile(0.5) == pytest.approx(100, rel=0.05)
    assert spread.quantile(0.95) == pytest.approx(10_000, rel=0.05)


def test_what_no_clock_can_mean_takes_no_time() -> None:
    spread = Spread()
    spread.add(-5)
    assert spread.quantile(0.95) == 0


def test_levels_are_the_highest_of_a_step_and_go_on_where_nothing_happens() -> None:
    tables = Tables()
    tables.created(ONE, BEGIN)
    tables.created(TWO, BEGIN + 1)
    tables.started(ONE, BEGIN + 2)
    tables.started(TWO, BEGIN + 3)
    tables.ended(ONE, BEGIN + 3 * MINUTE, "successful")
    told = answer(tables, "hour", BEGIN + 5 * MINUTE, 0, 0)
    assert len(told.at) == 60
    assert told.at[-6] == BEGIN
    assert told.queued[-6:] == [2, 0, 0, 0, 0, 0]
    assert told.running[-6:] == [2, 2, 2, 2, 1, 1]
    assert told.created[-6:] == [2, 0, 0, 0, 0, 0]
    assert told.successful[-6:] == [0, 0, 0, 1, 0, 0]


def test_durations_and_waits_are_of_runs_that_began_and_ended() -> None:
    tables = Tables()
    tables.created(ONE, BEGIN)
    tables.started(ONE, BEGIN + 1_000)
    tables.ended(ONE, BEGIN + 11_000, "failed")
    tables.created(TWO, BEGIN)
    tables.ended(TWO, BEGIN + 12_000, "cancelled")
    told = answer(tables, "day", BEGIN, 0, 0)
    assert (told.failed[-1], told.cancelled[-1]) == (1, 1)
    assert told.wait_median[-1] == pytest.approx(1_000, rel=0.05)
    assert told.duration_p95[-1] == pytest.approx(10_000, rel=0.05)
    assert told.duration_p95[-2] is None


def test_what_is_told_twice_or_of_unknown_runs_counts_once_or_not() -> None:
    tables = Tables()
    for _ in range(2):
        tables.created(ONE, BEGIN)
    for _ in range(2):
        tables.started(ONE, BEGIN)
    for _ in range(2):
        tables.ended(ONE, BEGIN, "successful")
    tables.started(TWO, BEGIN)
    tables.ended(THREE, BEGIN, "failed")
    told = answer(tables, "week", BEGIN, 0, 0)
    assert (told.created[-1], told.successful[-1], told.failed[-1]) == (1, 1, 0)
    assert answer(tables, "week", BEGIN + HOUR, 0, 0).running[-1] == 0


def test_only_the_newest_steps_are_kept_and_the_level_before_them_is_known() -> None:
    tables = Tables()
    tables.created(ONE, BEGIN)
    for hour in range(1, 1_000):
        tables.measured(BEGIN + hour * HOUR, Sizes(hour, 0, 0, 0), 10)
    assert len(tables.hours._steps) <= tables.hours.kept + 1
    told = answer(tables, "week", BEGIN + 999 * HOUR, 0, 0)
    assert set(told.queued) == {1}
    assert told.events_kept[-1] == 999
    assert set(told.log_bytes) == {10}


def test_a_clock_that_is_set_back_loses_nothing() -> None:
    tables = Tables()
    tables.created(ONE, BEGIN)
    tables.started(ONE, BEGIN - 2 * HOUR)
    tables.ended(ONE, BEGIN - HOUR, "successful")
    told = answer(tables, "week", BEGIN, 0, 0)
    assert (told.created[-1], told.successful[-1]) == (1, 1)


@pytest.mark.parametrize("ahead", [1_000, 5 * MINUTE, 9 * HOUR, 50_000 * HOUR])
def test_what_a_clock_that_was_ahead_has_noted_is_told_when_it_is_right(ahead: int) -> None:
    tables, sizes = Tables(), Sizes(7, 0, 0, 0)
    tables.created(ONE, BEGIN)
    tables.started(ONE, BEGIN + ahead)
    tables.measured(BEGIN + ahead, sizes, 10)
    tables.measured(BEGIN + MINUTE, Sizes(8, 0, 0, 0), 5)
    tables.ended(ONE, BEGIN + MINUTE, "successful")
    tables.created(TWO, BEGIN + MINUTE)
    for span in ("hour", "day", "week"):
        told = answer(tables, span, BEGIN + MINUTE, 0, 0)
        assert (sum(told.created), sum(told.successful), told.events_kept[-1]) == (2, 1, 8)
        assert sum(one or 0 for one in told.log_bytes) == 15
        assert (told.running[-1], told.queued[-1]) == (1, 1)
        assert len([one for one in told.wait_median if one is not None]) == 1
    assert answer(tables, "hour", BEGIN + 3 * MINUTE, 0, 0).running[-1] == 0
