"""The formulas against published figures, against what they must fulfil, and against sampling."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gofer.server.deployments import statistics
from gofer.server.deployments.statistics import Estimated, difference, mean, median, quantile, ratio, share


def bounds(found: Estimated | None) -> tuple[float, float]:
    assert found is not None
    assert found.low is not None
    assert found.high is not None
    return found.low, found.high


@pytest.mark.parametrize(
    ("hits", "count", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_a_share_lies_where_newcombe_says(hits: int, count: int, low: float, high: float) -> None:
    """His table of Wilson's interval without correction: Statistics in Medicine 17, 857-872."""
    assert bounds(share(hits, count)) == pytest.approx((low, high), abs=5e-5)
    mirrored = bounds(share(count - hits, count))
    assert mirrored == pytest.approx((1 - high, 1 - low), abs=5e-5)


@pytest.mark.parametrize(
    ("new", "old", "low", "high"),
    [
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((10, 10), (0, 20), 0.6791, 1.0),
        ((5, 56), (0, 29), -0.0381, 0.1926),
        ((0, 10), (0, 10), -0.2775, 0.2775),
    ],
)
def test_the_difference_of_shares_lies_where_newcombe_says(
    new: tuple[int, int], old: tuple[int, int], low: float, high: float
) -> None:
    """His table II, method 10: Statistics in Medicine 17, 873-890."""
    one, other = share(*new), share(*old)
    assert one is not None
    assert other is not None
    assert bounds(difference(one, other)) == pytest.approx((low, high), abs=5e-5)
    assert bounds(difference(other, one)) == pytest.approx((-high, -low), abs=5e-5)


@pytest.mark.parametrize(
    ("count", "low", "high"), [(6, 1, 6), (8, 1, 8), (9, 2, 8), (10, 2, 9), (20, 6, 15), (50, 18, 33), (100, 40, 61)]
)
def test_the_medians_bounds_have_the_ranks_of_the_tables(count: int, low: int, high: int) -> None:
    assert bounds(median(list(range(count, 0, -1)))) == (low, high)


def test_where_too_few_were_observed_there_are_no_bounds() -> None:
    assert median([3, 1, 2, 9, 5]) == (3, None, None)
    assert quantile(range(1, 73), 0.95) == (69, 64, 72)
    assert quantile(range(1, 72), 0.95) == (68, None, None)
    assert mean([2]) == (2, None, None)
    assert mean([1, 1, 1]) == (1, None, None)
    assert (share(0, 0), median([]), quantile([], 0.95), mean([])) == (None, None, None, None)
    assert difference(Estimated(5, 4, 6), Estimated(3, None, None)) == (2, None, None)
    assert ratio(Estimated(6, 5, 7), Estimated(3, None, None)) == (2, None, None)
    assert ratio(Estimated(6, 5, 7), Estimated(3, 0, 4)) == (2, None, None)
    assert ratio(Estimated(6, 5, 7), Estimated(0, 0, 4)) is None


def test_a_quantile_is_the_smallest_value_that_so_many_do_not_exceed() -> None:
    for count in range(1, 200):
        values = [float(one) for one in range(count)]
        found = quantile(values, 0.95)
        assert found is not None
        assert sum(one <= found.value for one in values) * 100 >= count * 95
        assert sum(one < found.value for one in values) * 100 < count * 95
    assert median([1, 2, 3, 10]) == (2.5, None, None)


def test_ranks_leave_no_more_outside_than_is_said_and_are_the_narrowest_that_do() -> None:
    for count in (6, 7, 30, 73, 211):
        for level in (0.5, 0.95):
            ways = [math.comb(count, k) * level**k * (1 - level) ** (count - k) for k in range(count + 1)]
            low, high = statistics._ranks(count, level)
            assert sum(ways[:low]) <= 0.025 < sum(ways[: low + 1])
            assert sum(ways[high:]) <= 0.025
            assert high == 1 or sum(ways[high - 1 :]) > 0.025


@pytest.mark.parametrize(
    ("degrees", "expected"), [(1, 12.706), (2, 4.303), (3, 3.182), (4, 2.776), (10, 2.228), (120, 1.980)]
)
def test_students_t_is_that_of_the_tables(degrees: int, expected: float) -> None:
    assert statistics._student(degrees) == pytest.approx(expected, rel=2e-3)


def test_a_ratio_is_the_same_from_both_ends() -> None:
    one, other = Estimated(200.0, 180.0, 260.0), Estimated(100.0, 90.0, 105.0)
    there, back = ratio(one, other), ratio(other, one)
    assert there is not None
    assert there.value == 2
    assert bounds(back) == pytest.approx(tuple(1 / bound for bound in reversed(bounds(there))))
    low, high = bounds(there)
    assert 180 / 105 < low < 2 < high < 260 / 90


def test_the_true_values_lie_within_the_bounds_as_often_as_is_said() -> None:
    """Of durations as they are: skewed, by a log-normal distribution. 30 runs of a side, 400 times."""
    dice = random.Random(7)
    hits = dict.fromkeys(("share", "difference", "median", "mean", "ratio"), 0)
    for _ in range(400):
        old = [dice.lognormvariate(8, 0.5) for _ in range(30)]
        new = [dice.lognormvariate(8, 0.5) * 1.3 for _ in range(30)]
        middle, other = median(old), median(new)
        assert middle is not None
        assert other is not None
        here, there = (share(sum(dice.random() < rate for _ in range(30)), 30) for rate in (0.9, 0.8))
        assert here is not None
        assert there is not None
        for name, found, true in (
            ("share", here, 0.9),
            ("difference", difference(there, here), -0.1),
            ("median", middle, math.exp(8)),
            ("mean", mean(old), math.exp(8 + 0.5**2 / 2)),
            ("ratio", ratio(other, middle), 1.3),
        ):
            low, high = bounds(found)
            hits[name] += low <= true <= high
    assert {name: count / 400 for name, count in hits.items() if count < 0.92 * 400} == {}


@pytest.mark.parametrize(("new", "old"), [(10, 10), (20, 20), (10, 90)])
def test_equal_versions_are_seldom_taken_for_different(new: int, old: int) -> None:
    """Exactly, for every outcome that so many runs can have, whatever the share of those that fail."""
    told = [[_apart(share(a, new), share(b, old)) for b in range(old + 1)] for a in range(new + 1)]
    for rate in (0.01, 0.1, 0.3, 0.41, 0.5, 0.68, 0.9, 0.99):
        one, other = _ways(new, rate), _ways(old, rate)
        wrong = math.fsum(
            p * q for p, row in zip(one, told, strict=True) for q, is_ in zip(other, row, strict=True) if is_
        )
        assert wrong < 0.055


def _apart(new: Estimated | None, old: Estimated | None) -> bool:
    assert new is not None
    assert old is not None
    low, high = bounds(difference(new, old))
    return low > 0 or high < 0


def _ways(count: int, rate: float) -> list[float]:
    return [math.comb(count, k) * rate**k * (1 - rate) ** (count - k) for k in range(count + 1)]


TIMES = st.lists(st.integers(0, 10**9), min_size=1, max_size=150)


@given(TIMES, TIMES)
def test_whatever_was_observed_the_value_lies_within_its_bounds(new: list[int], old: list[int]) -> None:
    made = [[median(values), quantile(values, 0.95), mean(values)] for values in (new, old)]
    counted = [share(sum(value % 2 for value in values), len(values)) for values in (new, old)]
    for one, other in [*zip(*made, strict=True), (counted[0], counted[1])]:
        assert one is not None
        assert other is not None
        there, back = difference(one, other), difference(other, one)
        assert there.value == pytest.approx(-back.value)
        for found in (one, other, there, back, ratio(one, other)):
            if found is not None and found.low is not None and found.high is not None:
                slack = 1e-9 * max(1.0, abs(found.value))
                assert found.low - slack <= found.value <= found.high + slack
        # What is sure of one is sure of the other: the bounds of both orders are the same.
        assert (there.low is None) == (back.low is None)
        if there.low is not None and back.high is not None:
            assert there.low == pytest.approx(-back.high, abs=1e-6)
