"""What the tests of logs share."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gofer.server.clock import Clock
from gofer.server.logs.logs import Logs


@pytest.fixture
async def logs(tmp_path: Path) -> AsyncIterator[Logs]:
    """An open service on an empty folder."""
    service = Logs(tmp_path / "logs", Clock())
    await service.open()
    yield service
    await service.close()
