"""Rows of events: listed in either direction, and pruned from the old end. `Transaction.emit` stores them."""

from __future__ import annotations

import sqlite3
from typing import Any, NamedTuple

import msgspec

from gofer.models.event import Event, Kind
from gofer.server.store.queries import load
from gofer.server.store.transaction import Readable, Transaction

_SQL = load("events")
_DATA = msgspec.json.Decoder(dict[str, Any])
_JSON = msgspec.json.Encoder()
_SCAN = 20_000
"""How many events one call looks at, at most, so that a filter that seldom matches costs no more than others."""

LAST = 2**62
"""A number behind every event."""


class Filter(msgspec.Struct, frozen=True):
    """Which events; what is empty or None does not restrict. A kind is exact (`run.ended`) or a noun's (`run.*`)."""

    kinds: frozenset[str] = frozenset()
    namespace: str = ""
    pipeline: str = ""
    run: int | None = None

    def matches(self, event: Event) -> bool:
        return (
            (self.run is None or event.run == self.run)
            and (not self.pipeline or event.pipeline == self.pipeline)
            and (not self.namespace or event.namespace == self.namespace)
            and (not self.kinds or event.kind in self.kinds or event.kind.partition(".")[0] + ".*" in self.kinds)
        )

    @property
    def names_a_run(self) -> bool:
        """Whether at most one run can match."""
        return self.names_a_pipeline and self.run is not None

    @property
    def names_a_pipeline(self) -> bool:
        """Whether only one pipeline's events can match."""
        return bool(self.namespace and self.pipeline)


def with_nouns(kinds: frozenset[str]) -> frozenset[str]:
    """Every exact kind that a filter's kinds stand for."""
    return frozenset(kind.value for kind in Kind if kind in kinds or f"{kind.value.partition('.')[0]}.*" in kinds)


class EventPage(NamedTuple):
    """`next` is where to go on in the same direction, None if the end was reached. It may be set with few items."""

    items: list[Event]
    next: int | None


def last_seq(connection: Readable) -> int:
    """The number of the newest event that was ever stored, 0 if none was."""
    seq: int = connection.execute(_SQL.last_seq).fetchone()[0]
    return seq


def list_after(connection: Readable, filter_: Filter, after: int, limit: int) -> EventPage:
    """At most `limit` matching events with a number above `after`, oldest first."""
    first = first_seq(connection)
    last = last_seq(connection)
    run_key = _run_key(connection, filter_)
    # Only what was pruned leaves a gap, so a range of numbers is about as many events.
    above = max(after, first - 1)
    below = last + 1 if _found_at_once(filter_, run_key) else min(last, above + _SCAN) + 1
    items = _select(connection, filter_, run_key, above, below, limit, newest_first=False)
    if len(items) == limit:
        return EventPage(items, items[-1].seq)
    return EventPage(items, below - 1 if below <= last else None)


def list_before(connection: Readable, filter_: Filter, before: int, limit: int) -> EventPage:
    """At most `limit` matching events with a number below `before`, newest first."""
    first = first_seq(connection)
    run_key = _run_key(connection, filter_)
    below = min(before, last_seq(connection) + 1)
    above = first - 1 if _found_at_once(filter_, run_key) else max(first - 1, below - 1 - _SCAN)
    items = _select(connection, filter_, run_key, above, below, limit, newest_first=True)
    if len(items) == limit:
        return EventPage(items, items[-1].seq)
    return EventPage(items, above + 1 if above >= first else None)


def delete_older(transaction: Transaction, after: int, count: int, cutoff: int, now: int) -> tuple[int, bool]:
    """Of the `count` numbers above `after`, delete the events that are older than the time `cutoff`.

    Returns how many there were, and whether that was the last of them: an event that is to be kept was met. One that
    lies in the future does not count, as the clock was wrong when it was stored.
    """
    last = last_seq(transaction)
    span = {"above": after, "upto": after + count, "cutoff": cutoff, "now": now}
    deleted = transaction.execute(_SQL.delete_older, span).rowcount
    done = after + count >= last or transaction.execute(_SQL.keeps_any, span).fetchone() is not None
    return deleted, done


def first_seq(connection: Readable) -> int:
    """The number of the oldest event that is still there; if none is, the one that the next event will get."""
    seq: int = connection.execute(_SQL.first_seq).fetchone()[0]
    return seq


def _run_key(connection: Readable, filter_: Filter) -> int | None:
    """The key of the one run that the filter names, by which its events are found at once."""
    if not filter_.names_a_run:
        return None
    row = connection.execute(_SQL.run_key, (filter_.namespace, filter_.pipeline, filter_.run)).fetchone()
    return row[0] if row else None


def _found_at_once(filter_: Filter, run_key: int | None) -> bool:
    """Whether an index leads to matching events only, so that none has to be looked at in vain."""
    return run_key is not None or (filter_.names_a_pipeline and not filter_.kinds and filter_.run is None)


def _select(
    connection: Readable,
    filter_: Filter,
    run_key: int | None,
    above: int,
    below: int,
    limit: int,
    *,
    newest_first: bool,
) -> list[Event]:
    span = {"above": above, "below": below, "limit": limit, "kinds": _kinds(filter_)}
    if run_key is not None:
        sql = _SQL.of_run_newest_first if newest_first else _SQL.of_run_oldest_first
        return [_event(row) for row in connection.execute(sql, {**span, "run_key": run_key})]
    if filter_.names_a_pipeline:
        sql = _SQL.of_pipeline_newest_first if newest_first else _SQL.of_pipeline_oldest_first
    else:
        sql = _SQL.newest_first if newest_first else _SQL.oldest_first
    where = {"namespace": filter_.namespace or None, "pipeline": filter_.pipeline or None, "run": filter_.run}
    return [_event(row) for row in connection.execute(sql, {**span, **where})]


def _kinds(filter_: Filter) -> str | None:
    """The exact kinds as a JSON list for the query, None for all of them."""
    if not filter_.kinds:
        return None
    return _JSON.encode(sorted(with_nouns(filter_.kinds))).decode()


def _event(row: sqlite3.Row) -> Event:
    return Event(
        seq=row["seq"],
        at=row["at"],
        kind=row["kind"],
        namespace=row["namespace"] or "",
        pipeline=row["pipeline"] or "",
        run=row["run"],
        task=row["task"] or "",
        data=_DATA.decode(row["data"]) if row["data"] else {},
    )
