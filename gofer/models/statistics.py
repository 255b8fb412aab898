"""Figures of the server over time."""

from __future__ import annotations

from typing import Literal

import msgspec

Span = Literal["hour", "day", "week"]


class Statistics(msgspec.Struct, kw_only=True):
    """How the server did, step by step; every list has one value for each step, the oldest first.

    `at` is when a step begins; `step` how long one is; the last one is under way. `created` counts runs that were
    created in it; `successful`, `failed` and `cancelled` those that ended in it. `queued` and `running`: the most there
    were at once. Durations (start to end) and waits (creation to start) are the medians and 95th percentiles of runs
    that ended, or started, in it, within 5 %; null where there were none.

    `log_bytes`: what tasks have printed in it. `events_kept`, `store_bytes` (the database and its write-ahead log),
    `object_bytes`, `disk_free`: as they stood at its end.

    Before `runs_since` not all runs are counted; before `sizes_since`, when the server began, nothing was measured,
    and the values are null. All times and durations in milliseconds, times since the Unix epoch.
    """

    now: int
    step: int
    runs_since: int
    sizes_since: int
    at: list[int]
    created: list[int]
    successful: list[int]
    failed: list[int]
    cancelled: list[int]
    queued: list[int]
    running: list[int]
    duration_median: list[int | None]
    duration_p95: list[int | None]
    wait_median: list[int | None]
    wait_p95: list[int | None]
    log_bytes: list[int | None]
    events_kept: list[int | None]
    store_bytes: list[int | None]
    object_bytes: list[int | None]
    disk_free: list[int | None]
