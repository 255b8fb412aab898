"""One server in production mode for each file of tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.security.world import World


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world = World(tmp_path_factory.mktemp("world"))
    world.start()
    yield world
    world.stop()
