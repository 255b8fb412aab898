"""The engine goes and comes back while containers run."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

import pytest

from gofer.engines.scheduler.base import Chunk, Exit, Position, Scheduler
from gofer.engines.scheduler.docker import DockerScheduler
from gofer.engines.scheduler.docker_spec import DockerOptions
from gofer.errors import EngineUnavailable
from gofer.models.log import Stream
from tests.conformance import steps
from tests.conformance.conftest import Engine, together
from tests.conformance.second_engine import SecondEngine, second_engine
from tests.conformance.steps import Hang, Lines, Say, UntilStopped, lines
from tests.integration.docker.conftest import open_engine

pytestmark = [pytest.mark.docker, pytest.mark.timeout(180)]

T = TypeVar("T")


@asynccontextmanager
async def restartable(*, live_restore: bool) -> AsyncIterator[tuple[SecondEngine, Engine]]:
    async with second_engine(live_restore=live_restore) as second:
        engine = await open_engine(DockerOptions(host=second.address))
        try:
            yield second, engine
        finally:
            await engine.scheduler.close()


async def _back(scheduler: Scheduler) -> None:
    while True:
        try:
            await scheduler.check()
            return
        except EngineUnavailable:
            await asyncio.sleep(0.02)


async def patiently(scheduler: Scheduler, call: Callable[[], Awaitable[T]]) -> T:
    """As Gofer does it: when the engine is away, wait until it is back and call again."""
    while True:
        try:
            return await call()
        except EngineUnavailable:
            await _back(scheduler)


class Capture:
    """Reads a container's output to its end, over every absence of the engine."""

    def __init__(self, scheduler: Scheduler, name: str) -> None:
        self._scheduler = scheduler
        self._name = name
        self._chunks: list[Chunk] = []
        self._more = asyncio.Event()
        self.task = asyncio.create_task(self._run())

    def output(self) -> dict[Stream, bytes]:
        return together(self._chunks)

    async def until(self, expected: bytes) -> None:
        """Returns when that much has come on stdout."""
        while len(self.output()["stdout"]) < len(expected):
            await self._more.wait()
            self._more.clear()
        assert self.output()["stdout"] == expected

    async def _run(self) -> None:
        await patiently(self._scheduler, self._read)

    async def _read(self) -> None:
        have = self.output()
        async for chunk in self._scheduler.logs(self._name, Position(len(have["stdout"]), len(have["stderr"]))):
            self._chunks.append(chunk)
            self._more.set()


@pytest.mark.parametrize("how", ["kill", "stop"])
async def test_containers_that_survive_go_on_and_nothing_is_lost(how: str) -> None:
    async with restartable(live_restore=True) as (second, engine):
        name = await engine.start(Lines(50), UntilStopped(), Lines(5_000), Say(b"!", "stderr"), steps.Exit(7))
        capture = Capture(engine.scheduler, name)
        end = asyncio.ensure_future(patiently(engine.scheduler, lambda: engine.scheduler.wait(name)))
        await capture.until(lines(50))
        await (second.kill() if how == "kill" else second.stop())
        await second.start()
        await engine.scheduler.stop(name, 30)
        assert await end == Exit(7)
        await capture.task
        assert capture.output() == {"stdout": lines(50) + lines(5_000), "stderr": b"!"}


async def test_a_line_of_which_the_dead_engine_knew_the_beginning_alone_comes_whole() -> None:
    async with restartable(live_restore=True) as (second, engine):
        name = await engine.start(Say(b"whole\nprogress 10%"), UntilStopped(), Say(b" 100%\nafter\n"))
        capture = Capture(engine.scheduler, name)
        await capture.until(b"whole\nprogress 10%")
        await second.kill()
        await second.start()
        await engine.scheduler.stop(name, 30)
        await capture.task
        assert capture.output()["stdout"] == b"whole\nprogress 10% 100%\nafter\n"


async def test_the_engine_dies_twice() -> None:
    async with restartable(live_restore=True) as (second, engine):
        name = await engine.start(Say(b"one\ntwo"), UntilStopped(), Say(b" three\n"), Hang())
        capture = Capture(engine.scheduler, name)
        await capture.until(b"one\ntwo")
        await second.kill()
        await second.start()
        await engine.scheduler.exec(name, ["kill", "-TERM", "1"], terminal=False)
        await capture.until(b"one\ntwo three\n")
        await second.kill()
        await second.start()
        await engine.scheduler.stop(name, 0)
        await capture.task
        assert capture.output()["stdout"] == b"one\ntwo three\n"


@pytest.mark.parametrize("how", ["kill", "stop"])
async def test_containers_that_do_not_survive_end_as_the_engine_says(how: str) -> None:
    async with restartable(live_restore=False) as (second, engine):
        name = await engine.start(Lines(50), Hang())
        capture = Capture(engine.scheduler, name)
        end = asyncio.ensure_future(patiently(engine.scheduler, lambda: engine.scheduler.wait(name)))
        await capture.until(lines(50))
        await (second.kill() if how == "kill" else second.stop())
        await second.start()
        exited = await end
        assert exited is not None
        assert exited.exit_code == 143
        await capture.task
        assert capture.output()["stdout"] == lines(50)


async def test_while_it_is_away_every_call_says_so() -> None:
    async with restartable(live_restore=True) as (second, engine):
        spec = engine.spec(Hang())
        await engine.scheduler.start(spec)
        await second.kill()
        scheduler = engine.scheduler

        async def read() -> None:
            async for _ in scheduler.logs(spec.name):
                pass

        calls: list[Callable[[], Awaitable[object]]] = [
            scheduler.check,
            lambda: scheduler.start(spec),
            lambda: scheduler.start(engine.spec(pull="always")),
            lambda: scheduler.inspect(spec.name),
            lambda: scheduler.wait(spec.name),
            read,
            lambda: scheduler.stop(spec.name, 1),
            lambda: scheduler.remove(spec.name),
            lambda: scheduler.list(engine.label),
            lambda: scheduler.exec(spec.name, ["true"], terminal=False),
        ]
        for call in calls:
            with pytest.raises(EngineUnavailable, match="does not answer") as error:
                await call()
            assert error.value.hint
        await second.start()
        assert (await scheduler.check()).name == "docker"
        found = await scheduler.start(spec)
        assert found.status == "running"


async def test_opened_while_it_is_away_it_is_used_when_it_comes() -> None:
    async with second_engine(live_restore=True) as second:
        await second.stop()
        scheduler = DockerScheduler(DockerOptions(host=second.address))
        await scheduler.open()
        with pytest.raises(EngineUnavailable):
            await scheduler.check()
        await second.start()
        assert (await scheduler.check()).address == second.address
        await scheduler.close()


async def test_one_that_hangs_is_found_out() -> None:
    async with restartable(live_restore=True) as (second, engine):
        second.freeze()
        with pytest.raises(EngineUnavailable, match="nothing came within 5 seconds"):
            await engine.scheduler.check()
        second.thaw()
        await engine.scheduler.check()


@pytest.mark.parametrize("turns", [5, 20, 60])
async def test_a_start_that_the_engines_death_cut_short_is_made_once(turns: int) -> None:
    async with restartable(live_restore=True) as (second, engine):
        scheduler, spec = engine.scheduler, engine.spec(Say(b"once\n"))
        starting = asyncio.ensure_future(patiently(scheduler, lambda: scheduler.start(spec)))
        for _ in range(turns):
            await asyncio.sleep(0)
        await second.kill()
        await second.start()
        await starting
        assert await patiently(scheduler, lambda: scheduler.wait(spec.name)) == Exit(0)
        assert (await engine.output(spec.name))["stdout"] == b"once\n"
