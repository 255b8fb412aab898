"""Putting, getting, listing, deleting."""

from __future__ import annotations

import asyncio

import pytest

from gofer.engines.secret_store.base import GLOBAL, Scope, SecretName, SecretStore
from gofer.errors import NotFound
from tests.conformance.secret_store.conftest import Stores

SCOPE = Scope("default", "p", 1)
NAME = SecretName("key", SCOPE)


async def put(store: SecretStore, name: SecretName, value: str, at: int = 1_000, by: str = "") -> bool:
    _, created = await store.put(name, value, [], at, by)
    return created


async def test_what_was_put_is_got_with_every_character(store: SecretStore) -> None:
    for value in ("x", "two\nlines\r\n", "ünï✓😀", " ", "\x01\x7f", "a" * 65_536):
        await put(store, NAME, value)
        assert await store.get(NAME) == value


async def test_what_is_not_there(store: SecretStore) -> None:
    assert await store.get(NAME) is None
    assert await store.entry(NAME) is None
    assert await store.since(NAME, 0) == []
    assert await store.list(SCOPE, "", 10) == []
    assert not await store.delete(NAME, 1_000)
    assert await store.scopes() == []
    await store.drop(SCOPE)
    with pytest.raises(NotFound):
        await store.put(NAME, "value", None, 1_000, "")


async def test_an_entry_tells_when_and_by_whom(store: SecretStore) -> None:
    entry, created = await store.put(NAME, "one", [], 1_000, "ann")
    assert created
    assert entry == await store.entry(NAME)
    assert entry == (NAME, (), 1_000, 1_000, "ann", "ann")
    entry, created = await store.put(NAME, "two", [], 2_000, "bob")
    assert not created
    assert entry == await store.entry(NAME) == (NAME, (), 1_000, 2_000, "ann", "bob")


async def test_namespaces_stay_unless_others_are_said(store: SecretStore) -> None:
    name = SecretName("key")
    await store.put(name, "one", ["a", "b"], 1_000, "")
    entry, _ = await store.put(name, "two", None, 2_000, "")
    assert entry.namespaces == ("a", "b")
    entry, _ = await store.put(name, "three", ["*"], 3_000, "")
    assert entry.namespaces == ("*",)
    assert await store.get(name) == "three"


async def test_names_are_apart(store: SecretStore) -> None:
    names = [
        SecretName("key"),
        SecretName("key", SCOPE),
        SecretName("key", Scope("default", "p", 2)),
        SecretName("key", Scope("other", "p", 3)),
        SecretName("key", Scope("default", "q", 4)),
        SecretName("kez", SCOPE),
    ]
    for number, name in enumerate(names):
        await put(store, name, f"value {number}")
    for number, name in enumerate(names):
        assert await store.get(name) == f"value {number}"
    assert await store.delete(names[1], 2_000)
    assert [await store.get(name) is None for name in names] == [False, True, False, False, False, False]


async def test_a_list_goes_by_key_page_by_page(store: SecretStore) -> None:
    for key in ("b", "a", "C", "d-1", "e_2"):
        await put(store, SecretName(key, SCOPE), key)
    await put(store, SecretName("elsewhere", Scope("default", "q", 2)), "x")
    await put(store, SecretName("global"), "x")
    await store.delete(SecretName("d-1", SCOPE), 2_000)
    assert [entry.name.key for entry in await store.list(SCOPE, "", 10)] == ["C", "a", "b", "e_2"]
    assert [entry.name.key for entry in await store.list(SCOPE, "", 2)] == ["C", "a"]
    assert [entry.name.key for entry in await store.list(SCOPE, "a", 2)] == ["b", "e_2"]
    assert [entry.name.key for entry in await store.list(GLOBAL, "", 10)] == ["global"]


async def test_everything_is_there_after_a_restart(stores: Stores) -> None:
    async with stores.life() as store:
        await put(store, NAME, "kept", by="ann")
        before = await store.entry(NAME)
    async with stores.life() as store:
        assert await store.get(NAME) == "kept"
        assert await store.entry(NAME) == before


async def test_many_at_once(store: SecretStore) -> None:
    names = [SecretName(f"k{number}", SCOPE) for number in range(50)]
    await asyncio.gather(*(put(store, name, name.key * 3) for name in names))
    assert await asyncio.gather(*(store.get(name) for name in names)) == [name.key * 3 for name in names]


async def test_one_that_is_put_at_the_same_time_has_one_of_the_values(store: SecretStore) -> None:
    created = await asyncio.gather(*(put(store, NAME, f"value {number}", at=number) for number in range(20)))
    assert created.count(True) == 1
    assert await store.get(NAME) in {f"value {number}" for number in range(20)}
    assert set(await store.since(NAME, 0)) == {f"value {number}" for number in range(20)}


async def test_a_sign_of_life(store: SecretStore) -> None:
    await store.check()
    assert store.encrypts


async def test_closing_again_does_nothing(stores: Stores) -> None:
    store = stores.make()
    await store.open()
    await store.close()
    await store.close()


async def test_it_belongs_to_the_server_that_has_claimed_it_first(stores: Stores) -> None:
    async with stores.life() as store:
        assert await store.claim("5e1f") == "5e1f"
        assert await store.claim("5e1f") == "5e1f"
        assert await store.claim("07e4") == "5e1f"
    async with stores.life() as store:
        assert await store.claim("07e4") == "5e1f"
