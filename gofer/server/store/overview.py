"""What is to be seen of many pipelines at a glance: each function is one query for all of them.

All cost is by the pipelines asked for: none depends on how many runs there have been.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec

from gofer.models.hold import HoldKind
from gofer.models.overview import RunMark
from gofer.models.status import RunStatus
from gofer.server.store import subscriptions
from gofer.server.store.patterns import Patterns, globs
from gofer.server.store.pipelines import PipelineRow, row_of
from gofer.server.store.queries import load
from gofer.server.store.subscriptions import SubscriptionRow
from gofer.server.store.transaction import Readable

_SQL = load("overview")
_STATUSES = {status.value: status for status in RunStatus}


class Unfinished(NamedTuple):
    running: int = 0
    queued: int = 0


def pipelines(
    connection: Readable, namespace: str, after: str, limit: int, wanted: Sequence[str] | None, seen: Patterns
) -> list[PipelineRow]:
    """At most `limit`, in the order of their ids, from behind `after`, of those `wanted` (None: all) that match
    `seen`."""
    ids = None if wanted is None else msgspec.json.encode(wanted).decode()
    where = {"namespace": namespace, "after": after, "limit": limit, "wanted": ids, "seen": globs(seen)}
    return [row_of(row) for row in connection.execute(_SQL.pipelines, where)]


def last_runs(connection: Readable, keys: Iterable[int], count: int) -> dict[int, list[RunMark]]:
    """The newest `count` runs of each pipeline, oldest first, by the pipeline's key."""
    found: dict[int, list[RunMark]] = {}
    # Numbers within a pipeline have no gaps, as runs are removed with their pipeline alone.
    for key, *row in connection.execute(_SQL.last_runs, {"keys": _json(keys), "count": count}):
        number, status, created_at, started_at, ended_at = row
        mark = RunMark(
            id=number, status=_STATUSES[status], created_at=created_at, started_at=started_at, ended_at=ended_at
        )
        found.setdefault(key, []).append(mark)
    return found


def unfinished(connection: Readable, keys: Iterable[int], most: int) -> dict[int, Unfinished]:
    """How many runs of each pipeline have not ended, among the oldest `most` of those."""
    found: dict[int, Unfinished] = {}
    for key, status, count in connection.execute(_SQL.unfinished, {"keys": _json(keys), "most": most}):
        found[key] = found.get(key, Unfinished())._replace(**{status: count})
    return found


def holds(connection: Readable, keys: Iterable[int]) -> dict[int, list[HoldKind]]:
    """What is said of the pipelines themselves, without their versions."""
    found: dict[int, list[HoldKind]] = {}
    for key, kind in connection.execute(_SQL.holds, {"keys": _json(keys)}):
        found.setdefault(key, []).append(kind)
    return found


def deployments(connection: Readable, keys: Iterable[int]) -> dict[int, int]:
    """The number of the deployment that is under way."""
    return {row[0]: row[1] for row in connection.execute(_SQL.deployments, {"keys": _json(keys)})}


def subscriptions_of(connection: Readable, keys: Iterable[int]) -> list[SubscriptionRow]:
    """Of all these pipelines."""
    return [subscriptions.row_of(row) for row in connection.execute(_SQL.subscriptions, {"keys": _json(keys)})]


def _json(keys: Iterable[int]) -> str:
    return msgspec.json.encode(list(keys)).decode()
