"""How often something may happen in a second."""

from __future__ import annotations

import pytest

from gofer.server.limits import rates
from gofer.server.limits.rates import Rates


def test_two_seconds_worth_at_once_and_then_as_many_as_allowed() -> None:
    counted = Rates()
    assert [counted.take("a", 8, 0.0) for _ in range(25)] == [0] * 16 + [1] * 9
    assert [counted.take("a", 8, 0.5) for _ in range(6)] == [0] * 4 + [1] * 2
    assert [counted.take("b", 8, 0.5) for _ in range(2)] == [0, 0]
    assert [counted.take("a", 8, 100.0) for _ in range(25)].count(0) == 16


def test_over_a_long_time_as_many_pass_as_are_allowed() -> None:
    counted = Rates()
    passed = sum(counted.take("a", 50, tick / 200) == 0 for tick in range(200 * 60))
    assert 50 * 60 <= passed <= 50 * 62


def test_no_limit() -> None:
    counted = Rates()
    assert not any(counted.take("a", 0, 0.0) for _ in range(10_000))


def test_the_table_has_an_end_and_forgets_who_has_paid(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rates, "MOST_KEYS", 3)
    counted = Rates()
    for key in "abc":
        assert counted.take(key, 1, 0.0) == 0
    assert [counted.take(key, 1, 0.0) for key in "defg"] == [0, 0, 1, 1], "they share what there is for all others"
    assert [counted.take(key, 1, 10.0) for key in "hij"] == [0, 0, 0]
