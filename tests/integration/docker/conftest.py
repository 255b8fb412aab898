"""The Docker engine against a real Docker Engine: what the conformance suite, being for all engines, does not ask."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import aiodocker
import pytest

from gofer.engines.scheduler.base import Scheduler
from gofer.engines.scheduler.docker import DockerScheduler
from gofer.engines.scheduler.docker_spec import DockerOptions
from tests.conformance.conftest import Engine
from tests.conformance.steps import in_shell


async def open_engine(options: DockerOptions) -> Engine:
    """An opened engine with these options, to be closed by the caller."""

    async def open_one() -> Scheduler:
        scheduler = DockerScheduler(options)
        await scheduler.open()
        return scheduler

    engine = Engine("docker", in_shell, open_one, {"network": "none"})
    await engine.open()
    return engine


@pytest.fixture
async def engine() -> AsyncIterator[Engine]:
    engine = await open_engine(DockerOptions())
    yield engine
    await engine.close()


@pytest.fixture
async def bare_engine() -> AsyncIterator[Engine]:
    """Without an init process in its containers."""
    engine = await open_engine(DockerOptions(init=False))
    yield engine
    await engine.close()


class Raw:
    """What the engine itself says, past Gofer."""

    def __init__(self, docker: aiodocker.Docker) -> None:
        self.docker = docker

    async def inspect(self, name: str) -> dict[str, Any]:
        return await self.docker.containers.container(name).show()

    async def create(self, name: str, body: dict[str, Any]) -> None:
        await self.docker.containers.create(body, name=name)


@pytest.fixture
async def raw() -> AsyncIterator[Raw]:
    async with aiodocker.Docker() as docker:
        yield Raw(docker)
