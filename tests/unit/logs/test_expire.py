"""Expiry: the newest runs keep their logs, whatever dies when."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from functools import partial
from pathlib import Path

import pytest

from gofer.errors import ConfigError
from gofer.models.event import Event, Kind
from gofer.server.clock import Clock
from gofer.server.logs import folder
from gofer.server.logs.expire import LogExpiry
from gofer.server.logs.folder import LogId, log_path
from gofer.server.logs.logs import Logs
from gofer.server.store.database import Database
from gofer.server.store.transaction import Transaction
from tests.unit.logs.reading import as_chunks


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    store = Database(tmp_path / "gofer.db")
    await store.open()
    yield store
    await store.close()


class World:
    """Pipelines with runs and their logs."""

    def __init__(self, database: Database, logs: Logs) -> None:
        self.database = database
        self.logs = logs
        self.events: list[Event] = []
        database.on_commit = self._heard

    def expiry(self, keep: int) -> LogExpiry:
        return LogExpiry(self.database, self.logs, Clock(), keep, pause=0)

    async def pipeline(self, name: str) -> int:
        """Returns the key."""

        def work(tx: Transaction) -> int:
            sql = "INSERT INTO pipelines (namespace, id, live_version, last_version, created_at, modified_at)"
            key = tx.execute(sql + " VALUES ('default', ?, 1, 1, 0, 0)", (name,)).lastrowid
            assert key is not None
            return key

        return await self.database.write(work)

    async def runs(self, key: int, name: str, statuses: Sequence[str]) -> None:
        """Add runs with a log each, of two attempts."""
        for status in statuses:
            number = await self.database.write(partial(_insert_run, key=key, status=status))
            for attempt in (1, 2):
                log = LogId("default", name, number, "task", attempt)
                await self.logs.capture(log, as_chunks([("stdout", b"hello\n")]))
                await self.logs.finish(log)

    def on_disk(self, name: str) -> list[int]:
        """The runs of a pipeline that have files."""
        folder = self.logs.root / "default" / name
        return sorted(int(path.name) for path in folder.iterdir()) if folder.exists() else []

    async def kept(self, key: int) -> list[int]:
        """The runs that have their logs, as the database says; checks that attempts agree."""
        sql = """SELECT r.number, r.logs_expired, (SELECT group_concat(DISTINCT a.log_state) FROM attempts AS a
                 WHERE a.run_key = r.key) AS states FROM runs AS r WHERE pipeline_key = ? ORDER BY r.number"""
        rows = await self.database.read(lambda connection: connection.execute(sql, (key,)).fetchall())
        assert all(row["states"] == ("expired" if row["logs_expired"] else "complete") for row in rows)
        return [row["number"] for row in rows if not row["logs_expired"]]

    def told(self) -> list[int | None]:
        """The runs of which an event has said that their logs are expired."""
        return [event.run for event in self.events if event.kind == Kind.LOGS_EXPIRED]

    def _heard(self, events: Sequence[Event]) -> None:
        self.events += events


def _insert_run(tx: Transaction, key: int, status: str) -> int:
    number: int = tx.execute(
        "UPDATE pipelines SET last_run = last_run + 1 WHERE key = ? RETURNING last_run", (key,)
    ).fetchone()[0]
    sql = """INSERT INTO runs (pipeline_key, namespace, number, version, status, initiator_kind, task_count, created_at)
             VALUES (?, 'default', ?, 1, ?, 'user', 1, 0)"""
    run = tx.execute(sql, (key, number, status)).lastrowid
    tx.execute("INSERT INTO task_runs (run_key, position, id, status) VALUES (?, 0, 'task', 'successful')", (run,))
    for attempt in (1, 2):
        sql = """INSERT INTO attempts (run_key, position, number, uid, container, status, starting_at, log_state)
                 VALUES (?, 0, ?, 'u', 'c', 'successful', 0, 'complete')"""
        tx.execute(sql, (run, attempt))
    return number


@pytest.fixture
def world(database: Database, logs: Logs) -> World:
    return World(database, logs)


async def test_the_newest_runs_of_each_pipeline_keep_their_logs(world: World) -> None:
    one, two = await world.pipeline("one"), await world.pipeline("two")
    await world.runs(one, "one", ["successful", "failed", "cancelled", "successful", "successful"])
    await world.runs(two, "two", ["failed"] * 2)
    await world.expiry(2).expire_once()
    assert (await world.kept(one), world.on_disk("one")) == ([4, 5], [4, 5])
    assert (await world.kept(two), world.on_disk("two")) == ([1, 2], [1, 2])
    assert world.told() == [1, 2, 3]
    await world.expiry(2).expire_once()
    assert world.told() == [1, 2, 3]


async def test_keeping_none_back_means_keeping_all(world: World) -> None:
    one = await world.pipeline("one")
    await world.runs(one, "one", ["successful"] * 3)
    await world.expiry(0).expire_once()
    assert (await world.kept(one), world.on_disk("one")) == ([1, 2, 3], [1, 2, 3])


async def test_a_run_that_has_not_ended_keeps_its_logs_until_it_has(world: World) -> None:
    one = await world.pipeline("one")
    await world.runs(one, "one", ["running", "queued", "successful", "successful"])
    expiry = world.expiry(1)
    await expiry.expire_once()
    assert (await world.kept(one), world.on_disk("one")) == ([1, 2, 4], [1, 2, 4])
    await world.database.write(lambda tx: tx.execute("UPDATE runs SET status = 'cancelled' WHERE number < 3"))
    await expiry.expire_once()
    assert (await world.kept(one), world.on_disk("one")) == ([4], [4])


async def test_many_runs_after_a_pause_of_any_length(world: World) -> None:
    one = await world.pipeline("one")
    await world.runs(one, "one", ["successful"] * 130)
    await world.expiry(5).expire_once()
    assert await world.kept(one) == world.on_disk("one") == [126, 127, 128, 129, 130]
    assert world.told() == list(range(1, 126))


async def test_the_end_of_a_run_is_noticed(world: World) -> None:
    one = await world.pipeline("one")
    expiry = world.expiry(1)
    await world.runs(one, "one", ["successful"])
    running = asyncio.create_task(expiry.run())
    for number in (2, 3):
        committed = asyncio.Event()
        world.database.on_commit = lambda events, committed=committed: committed.set()
        await world.runs(one, "one", ["successful"])
        expiry.notice(one)
        while await world.kept(one) != [number]:
            await committed.wait()
            committed.clear()
    running.cancel()


async def test_a_reload_that_keeps_all_takes_back_what_was_noticed_before(world: World) -> None:
    one = await world.pipeline("one")
    await world.runs(one, "one", ["successful"] * 3)
    expiry = world.expiry(3)
    running = asyncio.create_task(expiry.run())
    expiry.notice(one)
    expiry.set_keep(0)
    async with asyncio.timeout(10):
        while expiry._noticed:
            await asyncio.sleep(0.001)
        expiry.set_keep(2)
        while await world.kept(one) == [1, 2, 3]:
            await asyncio.sleep(0.001)
    assert await world.kept(one) == [2, 3]
    running.cancel()


async def test_files_left_by_a_sudden_end_go_at_the_next_start(world: World) -> None:
    """Killed after the database said so, and before, in the middle of deleting."""
    one, two = await world.pipeline("one"), await world.pipeline("two")
    await world.runs(one, "one", ["successful"] * 4)
    await world.runs(two, "two", ["successful"] * 2)

    def expire(tx: Transaction) -> None:
        tx.execute("UPDATE runs SET logs_expired = 1 WHERE pipeline_key = ? AND number <= 2", (one,))
        tx.execute(
            "UPDATE attempts SET log_state = 'expired' WHERE run_key IN (SELECT key FROM runs WHERE logs_expired)"
        )

    await world.database.write(expire)
    trash = world.logs.root / ".trash" / "half"
    trash.mkdir(parents=True)
    (trash / "1.log").write_bytes(b"x")
    expiry = world.expiry(20)
    await expiry.open()
    running = asyncio.create_task(expiry.run())
    while world.on_disk("one") != [3, 4] or list(trash.parent.iterdir()):
        await asyncio.sleep(0.001)
    assert world.on_disk("two") == [1, 2]
    assert world.told() == []
    running.cancel()


async def test_logs_of_a_pipeline_that_is_no_more_go_before_its_name_is_used_again(world: World) -> None:
    one = await world.pipeline("one")
    await world.runs(one, "one", ["successful"])
    await world.database.write(lambda tx: tx.execute("DELETE FROM pipelines"))
    await world.expiry(20).open()
    assert world.on_disk("one") == []


async def test_what_is_not_gofers_stays(world: World) -> None:
    """The folder was set to one that other programs use as well."""
    kept = [
        "journal/abc/system.journal",
        "apt/1/history.log",
        "default/other/1/notes.txt",
        "default/other/1/task/1.log.gz",
        "nginx/x/1/y/access.log",
        "file",
        "default/empty/.keep",
    ]
    for name in kept:
        path = world.logs.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"precious")
    one = await world.pipeline("one")
    await world.runs(one, "one", ["successful"] * 2)
    expiry = world.expiry(1)
    await expiry.open()
    running = asyncio.create_task(expiry.run())
    while world.on_disk("one") != [2]:
        await asyncio.sleep(0.001)
    running.cancel()
    assert all((world.logs.root / name).read_bytes() == b"precious" for name in kept)


async def test_links_are_never_followed(world: World, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    (outside / "1" / "task").mkdir(parents=True)
    (outside / "1" / "task" / "1.log").write_bytes(b"precious")
    root = world.logs.root
    (root / "default").mkdir()
    (root / "default" / "linked").symlink_to(outside)
    (root / "default" / "one" / "1").mkdir(parents=True)
    (root / "default" / "one" / "1" / "task").symlink_to(outside / "1" / "task")
    (root / "default" / "one" / "2").symlink_to(outside / "1")
    (root / "spaces").symlink_to(outside)
    await world.logs.delete_runs("default", "linked", [1])
    await world.logs.delete_runs("default", "one", [1])
    await world.logs.delete_runs("default", "one", [2])
    await world.logs.delete_runs("spaces", "1", [1])
    await world.logs.delete_pipeline("default", "linked")
    assert (outside / "1" / "task" / "1.log").read_bytes() == b"precious"
    assert not (root / "default").exists()
    assert list((root / ".trash").iterdir()) == []


async def test_deleting_takes_everything_of_it_and_nothing_else(world: World) -> None:
    one, two = await world.pipeline("one"), await world.pipeline("two")
    await world.runs(one, "one", ["successful"] * 2)
    await world.runs(two, "two", ["successful"])
    await world.logs.delete_runs("default", "one", [1])
    assert (world.on_disk("one"), world.on_disk("two")) == ([2], [1])
    await world.logs.delete_runs("default", "one", [1])
    await world.logs.delete_pipeline("default", "one")
    assert (world.on_disk("one"), world.on_disk("two")) == ([], [1])
    await world.logs.delete_pipeline("default", "two")
    assert [path.name for path in world.logs.root.iterdir()] == [".trash"]
    await world.logs.delete_pipeline("default", "never")


async def test_two_servers_cannot_share_a_folder(world: World) -> None:
    await world.expiry(1).open()
    other = Logs(world.logs.root, Clock())
    await other.open()
    with pytest.raises(ConfigError, match="in use by another Gofer"):
        await other.claim("another")
    await world.logs.close()
    await other.claim("another")
    await other.close()


async def test_another_databases_logs_are_put_aside_whole(world: World) -> None:
    log = LogId("default", "one", 1, "task", 1)
    foreign = world.logs.root / "nginx" / "access.log"
    foreign.parent.mkdir()
    foreign.write_bytes(b"precious")
    for owner in ("first", "second", "first"):
        logs = Logs(world.logs.root, Clock())
        await logs.open()
        await logs.claim(owner)
        assert not log_path(logs.root, log).exists()
        await logs.capture(log, as_chunks([("stdout", owner.encode() + b"\n")]))
        await logs.close()
    aside = sorted(path for path in world.logs.root.glob(".of-*/**/1.log"))
    assert [path.relative_to(world.logs.root).parts[:2] for path in aside] == [
        (".of-first", "default"),
        (".of-second", "default"),
    ]
    assert b"first" in aside[0].read_bytes()
    assert foreign.read_bytes() == b"precious"
    again = Logs(world.logs.root, Clock())
    await again.claim("first")
    assert b"first" in log_path(again.root, log).read_bytes()
    await again.close()


async def test_many_runs_expire_in_few_steps_and_one_that_cannot_holds_up_no_other(
    world: World, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = await world.pipeline("many")
    await world.runs(key, "many", ["successful"] * 30)
    stubborn = world.logs.root / "default" / "many" / "7"
    discard = folder.discard

    def refuse_one(root: Path, *parts: str) -> None:
        if root.joinpath(*parts) == stubborn:
            raise PermissionError(13, "Permission denied")
        discard(root, *parts)

    monkeypatch.setattr(folder, "discard", refuse_one)
    before = database.writes
    await world.expiry(5).expire_once()
    assert database.writes == before + 1
    assert world.on_disk("many") == [7, 26, 27, 28, 29, 30]
    assert await world.kept(key) == [26, 27, 28, 29, 30]
