from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gofer.server.store.database import Database
from tests.unit.store.seed import add_pipeline


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    """An open one with one pipeline."""
    database = Database(tmp_path / "gofer.db")
    await database.open()
    await database.write(lambda tx: add_pipeline(tx, "p"))
    yield database
    await database.close()
