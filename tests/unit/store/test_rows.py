"""The rows of namespaces, pipelines, versions, idempotent answers and facts of the store."""

from __future__ import annotations

import sqlite3

import pytest

from gofer.models.pipeline import Namespace
from gofer.server.store import idempotency, meta, namespaces, pipelines, versions
from gofer.server.store.database import Database, Transaction
from gofer.server.store.idempotency import IdempotencyRow
from tests.unit.store.seed import add_pipeline, add_run


def namespace(id_: str) -> Namespace:
    return Namespace(id=id_, name=id_.upper(), description="", created_at=1, modified_at=1)


async def test_a_namespace_is_stored_once(database: Database) -> None:
    assert await database.write(lambda tx: namespaces.insert(tx, namespace("team")))
    assert not await database.write(lambda tx: namespaces.insert(tx, namespace("team")))
    assert await database.read(lambda reader: namespaces.get(reader, "team")) == namespace("team")
    assert await database.read(lambda reader: namespaces.get(reader, "other")) is None


async def test_namespaces_are_listed_page_by_page(database: Database) -> None:
    await database.write(lambda tx: [namespaces.insert(tx, namespace(id_)) for id_ in ("b", "a", "c")])
    first = await database.read(lambda reader: namespaces.list_page(reader, "", 2))
    second = await database.read(lambda reader: namespaces.list_page(reader, first[-1].id, 3))
    assert [one.id for one in first + second] == ["a", "b", "c", "default"]


async def test_a_namespace_changes_only_where_it_is_told_to(database: Database) -> None:
    await database.write(lambda tx: namespaces.insert(tx, namespace("team")))
    changed = await database.write(
        lambda tx: namespaces.update(tx, "team", name=None, description="new", at=5)
    )  # fmt: skip
    assert changed == Namespace(id="team", name="TEAM", description="new", created_at=1, modified_at=5)
    assert await database.read(lambda reader: namespaces.get(reader, "team")) == changed
    assert await database.write(lambda tx: namespaces.update(tx, "x", name="", description="", at=5)) is None


async def test_a_namespace_with_pipelines_cannot_be_deleted(database: Database) -> None:
    await database.write(lambda tx: add_pipeline(tx, "p"))
    assert await database.read(lambda reader: namespaces.has_pipelines(reader, "default"))
    with pytest.raises(sqlite3.IntegrityError):
        await database.write(lambda tx: namespaces.delete(tx, "default"))
    await database.write(lambda tx: namespaces.insert(tx, namespace("empty")))
    assert await database.write(lambda tx: namespaces.delete(tx, "empty"))
    assert not await database.write(lambda tx: namespaces.delete(tx, "empty"))


async def test_a_pipeline_is_found_by_name_and_key(database: Database) -> None:
    key = await database.write(
        lambda tx: pipelines.insert(tx, namespace="default", pipeline="p", name="P", description="d", at=3)
    )
    row = await database.read(lambda reader: pipelines.get(reader, "default", "p"))
    assert row is not None
    assert row == await database.read(lambda reader: pipelines.by_key(reader, key))
    assert row._asdict() == {
        "key": key, "namespace": "default", "id": "p", "name": "P", "description": "d", "enabled": True,
        "live_version": 0, "last_version": 1, "last_run": 0, "created_at": 3, "modified_at": 3,
        "last_deployment": 0,
    }  # fmt: skip
    assert await database.read(lambda reader: pipelines.get(reader, "other", "p")) is None
    with pytest.raises(sqlite3.IntegrityError):
        await database.write(lambda tx: add_pipeline(tx, "p"))


async def test_pipelines_are_listed_within_their_namespace(database: Database) -> None:
    def add(tx: Transaction) -> None:
        namespaces.insert(tx, namespace("other"))
        for name in ("c", "a", "b"):
            add_pipeline(tx, name)
        add_pipeline(tx, "theirs", "other")

    await database.write(add)
    first = await database.read(lambda reader: pipelines.list_page(reader, "default", "", 2))
    second = await database.read(lambda reader: pipelines.list_page(reader, "default", "b", 2))
    assert [row.id for row in first + second] == ["a", "b", "c"]
    assert await database.read(pipelines.count) == 4


async def test_a_pipeline_takes_over_what_its_new_version_says(database: Database) -> None:
    def change(tx: Transaction) -> pipelines.PipelineRow | None:
        key = add_pipeline(tx, "p")
        pipelines.set_version(tx, key, version=3, name="N", description="D", at=9)
        pipelines.set_version(tx, key, version=2, name="N", description="D", at=10)
        pipelines.set_enabled(tx, key, False, 11)
        return pipelines.by_key(tx, key)

    row = await database.write(change)
    assert row is not None
    assert (row.live_version, row.last_version, row.name, row.description) == (2, 3, "N", "D")
    assert (row.enabled, row.created_at, row.modified_at) == (False, 1, 11)


async def test_runs_are_deleted_a_few_at_a_time_with_all_they_have(database: Database) -> None:
    def add(tx: Transaction) -> tuple[int, int]:
        key, other = add_pipeline(tx, "p"), add_pipeline(tx, "other")
        for number in range(1, 11):
            add_run(tx, key, number, tasks=600)
        add_run(tx, other, 1, tasks=3)
        return key, other

    key, other = await database.write(add)

    def numbers(reader: sqlite3.Connection) -> list[int]:
        return [row[0] for row in reader.execute("SELECT number FROM runs WHERE pipeline_key = ? ORDER BY 1", (key,))]

    assert await database.write(lambda tx: pipelines.delete_some_runs(tx, key))
    assert await database.read(numbers) == [5, 6, 7, 8, 9, 10]
    assert await database.write(lambda tx: pipelines.delete_some_runs(tx, key))
    assert await database.write(lambda tx: pipelines.delete_some_runs(tx, key))
    assert not await database.write(lambda tx: pipelines.delete_some_runs(tx, key))
    await database.write(lambda tx: pipelines.delete(tx, key))
    left = await database.read(
        lambda reader: [
            reader.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0] for table in ("task_runs", "attempts")
        ]
    )
    assert left == [3, 3]
    assert await database.read(lambda reader: pipelines.by_key(reader, other)) is not None


async def test_of_a_version_only_the_notes_change_and_the_newest_come_first(database: Database) -> None:
    def add(tx: Transaction) -> int:
        key = add_pipeline(tx, "p")
        for number in (1, 2, 3):
            versions.insert(tx, key, number=number, manifest_hash=f"h{number}", manifest_json="{}", at=number,
                            registered_by="user ann", notes=f"n{number}")  # fmt: skip
        return key

    key = await database.write(add)
    assert await database.read(lambda reader: versions.get(reader, key, 2)) == (2, "h2", "{}", 2, "user ann", "n2")
    assert await database.read(lambda reader: versions.get(reader, key, 9)) is None
    assert await database.read(lambda reader: versions.count(reader, key)) == 3
    page = await database.read(lambda reader: versions.list_page(reader, key, versions.LAST, 2))
    assert page == [(3, "h3", 3, "user ann", "n3"), (2, "h2", 2, "user ann", "n2")]
    with pytest.raises(sqlite3.IntegrityError):
        await database.write(lambda tx: versions.insert(tx, key, number=3, manifest_hash="x", manifest_json="{}", at=4))
    await database.write(lambda tx: versions.set_notes(tx, key, 1, "other"))
    assert await database.read(lambda reader: versions.list_page(reader, key, 2, 2)) == [
        (1, "h1", 1, "user ann", "other")
    ]
    await database.write(lambda tx: versions.delete(tx, key, 3))
    assert await database.read(lambda reader: versions.newest(reader, key)) == 2
    assert not await database.read(lambda reader: versions.exists(reader, key, 3))
    assert await database.read(lambda reader: versions.exists(reader, key, 2))


async def test_the_first_answer_to_a_key_stays(database: Database) -> None:
    assert await database.write(lambda tx: idempotency.insert(tx, "k", "f", 201, b"\xff\x00", 5))
    assert not await database.write(lambda tx: idempotency.insert(tx, "k", "g", 200, b"other", 6))
    stored = await database.read(lambda reader: idempotency.get(reader, "k"))
    assert stored == IdempotencyRow("f", 201, b"\xff\x00", 5)
    assert await database.read(lambda reader: idempotency.get(reader, "unknown")) is None


async def test_old_answers_are_deleted_oldest_first(database: Database) -> None:
    await database.write(lambda tx: [idempotency.insert(tx, f"k{at}", "f", 200, b"", at) for at in (3, 1, 2, 4)])
    assert await database.write(lambda tx: idempotency.delete_older(tx, 4, 2)) == 2
    assert await database.read(lambda reader: idempotency.get(reader, "k3")) is not None
    assert await database.write(lambda tx: idempotency.delete_older(tx, 4, 2)) == 1
    assert await database.read(lambda reader: idempotency.get(reader, "k4")) is not None


async def test_facts_are_kept_by_name(database: Database) -> None:
    assert await database.read(lambda reader: meta.get(reader, "colour")) is None
    await database.write(lambda tx: meta.put(tx, "colour", "red"))
    await database.write(lambda tx: meta.put(tx, "colour", "blue"))
    assert await database.read(lambda reader: meta.get(reader, "colour")) == "blue"
    assert await database.write(meta.server_id) == database.server_id
