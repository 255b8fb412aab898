from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gofer.engines.scheduler.base import Scheduler
from gofer.server import engines
from tests.scenarios.scene import House, Scene


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    """For tests that start and stop servers themselves."""
    house = House(tmp_path)

    def in_this_world(*_: object) -> Scheduler:
        return house.engine(house.world)

    monkeypatch.setattr(engines, "scheduler", in_this_world)
    return house


@pytest.fixture
async def scene(house: House) -> AsyncIterator[Scene]:
    """A server with the default settings."""
    async with house.open() as scene:
        yield scene
