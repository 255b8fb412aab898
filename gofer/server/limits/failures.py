"""How often somebody may show what is not good.

A good token is never refused for that: it cannot be guessed (256 random bits), so there is nothing that a lock would
protect, and behind one address there may be many, of whom one would lock out the others.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from math import ceil
from typing import NamedTuple

from gofer.errors import NotAuthenticated, TooManyRequests
from gofer.server.limits.refusals import Refusals

WINDOW = 60.0
MOST_ADDRESSES = 4096

# Whoever does not find room in the table shares one entry: their own tokens, if good, pass all the same.
_ALL_OTHERS = ""
# One customer's network: whoever has one address of it has them all (RFC 6177).
_IPV6_NETWORK = 64


class _Count(NamedTuple):
    until: float
    failures: int


class Failures:
    """Counts them by address, an IPv6 address by its /64 network. `limit`: so many in a minute, 0 for any number;
    `monotonic`: seconds."""

    def __init__(self, limit: Callable[[], int], refusals: Refusals, monotonic: Callable[[], float]) -> None:
        self._limit = limit
        self._refusals = refusals
        self._monotonic = monotonic
        self._counts: dict[str, _Count] = {}

    def judge(self, address: str, error: NotAuthenticated) -> NotAuthenticated | TooManyRequests:
        """What to answer to a request from `address` that has failed with `error`: that, or TooManyRequests."""
        self._refusals.note("auth_failed")
        limit, now = self._limit(), self._monotonic()
        if not limit:
            return error
        source = self._place(network_of(address), now)
        count = self._counts.get(source)
        if count is None or now >= count.until:
            count = _Count(now + WINDOW, 0)
        if count.failures < limit:
            self._counts[source] = count._replace(failures=count.failures + 1)
            return error
        self._refusals.note("rate_limited")
        return TooManyRequests(
            "From this address came too many requests that were not authenticated.",
            f"Wait, and look what sends them: {error.message} A good token is let through at any time.",
            retry_after=max(1, ceil(count.until - now)),
        )

    def _place(self, source: str, now: float) -> str:
        if source in self._counts or len(self._counts) < MOST_ADDRESSES:
            return source
        self._counts = {one: count for one, count in self._counts.items() if now < count.until}
        return source if len(self._counts) < MOST_ADDRESSES else _ALL_OTHERS


def network_of(address: str) -> str:
    """An IPv6 address's /64; anything else as it is."""
    if ":" not in address:
        return address
    try:
        return str(ipaddress.ip_network((address, _IPV6_NETWORK), strict=False))
    except ValueError:
        return address
