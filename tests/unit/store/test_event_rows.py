from __future__ import annotations

import sqlite3
from functools import partial

import pytest

from gofer.models.event import Event, Kind
from gofer.server.store.database import Database, Transaction
from gofer.server.store.events import (
    LAST,
    EventPage,
    Filter,
    delete_older,
    first_seq,
    last_seq,
    list_after,
    list_before,
)
from tests.unit.store.seed import add_pipeline, add_run

EVERYTHING = Filter()


def emit_all(tx: Transaction) -> None:
    """Seven events: two namespaces, two pipelines, two runs."""
    tx.emit(Kind.SERVER_STARTED, 1)
    tx.emit(Kind.PIPELINE_CREATED, 2, namespace="a", pipeline="p")
    tx.emit(Kind.RUN_QUEUED, 3, namespace="a", pipeline="p", run=1)
    tx.emit(Kind.RUN_STARTED, 4, namespace="a", pipeline="p", run=1)
    tx.emit(Kind.TASKRUN_QUEUED, 5, namespace="a", pipeline="p", run=1, task="t")
    tx.emit(Kind.RUN_QUEUED, 6, namespace="b", pipeline="p", run=1)
    tx.emit(Kind.RUN_QUEUED, 7, namespace="a", pipeline="q", run=2, data={"version": 3, "über": [1, None]})


FILTERS = [
    (EVERYTHING, [1, 2, 3, 4, 5, 6, 7]),
    (Filter(frozenset({"run.queued"})), [3, 6, 7]),
    (Filter(frozenset({"run.*"})), [3, 4, 6, 7]),
    (Filter(frozenset({"run.started", "taskrun.*"})), [4, 5]),
    (Filter(frozenset({"no.such"})), []),
    (Filter(namespace="a"), [2, 3, 4, 5, 7]),
    (Filter(namespace="a", pipeline="p"), [2, 3, 4, 5]),
    (Filter(frozenset({"run.*"}), "a", "p", 1), [3, 4]),
    (Filter(run=1), [3, 4, 5, 6]),
]


@pytest.mark.parametrize(("filter_", "expected"), FILTERS)
async def test_a_filter_chooses_the_same_stored_and_live(
    filter_: Filter, expected: list[int], database: Database
) -> None:
    published: list[Event] = []
    database.on_commit = published.extend
    await database.write(emit_all)
    forward = await database.read(lambda reader: list_after(reader, filter_, 0, 100))
    backward = await database.read(lambda reader: list_before(reader, filter_, LAST, 100))
    assert [event.seq for event in forward.items] == expected
    assert [event.seq for event in backward.items] == expected[::-1]
    assert forward.items == [event for event in published if filter_.matches(event)]
    assert forward.next is backward.next is None


async def test_columns_that_do_not_apply_take_no_room(database: Database) -> None:
    await database.write(emit_all)
    row = await database.read(lambda reader: tuple(reader.execute("SELECT * FROM events WHERE seq = 1").fetchone()))
    assert row == (1, 1, "server.started", None, None, None, None, None, None)


async def test_pages_follow_each_other_in_both_directions(database: Database) -> None:
    await database.write(emit_all)
    seen: list[int] = []
    after: int | None = 0
    while after is not None:
        page = await database.read(partial(list_after, filter_=Filter(namespace="a"), after=after, limit=2))
        seen += [event.seq for event in page.items]
        after = page.next
    assert seen == [2, 3, 4, 5, 7]
    before: int | None = LAST
    while before is not None:
        page = await database.read(partial(list_before, filter_=EVERYTHING, before=before, limit=3))
        seen += [event.seq for event in page.items]
        before = page.next
    assert seen[5:] == [7, 6, 5, 4, 3, 2, 1]


async def test_a_rare_filter_looks_at_a_bounded_number_of_events(database: Database) -> None:
    def fill(tx: Transaction) -> None:
        rows = [(1, "run.ended" if seq in (1, 45_000) else "run.queued") for seq in range(1, 45_001)]
        tx.executemany("INSERT INTO events (at, kind) VALUES (?, ?)", rows)

    await database.write(fill)
    rare = Filter(frozenset({"run.ended"}))
    pages: list[EventPage] = []
    after: int | None = 0
    while after is not None:
        pages.append(await database.read(partial(list_after, filter_=rare, after=after, limit=10)))
        after = pages[-1].next
    assert [[event.seq for event in page.items] for page in pages] == [[1], [], [45_000]]
    assert [page.next for page in pages] == [20_000, 40_000, None]
    newest = await database.read(lambda reader: list_before(reader, rare, LAST, 10))
    assert ([event.seq for event in newest.items], newest.next) == ([45_000], 25_001)


async def test_the_events_of_a_run_are_found_by_its_key(database: Database) -> None:
    def fill(tx: Transaction) -> None:
        run_key = add_run(tx, add_pipeline(tx, "p"), 1)
        tx.emit(Kind.RUN_QUEUED, 1, namespace="default", pipeline="p", run=1, run_key=run_key)
        tx.executemany("INSERT INTO events (at, kind) VALUES (1, ?)", [("image.pulled",)] * 45_000)
        tx.emit(Kind.RUN_ENDED, 2, namespace="default", pipeline="p", run=1, run_key=run_key)

    await database.write(fill)
    run = Filter(namespace="default", pipeline="p", run=1)
    page = await database.read(lambda reader: list_after(reader, run, 0, 10))
    assert ([event.seq for event in page.items], page.next) == ([1, 45_002], None)
    page = await database.read(lambda reader: list_before(reader, run, LAST, 1))
    assert ([event.seq for event in page.items], page.next) == ([45_002], 45_002)
    page = await database.read(lambda reader: list_before(reader, run, 45_002, 1))
    assert [event.seq for event in page.items] == [1]
    of_kind = Filter(frozenset({"run.ended"}), "default", "p", 1)
    page = await database.read(lambda reader: list_after(reader, of_kind, 0, 10))
    assert [event.seq for event in page.items] == [45_002]


async def test_the_events_of_a_pipeline_are_found_among_many_others(database: Database) -> None:
    def fill(tx: Transaction) -> None:
        tx.emit(Kind.PIPELINE_CREATED, 1, namespace="default", pipeline="p")
        others = [("run.queued", "default", "q"), ("run.queued", "other", "p"), ("image.pulled", None, None)] * 15_000
        tx.executemany("INSERT INTO events (at, kind, namespace, pipeline) VALUES (1, ?, ?, ?)", others)
        tx.emit(Kind.PIPELINE_DISABLED, 2, namespace="default", pipeline="p")

    await database.write(fill)
    pipeline = Filter(namespace="default", pipeline="p")
    page = await database.read(lambda reader: list_after(reader, pipeline, 0, 10))
    assert ([event.seq for event in page.items], page.next) == ([1, 45_002], None)
    page = await database.read(lambda reader: list_before(reader, pipeline, 45_002, 10))
    assert ([event.seq for event in page.items], page.next) == ([1], None)
    of_kind = Filter(frozenset({"pipeline.disabled"}), "default", "p")
    page = await database.read(lambda reader: list_before(reader, of_kind, LAST, 10))
    assert [event.seq for event in page.items] == [45_002]


async def test_numbers_go_on_after_everything_was_deleted(database: Database) -> None:
    await database.write(emit_all)
    await database.write(lambda tx: delete_older(tx, 0, 1000, 100, 200))
    assert await database.read(lambda reader: (first_seq(reader), last_seq(reader))) == (8, 7)
    assert await database.read(lambda reader: list_after(reader, EVERYTHING, 0, 10)) == ([], None)
    assert await database.read(lambda reader: list_before(reader, EVERYTHING, LAST, 10)) == ([], None)
    await database.write(emit_all)
    assert database.last_seq == 14


async def test_deleting_stops_at_what_is_to_be_kept(database: Database) -> None:
    def work(tx: Transaction) -> list[tuple[int, bool]]:
        for at in (10, 20, 900, 30, 40, 500, 35):
            tx.emit(Kind.RUN_QUEUED, at)
        # 900 lies in the future at the time 600: the clock was wrong. 500 is young.
        return [delete_older(tx, 0, 3, 100, 600), delete_older(tx, 3, 3, 100, 600)]

    assert await database.write(work) == [(2, False), (2, True)]

    def left(reader: sqlite3.Connection) -> list[int]:
        return [row[0] for row in reader.execute("SELECT seq FROM events ORDER BY seq")]

    assert await database.read(left) == [3, 6, 7]


def two_tasks(tx: Transaction, run: int) -> None:
    """The events of a run of two tasks, about as the server emits them."""
    emit = partial(tx.emit, namespace="default", pipeline="nightly-backup", run=run, run_key=run)
    at = 1_700_000_000_000 + run
    emit(Kind.RUN_QUEUED, at, data={"version": 3, "initiator": {"kind": "user", "name": ""}})
    emit(Kind.RUN_STARTED, at)
    for task in ("dump-database", "upload"):
        for kind in (Kind.TASKRUN_QUEUED, Kind.TASKRUN_STARTING, Kind.TASKRUN_RUNNING):
            emit(kind, at, task=task, data={"attempt": 1})
        emit(Kind.TASKRUN_ENDED, at, task=task, data={"status": "successful", "attempt": 1, "exit_code": 0})
    emit(Kind.RUN_ENDED, at, data={"status": "successful"})


async def test_a_run_of_two_tasks_costs_less_than_two_kilobytes(database: Database) -> None:
    def size(tx: Transaction) -> int:
        pages: int = tx.execute("PRAGMA page_count").fetchone()[0] - tx.execute("PRAGMA freelist_count").fetchone()[0]
        return pages * 4096

    before = await database.write(size)
    for run in range(1000):
        await database.write(partial(two_tasks, run=run))
    assert (await database.write(size) - before) / 1000 < 2000
