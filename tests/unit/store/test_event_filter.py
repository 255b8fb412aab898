"""A filter chooses the same events in memory as in the database, and what may not be seen costs no more than others."""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gofer.models.event import Event, Kind
from gofer.server.auth.rights import EVERYTHING, NOTHING, Sight
from gofer.server.store.database import Database, Transaction
from gofer.server.store.event_filter import Filter, Seen
from gofer.server.store.events import LAST, list_after, list_before
from gofer.server.store.queries import load
from tests.unit.store.seed import add_pipeline, add_run

NAMES = ["a", "ab", "b", "a?", "[a]"]
PATTERNS = ["*", "a", "a*", "*b", "a?", "[a]*", ""]
KINDS = ["run.queued", "run.ended", "secret.put", "namespace.created", "audit.write", "audit.refused", "server.started"]
WHO = ["token tok-1", "local"]

described = st.tuples(
    st.sampled_from(KINDS), st.sampled_from(["", *NAMES]), st.sampled_from(["", *NAMES]), st.sampled_from(WHO)
)
sights = st.builds(
    Sight,
    st.lists(st.sampled_from(PATTERNS), max_size=2).map(tuple),
    st.lists(st.sampled_from(PATTERNS), max_size=2).map(tuple),
)
seen = st.builds(Seen, st.frozensets(st.sampled_from(KINDS)), sights, st.booleans())
filters = st.builds(
    Filter,
    kinds=st.frozensets(st.sampled_from([*KINDS, "run.*", "audit.*", "no.such"]), max_size=3),
    namespace=st.sampled_from(["", *NAMES]),
    pipeline=st.sampled_from(["", *NAMES]),
    run=st.sampled_from([None, None, 1, 2]),
    by=st.sampled_from(["", "", *WHO]),
    seen=st.none() | st.lists(seen, max_size=3).map(tuple),
)


def emit(tx: Transaction, events: list[tuple[str, str, str, str]]) -> None:
    for kind, namespace, pipeline, who in events:
        audit = kind.startswith("audit.")
        where: dict[str, Any] = {"namespace": namespace, "pipeline": pipeline if namespace else ""}
        if kind.startswith("run.") and namespace and pipeline:
            where["run"] = 1
        tx.emit(Kind(kind), 1, data={"by": who} if audit else None, **where)


async def all_of(database: Database, filter_: Filter, limit: int, *, newest_first: bool) -> list[Event]:
    """Page after page. None is longer than asked for, and one that is empty goes on."""
    found: list[Event] = []
    position: int | None = LAST if newest_first else 0
    listed: Any = list_before if newest_first else list_after
    while position is not None:
        page = await database.read(partial(listed, filter_=filter_, limit=limit, **_at(position, newest_first)))
        assert len(page.items) <= limit
        found += page.items
        position = page.next
    return found


def _at(position: int, newest_first: bool) -> dict[str, int]:
    return {"before": position} if newest_first else {"after": position}


@settings(max_examples=60, deadline=None)
@given(st.lists(described, max_size=30), filters, st.integers(1, 4))
def test_memory_and_database_agree(events: list[tuple[str, str, str, str]], filter_: Filter, limit: int) -> None:
    async def check(folder: Path) -> None:
        database = Database(folder / "gofer.db", readers=1)
        await database.open()
        try:
            published: list[Event] = []
            database.on_commit = published.extend
            await database.write(partial(emit, events=events))
            expected = [event for event in published if filter_.matches(event)]
            assert await all_of(database, filter_, limit, newest_first=False) == expected
            assert await all_of(database, filter_, limit, newest_first=True) == expected[::-1]
        finally:
            await database.close()

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(check(Path(folder)))


@given(filters, filters)
def test_equal_filters_are_one_key(one: Filter, other: Filter) -> None:
    """The bus keeps those who wait by their filters."""
    assert (one == other) <= (hash(one) == hash(other))
    assert one in {one}


async def test_what_may_not_be_seen_ends_no_list(database: Database) -> None:
    """Neither early nor late: 45,000 events of others between two of one's own."""

    def fill(tx: Transaction) -> None:
        tx.emit(Kind.NAMESPACE_CREATED, 1, namespace="mine")
        others = [("run.queued", "theirs"), ("secret.put", "mine"), ("server.started", None)] * 15_000
        tx.executemany("INSERT INTO events (at, kind, namespace) VALUES (1, ?, ?)", others)
        tx.emit(Kind.RUN_ENDED, 2, namespace="mine")

    await database.write(fill)
    mine = Seen(frozenset({"namespace.created", "run.queued", "run.ended", "server.started"}), Sight(("mi*",)), False)
    filter_ = Filter(seen=(mine,))
    for limit in (1, 2, 10):
        assert [e.seq for e in await all_of(database, filter_, limit, newest_first=False)] == [1, 45_002]
        assert [e.seq for e in await all_of(database, filter_, limit, newest_first=True)] == [45_002, 1]
    page = await database.read(lambda reader: list_after(reader, filter_, 1, 10))
    assert (page.items, page.next) == ([], 20_001)


async def test_who_sees_nothing_gets_nothing_at_once(database: Database) -> None:
    await database.write(partial(emit, events=[("run.queued", "a", "a", "local")] * 3))
    page = await database.read(lambda reader: list_after(reader, Filter(seen=()), 0, 10))
    assert (page.items, page.next) == ([], None)


async def test_audit_events_are_found_among_many_others(database: Database) -> None:
    def fill(tx: Transaction) -> None:
        tx.emit(Kind.AUDIT_WRITE, 1, data={"by": "local"})
        tx.executemany("INSERT INTO events (at, kind) VALUES (1, ?)", [("image.pulled",)] * 450_000)
        tx.emit(Kind.AUDIT_REFUSED, 2, data={"by": "anonymous"})

    await database.write(fill)
    audit = Filter(frozenset({"audit.*"}))
    page = await database.read(lambda reader: list_after(reader, audit, 0, 10))
    assert ([event.seq for event in page.items], page.next) == ([1, 450_002], None)
    page = await database.read(lambda reader: list_before(reader, audit, LAST, 10))
    assert ([event.seq for event in page.items], page.next) == ([450_002, 1], None)
    local = Filter(frozenset({"audit.*"}), by="local")
    found = [event.seq for event in await all_of(database, local, 10, newest_first=True)]
    assert found == [1]


async def test_audit_events_stand_in_no_pipelines_way(database: Database) -> None:
    """However many there are, those of a pipeline are found by an index that has none of them."""

    def fill(tx: Transaction) -> None:
        run_key = add_run(tx, add_pipeline(tx, "p"), 1)
        tx.emit(Kind.RUN_QUEUED, 1, namespace="default", pipeline="p", run=1, run_key=run_key)
        audit = [("audit.write", "default", "p")] * 45_000
        tx.executemany("INSERT INTO events (at, kind, namespace, pipeline) VALUES (1, ?, ?, ?)", audit)
        tx.emit(Kind.RUN_ENDED, 2, namespace="default", pipeline="p", run=1, run_key=run_key)

    await database.write(fill)
    for filter_ in (Filter(namespace="default", pipeline="p"), Filter(namespace="default", pipeline="p", run=1)):
        page = await database.read(partial(list_after, filter_=filter_, after=0, limit=10))
        assert ([event.seq for event in page.items], page.next) == ([1, 45_002], None)


PLANS = [
    ("oldest_first", "SEARCH events USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"),
    ("newest_first", "SEARCH events USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"),
    ("of_run_oldest_first", "SEARCH events USING INDEX events_of_run (run_key=? AND rowid>? AND rowid<?)"),
    ("of_run_newest_first", "SEARCH events USING INDEX events_of_run (run_key=? AND rowid>? AND rowid<?)"),
    (
        "of_pipeline_oldest_first",
        "SEARCH events USING INDEX events_of_pipeline (namespace=? AND pipeline=? AND rowid>? AND rowid<?)",
    ),
    (
        "of_pipeline_newest_first",
        "SEARCH events USING INDEX events_of_pipeline (namespace=? AND pipeline=? AND rowid>? AND rowid<?)",
    ),
    ("of_audit_oldest_first", "SEARCH events USING INDEX events_of_audit (seq>? AND seq<?)"),
    ("of_audit_newest_first", "SEARCH events USING INDEX events_of_audit (seq>? AND seq<?)"),
]


@pytest.mark.parametrize(("query", "plan"), PLANS)
async def test_no_list_is_sorted_or_looks_at_everything(query: str, plan: str, database: Database) -> None:
    given_: dict[str, object] = dict.fromkeys(
        ["above", "below", "limit", "kinds", "namespace", "pipeline", "run", "run_key", "by", "within", "server"]
    )

    def explain(connection: sqlite3.Connection) -> list[str]:
        rows = connection.execute(f"EXPLAIN QUERY PLAN {getattr(load('events'), query)}", given_).fetchall()
        return [row["detail"] for row in rows]

    found = await database.read(explain)
    assert found[0] == plan
    assert not [step for step in found if "TEMP B-TREE" in step or "SCAN events" in step]


def test_seen_by_namespace_pipeline_and_server() -> None:
    of_server = Seen(frozenset({"run.queued"}), NOTHING, True)
    assert of_server.shows("run.queued", "", "")
    assert not of_server.shows("run.queued", "a", "p")
    assert not of_server.shows("run.ended", "", "")
    assert not Seen(frozenset({"run.queued"}), EVERYTHING, False).shows("run.queued", "", "")
