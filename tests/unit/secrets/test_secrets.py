"""What runs get of secrets, and what is removed when."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

import pytest

from gofer.engines.secret_store.base import GLOBAL, SecretName, SecretStore
from gofer.engines.secret_store.sqlite import SqliteSecretStore
from gofer.errors import Conflict, NotFound, StoreFull, Unavailable
from gofer.models.encryption_keys import EncryptionKeys
from gofer.models.pipeline import Namespace
from gofer.server.clock import Clock
from gofer.server.secrets.secrets import NOBODY, Owner, Secrets
from gofer.server.secrets.tidy import SecretTidier
from gofer.server.store import namespaces, pipelines
from gofer.server.store.database import Database, Transaction

ONE, TWO, OTHER = Owner("default", "one"), Owner("default", "two"), Owner("other", "one")


class Hands(Clock):
    """A clock that is set by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.at = 1_000_000

    def now(self) -> int:
        return self.at


class House(NamedTuple):
    secrets: Secrets
    store: SecretStore
    database: Database
    clock: Hands
    tidier: SecretTidier

    async def add_pipeline(self, owner: Owner) -> int:
        def work(tx: Transaction) -> int:
            namespaces.insert(tx, Namespace(id=owner.namespace, name="", created_at=0, modified_at=0))
            return pipelines.insert(
                tx, namespace=owner.namespace, pipeline=owner.pipeline, name="", description="", at=self.clock.at
            )

        return await self.database.write(work)

    async def remove_pipeline(self, key: int) -> None:
        await self.database.write(lambda tx: pipelines.delete(tx, key))

    async def add_run(self, pipeline: int, at: int, status: str = "running") -> None:
        sql = (
            "INSERT INTO runs (pipeline_key, namespace, number, version, status, initiator_kind, parameters,"
            " task_count, created_at) VALUES (?, 'default', ?, 1, ?, 'api', '{}', 1, ?)"
        )
        await self.database.write(lambda tx: tx.execute(sql, (pipeline, at, status, at)))

    async def end_runs(self) -> None:
        await self.database.write(lambda tx: tx.execute("UPDATE runs SET status = 'successful'"))

    async def put_at(self, at: int, owner: Owner, key: str, value: str, *namespaces: str) -> None:
        self.clock.at = at
        await self.secrets.put(owner, key, value, namespaces or None)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    database = Database(tmp_path / "gofer.db")
    store = SqliteSecretStore(tmp_path / "secrets.db", EncryptionKeys(b"k" * 32))
    await database.open()
    await store.open()
    clock = Hands()
    made = House(
        Secrets(store, database, clock), store, database, clock, SecretTidier(store, database, clock, interval=0.01)
    )
    made.secrets.on_retired = made.tidier.notice
    yield made
    await store.close()
    await database.close()


async def test_a_run_gets_its_own_pipelines_secrets(house: House) -> None:
    for owner in (ONE, TWO, OTHER):
        await house.add_pipeline(owner)
        await house.secrets.put(owner, "key", f"of {owner.namespace} {owner.pipeline}")
    assert await house.secrets.resolve("default", "one", "secret", "key") == "of default one"
    assert await house.secrets.resolve("other", "one", "secret", "key") == "of other one"
    assert await house.secrets.resolve("default", "one", "secret", "nope") is None
    assert await house.secrets.resolve("default", "nope", "secret", "key") is None
    assert await house.secrets.resolve("default", "one", "global_secret", "key") is None


async def test_a_global_secret_is_for_the_namespaces_that_it_names(house: House) -> None:
    await house.secrets.put(NOBODY, "some", "for some", ["other", "third"])
    await house.secrets.put(NOBODY, "all", "for all", ["*"])

    async def get(namespace: str, key: str) -> str | None:
        return await house.secrets.resolve(namespace, "p", "global_secret", key)

    assert await get("other", "some") == "for some"
    assert await get("default", "some") is None
    assert await get("default", "all") == "for all"
    await house.secrets.put(NOBODY, "all", "for few", ["third"])
    assert await get("default", "all") is None
    assert await get("third", "all") == "for few"


async def test_what_must_be_masked_is_all_that_a_run_may_have_got(house: House) -> None:
    await house.add_pipeline(ONE)
    for at, value in ((1_000_000, "first"), (2_000_000, "second"), (3_000_000, "third")):
        await house.put_at(at, ONE, "key", value)
    await house.put_at(1_000_000, ONE, "same", "third")
    await house.put_at(1_000_000, NOBODY, "shared", "of all", "*")

    async def seen(since: int, *references: tuple[str, str]) -> set[str]:
        found = await house.secrets.seen("default", "one", references, since)
        assert len(found) == len(set(found))
        return set(found)

    key, same, shared = ("secret", "key"), ("secret", "same"), ("global_secret", "shared")
    assert await seen(2_500_000, key) == {"second", "third"}
    assert await seen(2_500_000, key, key, same, shared, ("secret", "nope")) == {"second", "third", "of all"}
    assert await seen(9_000_000, key) == {"third"}
    house.clock.at = 4_000_000
    await house.secrets.delete(ONE, "key")
    assert await seen(3_500_000, key) == {"third"}
    assert await seen(4_060_001, key) == set()


async def test_what_a_namespace_was_allowed_once_is_masked_to_the_end(house: House) -> None:
    await house.add_pipeline(ONE)
    await house.put_at(1_000_000, NOBODY, "shared", "the first value", "default")
    await house.put_at(2_000_000, NOBODY, "shared", "another value", "other")
    reference = [("global_secret", "shared")]
    assert set(await house.secrets.seen("default", "one", reference, 1_500_000)) == {"the first value", "another value"}
    assert list(await house.secrets.seen("default", "one", reference, 2_060_001)) == []


async def test_retired_values_stay_as_long_as_a_run_may_print_them(house: House) -> None:
    pipeline = await house.add_pipeline(ONE)
    await house.put_at(1_000_000, ONE, "key", "first")
    await house.add_run(pipeline, 1_500_000)
    await house.put_at(2_000_000, ONE, "key", "second")
    house.clock.at = 3_000_000
    assert await house.tidier.tidy() == 1
    assert set(await house.secrets.seen("default", "one", [("secret", "key")], 1_500_000)) == {"first", "second"}
    await house.end_runs()
    await house.add_run(pipeline, 2_500_000, "queued")
    assert await house.tidier.tidy() == 0
    assert set(await house.secrets.seen("default", "one", [("secret", "key")], 0)) == {"second"}


async def test_they_are_masked_although_the_clock_stepped_back(house: House) -> None:
    pipeline = await house.add_pipeline(ONE)
    await house.put_at(4_000_000, ONE, "key", "first")
    await house.add_run(pipeline, 5_000_000)
    await house.put_at(1_000_000, ONE, "key", "second")
    assert set(await house.secrets.seen("default", "one", [("secret", "key")], 5_000_000)) == {"first", "second"}
    assert await house.tidier.tidy() == 1
    await house.secrets.delete(ONE, "key")
    assert set(await house.secrets.seen("default", "one", [("secret", "key")], 5_000_000)) == {"first", "second"}


async def test_with_no_run_they_go_at_once(house: House) -> None:
    await house.put_at(1_000_000, NOBODY, "key", "first", "*")
    await house.put_at(2_000_000, NOBODY, "key", "second", "*")
    house.clock.at = 2_060_001
    assert await house.tidier.tidy() == 0


async def test_the_side_task_tries_until_nothing_is_left(house: House) -> None:
    pipeline = await house.add_pipeline(ONE)
    task = asyncio.create_task(house.tidier.run())
    try:
        await house.put_at(1_000_000, ONE, "key", "first")
        await house.add_run(pipeline, 1_500_000)
        await house.put_at(2_000_000, ONE, "key", "second")
        await house.end_runs()
        house.clock.at = 3_000_000
        async with asyncio.timeout(30):
            while len(await house.secrets.seen("default", "one", [("secret", "key")], 0)) > 1:
                await asyncio.sleep(0.01)
    finally:
        task.cancel()
        await asyncio.wait([task])


async def test_a_pipeline_that_goes_takes_its_secrets_along(house: House) -> None:
    first = await house.add_pipeline(ONE)
    await house.add_pipeline(TWO)
    await house.secrets.put(ONE, "key", "of the first")
    await house.secrets.put(TWO, "key", "of two")
    await house.secrets.put(NOBODY, "key", "of all", ["*"])
    await house.remove_pipeline(first)
    await house.add_pipeline(ONE)
    assert await house.secrets.resolve("default", "one", "secret", "key") is None
    with pytest.raises(NotFound):
        await house.secrets.find(ONE, "key")
    await house.secrets.put(ONE, "key", "of the second")
    await house.tidier.tidy()
    assert len(await house.store.scopes()) == 2
    assert await house.secrets.resolve("default", "one", "secret", "key") == "of the second"
    assert await house.secrets.resolve("default", "two", "secret", "key") == "of two"
    assert [entry.name.key for entry in await house.store.list(GLOBAL, "", 10)] == ["key"]


async def test_a_pipeline_that_goes_while_a_secret_is_put_leaves_none(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline = await house.add_pipeline(ONE)
    put = house.store.put

    async def slowly(*given: object) -> object:
        done = await put(*given)  # type: ignore[arg-type]
        await house.remove_pipeline(pipeline)
        return done

    monkeypatch.setattr(house.store, "put", slowly)
    with pytest.raises(NotFound, match="one"):
        await house.secrets.put(ONE, "key", "too late")
    assert await house.store.scopes() == []


async def test_without_a_key_a_run_is_told_so(tmp_path: Path, house: House) -> None:
    await house.add_pipeline(ONE)
    store = SqliteSecretStore(tmp_path / "none.db", EncryptionKeys())
    await store.open()
    secrets = Secrets(store, house.database, house.clock)
    with pytest.raises(Conflict, match="encryption key"):
        await secrets.resolve("default", "one", "secret", "key")
    with pytest.raises(Conflict, match="encryption key"):
        await secrets.put(ONE, "key", "value")
    await store.close()


async def test_a_value_that_is_put_for_others_meanwhile_is_not_given(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.secrets.put(NOBODY, "key", "for all", ["*"])
    get = house.store.get

    async def overtaken(name: SecretName) -> str | None:
        await house.secrets.put(NOBODY, "key", "for others", ["other"])
        return await get(name)

    monkeypatch.setattr(house.store, "get", overtaken)
    assert await house.secrets.resolve("default", "one", "global_secret", "key") is None


async def test_what_was_done_is_not_called_undone_where_its_event_cannot_be_stored(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(_: object) -> None:
        raise StoreFull("The disk is full")

    await house.secrets.put(NOBODY, "key", "old value", ["*"])
    await house.tidier.tidy()
    retired: list[None] = []
    house.secrets.on_retired = lambda: retired.append(None)
    monkeypatch.setattr(house.database, "write", full)
    with pytest.raises(Unavailable, match="global/key has its new value"):
        await house.secrets.put(NOBODY, "key", "new value", by="ann")
    assert await house.secrets.resolve("default", "one", "global_secret", "key") == "new value"
    with pytest.raises(Unavailable, match="global/key was deleted"):
        await house.secrets.delete(NOBODY, "key")
    assert await house.secrets.resolve("default", "one", "global_secret", "key") is None
    assert len(retired) == 2
