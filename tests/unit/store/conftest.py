from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gofer.server.store.database import Database


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    """An open, empty database."""
    database = Database(tmp_path / "gofer.db")
    await database.open()
    yield database
    await database.close()
