"""Counting what is not good, by address."""

from __future__ import annotations

import pytest

from gofer.errors import NotAuthenticated, TooManyRequests
from gofer.server.limits.failures import MOST_ADDRESSES, WINDOW, Failures, network_of
from gofer.server.limits.refusals import Refusals

BAD = NotAuthenticated("This token is bad.")


class Timed:
    def __init__(self, limit: int) -> None:
        self.now = 1000.0
        self.limit = limit
        self.refusals = Refusals()
        self.failures = Failures(lambda: self.limit, self.refusals, lambda: self.now)

    def waits(self, address: str) -> int:
        """Seconds that it is told to wait; 0 where it is told what is wrong."""
        answer = self.failures.judge(address, BAD)
        if isinstance(answer, TooManyRequests):
            return answer.retry_after
        assert answer is BAD
        return 0


def test_a_minute_begins_with_the_first_failure() -> None:
    timed = Timed(2)
    assert [timed.waits("a"), timed.waits("a"), timed.waits("a")] == [0, 0, WINDOW]
    timed.now += 59.5
    assert timed.waits("a") == 1
    timed.now += 0.5
    assert timed.waits("a") == 0


def test_no_limit() -> None:
    timed = Timed(0)
    assert {timed.waits("a") for _ in range(1000)} == {0}
    assert timed.refusals.counts["auth_failed"] == 1000


def test_so_many_addresses_are_known_and_all_others_share_one() -> None:
    timed = Timed(1)
    for number in range(MOST_ADDRESSES):
        assert timed.waits(str(number)) == 0
    assert timed.waits("one more") == 0
    assert timed.waits("another") == WINDOW
    assert timed.waits("7") == WINDOW
    timed.now += WINDOW
    assert timed.waits("another") == 0
    assert timed.waits("one more") == 0


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::1", "::/64"),
        ("task socket", "task socket"),
        ("", ""),
        ("no:address", "no:address"),
    ],
)
def test_networks(address: str, network: str) -> None:
    assert network_of(address) == network
