"""Counts requests as they pass; `metrics` turns the counts into what Prometheus reads."""

from __future__ import annotations

from bisect import bisect_left

from gofer.server.limits.refusals import Refusals

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
"""Upper bounds in seconds; a last bucket takes the rest."""


class Latencies:
    """Of one method of one route: how many requests fell into each bucket, and their seconds together."""

    __slots__ = ("counts", "seconds")

    def __init__(self) -> None:
        self.counts = [0] * (len(BUCKETS) + 1)
        self.seconds = 0.0


class Tally:
    """Requests by (method, route, status) and latencies by (method, route); open websockets by route; external events
    by (trigger, status); what was refused, and why.

    A route is a path as it was declared, never one that a client made up.
    """

    def __init__(self) -> None:
        self.requests: dict[tuple[str, str, int], int] = {}
        self.latencies: dict[tuple[str, str], Latencies] = {}
        self.websockets: dict[str, int] = {}
        self.refusals = Refusals()
        self.external_events: dict[tuple[str, int], int] = {}

    def note(self, method: str, route: str, status: int, seconds: float) -> None:
        """One HTTP request was answered."""
        key = (method, route, status)
        self.requests[key] = self.requests.get(key, 0) + 1
        latencies = self.latencies.get((method, route))
        if latencies is None:
            latencies = self.latencies[(method, route)] = Latencies()
        latencies.counts[bisect_left(BUCKETS, seconds)] += 1
        latencies.seconds += seconds

    def took_event(self, trigger: str, status: int) -> None:
        """An external event was answered; `trigger` is one that there is, not just any name."""
        key = (trigger, status)
        self.external_events[key] = self.external_events.get(key, 0) + 1

    def opened(self, route: str) -> None:
        self.websockets[route] = self.websockets.get(route, 0) + 1

    def closed(self, route: str) -> None:
        self.websockets[route] -= 1
