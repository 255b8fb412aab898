"""Log drivers other than the default."""

from __future__ import annotations

import asyncio

import pytest

from gofer.engines.scheduler.base import Exit, Position
from gofer.engines.scheduler.docker_spec import DockerOptions
from tests.conformance import steps
from tests.conformance.steps import Lines, LongLine, Say, UntilStopped, lines
from tests.integration.docker.conftest import open_engine

pytestmark = [pytest.mark.docker, pytest.mark.timeout(60)]


@pytest.mark.parametrize("driver", ["json-file", ""])
async def test_json_file_and_the_engines_default(driver: str) -> None:
    engine = await open_engine(DockerOptions(log_driver=driver))
    try:
        name = await engine.start(Lines(100), LongLine(40_000), LongLine(16_384), UntilStopped(), Say(b"end"))
        expected = lines(100) + b"x" * 40_000 + b"\n" + b"x" * 16_384 + b"\n"
        position = await engine.printed(name, "stdout", expected)
        await engine.die()
        reading = asyncio.ensure_future(engine.output(name, position))
        await engine.scheduler.stop(name, 30)
        assert (await reading)["stdout"] == b"end"
        assert (await engine.output(name))["stdout"] == expected + b"end"
    finally:
        await engine.close()


async def test_none_gives_everything_to_who_started_it_and_nothing_afterwards() -> None:
    engine = await open_engine(DockerOptions(log_driver="none"))
    try:
        name = await engine.start(Lines(40_000), steps.Exit(3))
        output = asyncio.ensure_future(engine.output(name))
        assert await engine.scheduler.wait(name) == Exit(3)
        assert (await output)["stdout"] == lines(40_000)
        await engine.die()
        assert await engine.output(name, Position(10, 0)) == {"stdout": b"", "stderr": b""}
    finally:
        await engine.close()


async def test_none_lets_an_adopting_reader_wait_for_the_end() -> None:
    engine = await open_engine(DockerOptions(log_driver="none"))
    try:
        name = await engine.start(Say(b"ready"), UntilStopped())
        position = await engine.printed(name, "stdout", b"ready")
        await engine.die()
        reading = asyncio.ensure_future(engine.output(name, position))
        await engine.scheduler.stop(name, 30)
        assert await reading == {"stdout": b"", "stderr": b""}
    finally:
        await engine.close()
