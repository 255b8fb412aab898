"""Values that were replaced or deleted: known as long as a run may print them."""

from __future__ import annotations

from gofer.engines.secret_store.base import Scope, SecretName, SecretStore
from tests.conformance.secret_store.conftest import Stores

SCOPE = Scope("default", "p", 1)
NAME = SecretName("key", SCOPE)


async def history(store: SecretStore) -> None:
    """`one` until 2000, `two` until 3000, then `three`."""
    for at, value in ((1_000, "one"), (2_000, "two"), (3_000, "three")):
        await store.put(NAME, value, [], at, "")


async def test_what_it_had_since(store: SecretStore) -> None:
    await history(store)
    assert set(await store.since(NAME, 0)) == {"one", "two", "three"}
    assert set(await store.since(NAME, 2_000)) == {"one", "two", "three"}
    assert set(await store.since(NAME, 2_001)) == {"two", "three"}
    assert await store.since(NAME, 3_001) == ["three"]


async def test_what_it_had_before_it_was_deleted(store: SecretStore) -> None:
    await history(store)
    assert await store.delete(NAME, 4_000)
    assert await store.get(NAME) is None
    assert set(await store.since(NAME, 3_500)) == {"three"}
    assert await store.since(NAME, 4_001) == []
    await store.put(NAME, "four", [], 5_000, "")
    assert set(await store.since(NAME, 3_500)) == {"three", "four"}


async def test_a_new_one_of_the_name_is_new(store: SecretStore) -> None:
    await store.put(NAME, "one", [], 1_000, "ann")
    await store.delete(NAME, 2_000)
    entry, created = await store.put(NAME, "two", [], 3_000, "bob")
    assert created
    assert (entry.created_at, entry.created_by) == (3_000, "bob")


async def test_forgetting(store: SecretStore) -> None:
    await history(store)
    assert await store.forget(2_000) == 2
    assert set(await store.since(NAME, 0)) == {"one", "two", "three"}
    assert await store.forget(2_001) == 1
    assert set(await store.since(NAME, 0)) == {"two", "three"}
    assert await store.forget(9_000) == 0
    assert await store.since(NAME, 0) == ["three"]
    assert await store.get(NAME) == "three"


async def test_they_are_known_after_a_restart(stores: Stores) -> None:
    async with stores.life() as store:
        await history(store)
    async with stores.life() as store:
        assert set(await store.since(NAME, 0)) == {"one", "two", "three"}


async def test_a_pipeline_that_is_no_more_leaves_nothing(store: SecretStore) -> None:
    later = Scope("default", "p", 2)
    await history(store)
    await store.delete(NAME, 4_000)
    await store.put(SecretName("other", SCOPE), "value", [], 1_000, "")
    await store.put(SecretName("key", later), "of the later one", [], 5_000, "")
    await store.put(SecretName("key"), "global", ["*"], 5_000, "")
    assert set(await store.scopes()) == {SCOPE, later}
    await store.drop(SCOPE)
    await store.drop(SCOPE)
    assert await store.scopes() == [later]
    assert await store.since(NAME, 0) == []
    assert await store.list(SCOPE, "", 10) == []
    assert await store.get(SecretName("key", later)) == "of the later one"
    assert await store.get(SecretName("key")) == "global"


async def test_a_scope_of_retired_ones_alone_is_one(store: SecretStore) -> None:
    await store.put(NAME, "value", [], 1_000, "")
    await store.delete(NAME, 2_000)
    assert await store.scopes() == [SCOPE]
