"""Keys: which are needed, how they are changed, what is said of a wrong one."""

from __future__ import annotations

import asyncio

import pytest

from gofer.engines.secret_store.base import Progress, Scope, SecretName, SecretStore
from gofer.errors import ConfigError, Conflict
from gofer.models.encryption_keys import EncryptionKeys
from tests.conformance.secret_store.conftest import NEW, OLD, OTHER, Stores

SCOPE = Scope("default", "p", 1)
NAME = SecretName("key", SCOPE)
NAMES = [SecretName(f"k{number}", SCOPE) for number in range(150)]


async def fill(store: SecretStore) -> None:
    for name in NAMES:
        await store.put(name, f"value of {name.key}", [], 1_000, "")


async def rotate(store: SecretStore) -> int:
    rotated = 0
    while (step := await store.rotate()).rotated:
        rotated += step.rotated
    assert step.done == step.total
    return rotated


async def test_a_wrong_key_is_refused_at_the_start(stores: Stores) -> None:
    async with stores.life(OLD) as store:
        await store.put(NAME, "value", [], 1_000, "")
    for keys in ((NEW,), (NEW, OTHER), (None,)):
        with pytest.raises(ConfigError) as caught:
            await stores.make(*keys).open()
        assert caught.value.hint
        for key in (OLD, NEW, OTHER):
            assert key.decode() not in caught.value.message + caught.value.hint
    async with stores.life(NEW, OTHER, OLD) as store:
        assert await store.get(NAME) == "value"


async def test_an_empty_store_takes_any_key(stores: Stores) -> None:
    async with stores.life(OLD):
        pass
    async with stores.life(NEW) as store:
        await store.put(NAME, "value", [], 1_000, "")
        assert await store.get(NAME) == "value"


async def test_without_a_key_there_is_a_clear_error(stores: Stores) -> None:
    async with stores.life(None) as store:
        assert not store.encrypts
        with pytest.raises(Conflict, match="key") as caught:
            await store.put(NAME, "value", [], 1_000, "")
        assert caught.value.hint
        for call in (store.get(NAME), store.since(NAME, 0), store.rotate()):
            with pytest.raises(Conflict, match="key"):
                await call
        assert await store.entry(NAME) is None
        assert await store.list(SCOPE, "", 10) == []
        assert not await store.delete(NAME, 1_000)
        assert await store.forget(1_000) == 0
        await store.use(EncryptionKeys(OLD))
        await store.put(NAME, "value", [], 1_000, "")
        assert store.encrypts


async def test_rotation(stores: Stores) -> None:
    async with stores.life(OLD) as store:
        await fill(store)
        await store.put(NAMES[0], "replaced", [], 2_000, "")
        assert await store.rotate() == Progress(0, 151, 151)
    async with stores.life(NEW, OLD) as store:
        entries = await store.list(SCOPE, "", 1_000)
        assert await rotate(store) == 151
        assert await rotate(store) == 0
        assert await store.list(SCOPE, "", 1_000) == entries
    async with stores.life(NEW) as store:
        assert await store.get(NAMES[1]) == "value of k1"
        assert set(await store.since(NAMES[0], 0)) == {"value of k0", "replaced"}
    with pytest.raises(ConfigError):
        await stores.make(OLD).open()


async def test_values_are_used_while_they_are_rotated(stores: Stores) -> None:
    async with stores.life(OLD) as store:
        await fill(store)
    async with stores.life(NEW, OLD) as store:

        async def use() -> None:
            for name in NAMES:
                assert await store.get(name) in (f"value of {name.key}", "new")
                await store.put(name, "new", [], 2_000, "")

        await asyncio.gather(rotate(store), use())
        assert await rotate(store) == 0
        assert [await store.get(name) for name in NAMES] == ["new"] * len(NAMES)
        assert set(await store.since(NAMES[9], 0)) == {"value of k9", "new"}


async def test_a_rotation_that_was_cut_off_goes_on(stores: Stores) -> None:
    async with stores.life(OLD) as store:
        await fill(store)
    async with stores.life(NEW, OLD) as store:
        step = await store.rotate()
        assert 0 < step.done < step.total
    for keys in ((NEW,), (OLD,)):
        with pytest.raises(ConfigError):
            await stores.make(*keys).open()
    async with stores.life(NEW, OLD) as store:
        assert await rotate(store) == step.total - step.done
        assert [await store.get(name) for name in NAMES] == [f"value of {name.key}" for name in NAMES]


async def test_keys_change_while_it_is_open(store: SecretStore) -> None:
    await store.put(NAME, "value", [], 1_000, "")
    with pytest.raises(ConfigError):
        await store.use(EncryptionKeys(NEW))
    with pytest.raises(ConfigError):
        await store.use(EncryptionKeys())
    assert await store.get(NAME) == "value"
    assert await rotate(store) == 0
    await store.use(EncryptionKeys(NEW, (OLD,)))
    assert await store.get(NAME) == "value"
    assert await rotate(store) == 1
    await store.use(EncryptionKeys(NEW))
    assert await store.get(NAME) == "value"


def test_nothing_shows_a_key(stores: Stores) -> None:
    store = stores.make(OLD, NEW)
    for shown in (repr(store), str(vars(store))):
        assert OLD.decode() not in shown
        assert NEW.decode() not in shown
