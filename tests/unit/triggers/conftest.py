from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.scenarios.conftest import house as house
from tests.scenarios.conftest import scene as scene
from tests.scenarios.scene import Scene
from tests.unit.triggers.house import FakeTrigger, Triggers


@pytest.fixture
def triggers(scene: Scene) -> Triggers:
    return Triggers(scene)


@pytest.fixture
async def clock(triggers: Triggers) -> AsyncIterator[FakeTrigger]:
    """A connected trigger `clock`."""
    key = await triggers.install("clock")
    async with triggers.connected("clock", key) as trigger:
        trigger.kinds()
        yield trigger
