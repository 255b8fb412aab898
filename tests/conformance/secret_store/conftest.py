"""The secret stores there are: each is given to every test of this folder."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gofer.config.settings import SecretStoreSettings
from gofer.engines.registry import SECRET_STORES, secret_store
from gofer.engines.secret_store.base import SecretStore
from gofer.models.encryption_keys import EncryptionKeys

OLD, NEW, OTHER = b"o" * 32, b"n" * 32, b"x" * 32


class Stores:
    """Makes stores on one place, as a server does over its lives."""

    def __init__(self, name: str, folder: Path) -> None:
        self._name = name
        self._folder = folder

    def make(self, current: bytes | None = OLD, *previous: bytes) -> SecretStore:
        keys = EncryptionKeys(current, previous, "a test")
        return secret_store(self._name, SecretStoreSettings(), self._folder, keys)

    @asynccontextmanager
    async def life(self, current: bytes | None = OLD, *previous: bytes) -> AsyncIterator[SecretStore]:
        store = self.make(current, *previous)
        await store.open()
        try:
            yield store
        finally:
            await store.close()


@pytest.fixture(params=list(SECRET_STORES))
def stores(request: pytest.FixtureRequest, tmp_path: Path) -> Stores:
    return Stores(request.param, tmp_path)


@pytest.fixture
async def store(stores: Stores) -> AsyncIterator[SecretStore]:
    """An open, empty store."""
    async with stores.life() as store:
        yield store
