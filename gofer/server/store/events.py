"""Rows of events: listed in either direction, and pruned from the old end. `Transaction.emit` stores them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, NamedTuple

import msgspec

from gofer.models.access import ANY
from gofer.models.event import Event
from gofer.server.store.event_filter import AUDIT, with_nouns
from gofer.server.store.event_filter import Filter as Filter
from gofer.server.store.patterns import globs
from gofer.server.store.queries import load
from gofer.server.store.transaction import Readable, Transaction

_SQL = load("events")
_DATA = msgspec.json.Decoder(dict[str, Any])
_JSON = msgspec.json.Encoder()
_SCAN = 20_000
"""How many events one call looks at, at most, so that a filter that seldom matches costs no more than others."""
_SCAN_OF_AUDIT = 10 * _SCAN
"""The same, as a range of numbers, where only audit events are looked at, which are the fewest."""

LAST = 2**62
"""A number behind every event."""


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
    below = last + 1 if _found_at_once(filter_, run_key) else min(last, above + _scan(filter_)) + 1
    items = _select(connection, filter_, run_key, above, below, limit, newest_first=False)
    if len(items) == limit:
        return EventPage(items, items[-1].seq)
    return EventPage(items, below - 1 if below <= last else None)


def list_before(connection: Readable, filter_: Filter, before: int, limit: int) -> EventPage:
    """At most `limit` matching events with a number below `before`, newest first."""
    first = first_seq(connection)
    run_key = _run_key(connection, filter_)
    below = min(before, last_seq(connection) + 1)
    above = first - 1 if _found_at_once(filter_, run_key) else max(first - 1, below - 1 - _scan(filter_))
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
    if not filter_.names_a_run or filter_.audit_alone:
        return None
    row = connection.execute(_SQL.run_key, (filter_.namespace, filter_.pipeline, filter_.run)).fetchone()
    return row[0] if row else None


def _found_at_once(filter_: Filter, run_key: int | None) -> bool:
    """Whether an index leads to matching events only, so that none has to be looked at in vain."""
    if run_key is not None or filter_.seen == ():
        return True
    if filter_.seen is not None or filter_.run is not None or filter_.by:
        return False
    if filter_.audit_alone:
        return not filter_.namespace and not filter_.pipeline and f"{AUDIT}*" in filter_.kinds
    return filter_.names_a_pipeline and not filter_.kinds


def _scan(filter_: Filter) -> int:
    return _SCAN_OF_AUDIT if filter_.audit_alone else _SCAN


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
    if filter_.seen == ():
        return []
    # What may not be seen does not count.
    most = limit if filter_.seen is None else -1
    span = {"above": above, "below": below, "limit": most, "kinds": _kinds(filter_), "by": filter_.by or None}
    # Most of what may not be seen is left out by the database, at less cost.
    seen = filter_.seen or ()
    names = [name for one in seen for name in one.within.namespaces]
    within = None if filter_.seen is None or ANY in names else globs(names)
    span |= {"within": within, "server": any(one.server for one in seen)}
    where = {"namespace": filter_.namespace or None, "pipeline": filter_.pipeline or None, "run": filter_.run}
    sql = _sql(filter_, run_key, newest_first=newest_first)
    rows = connection.execute(sql, {**span, **where, "run_key": run_key})
    if filter_.seen is None:
        return [_event(row) for row in rows]
    return [_event(row) for row in islice(_shown(filter_, rows), limit)]


def _sql(filter_: Filter, run_key: int | None, *, newest_first: bool) -> str:
    if filter_.audit_alone:
        return _SQL.of_audit_newest_first if newest_first else _SQL.of_audit_oldest_first
    if run_key is not None:
        return _SQL.of_run_newest_first if newest_first else _SQL.of_run_oldest_first
    if filter_.names_a_pipeline and not filter_.audit:
        return _SQL.of_pipeline_newest_first if newest_first else _SQL.of_pipeline_oldest_first
    return _SQL.newest_first if newest_first else _SQL.oldest_first


def _shown(filter_: Filter, rows: Iterable[sqlite3.Row]) -> Iterator[sqlite3.Row]:
    """Those that may be seen. What decides repeats a lot, so it is asked once for each."""
    known: dict[tuple[str, str, str], bool] = {}
    for row in rows:
        about = (row["kind"], row["namespace"] or "", row["pipeline"] or "")
        shown = known.get(about)
        if shown is None:
            shown = known[about] = filter_.shows(*about)
        if shown:
            yield row


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
