"""The fake engine does as it is told."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import pytest

from gofer.engines.scheduler.base import Container, ContainerSpec, Exit, Position, PullProgress
from gofer.engines.scheduler.fake import FakeScheduler
from gofer.engines.scheduler.fake_world import FakeWorld
from gofer.errors import Conflict, EngineUnavailable, NotFound, StartFailed
from gofer.models.log import Stream
from gofer.models.status import Reason
from tests.unit.engines.conftest import together

pytestmark = pytest.mark.timeout(60)


def _spec(*command: str, **changes: Any) -> ContainerSpec:
    return ContainerSpec(**{"name": "one", "image": "any", "command": command} | changes)


async def _output(engine: FakeScheduler, name: str = "one", since: Position = Position()) -> dict[Stream, bytes]:  # noqa: B008
    return together([chunk async for chunk in engine.logs(name, since)])


@pytest.fixture
def engine() -> FakeScheduler:
    return FakeScheduler()


@pytest.mark.parametrize(
    ("command", "end"),
    [
        ([], Exit(0)),
        (["exit", "3"], Exit(3)),
        (["say", "x", "exit", "0", "exit", "9"], Exit(0)),
        (["die", "11"], Exit(139)),
        (["oom"], Exit(137, oom_killed=True)),
        (["sleep", "0.001", "exit", "4"], Exit(4)),
        (["vanish"], None),
        (["sleep", "0.001", "vanish"], None),
    ],
)
async def test_it_ends_as_it_is_told(engine: FakeScheduler, command: list[str], end: Exit | None) -> None:
    await engine.start(_spec(*command))
    assert await engine.wait("one") == end
    found = await engine.inspect("one")
    assert (None if found is None else found.exit_code) == (None if end is None else end.exit_code)


@pytest.mark.parametrize(
    ("command", "stdout", "stderr"),
    [
        (["say", "hello", "complain", "oh"], b"hello\n", b"oh\n"),
        (["bytes", "stdout", "00ff0a", "bytes", "stderr", ""], b"\x00\xff\n", b""),
        (["repeat", "3", "stderr", "ab"], b"", b"ababab"),
        (["lines", "3", "stdout", "no. %02d"], b"no. 01\nno. 02\nno. 03\n", b""),
        (["log", "2"], b"line 1\nline 2\n", b""),
        (["log", "0"], b"", b""),
        (["variable", "A", "variable", "B"], b"1\n\n", b""),
        (["folder"], b"/\n", b""),
    ],
)
async def test_it_prints_what_it_is_told(
    engine: FakeScheduler, command: list[str], stdout: bytes, stderr: bytes
) -> None:
    await engine.start(_spec(*command, environment={"A": "1"}))
    assert await _output(engine) == {"stdout": stdout, "stderr": stderr}


async def test_a_million_lines_can_be_read_from_anywhere(engine: FakeScheduler) -> None:
    await engine.start(_spec("log", "1000000", "complain", "end"))
    whole = "".join(f"line {number}\n" for number in range(1, 1_000_001)).encode()
    assert await _output(engine) == {"stdout": whole, "stderr": b"end\n"}
    since = Position(len(whole) - 5, 1)
    assert await _output(engine, since=since) == {"stdout": whole[-5:], "stderr": b"nd\n"}


async def test_a_flood_lasts_until_it_is_stopped(engine: FakeScheduler) -> None:
    await engine.start(_spec("flood"))
    got = b""
    async for chunk in engine.logs("one"):
        got += chunk.data
        if len(got) > 1_000_000:
            await engine.stop("one", 30)
    assert await engine.wait("one") == Exit(143)
    assert len(got) > 1_000_000
    assert (await _output(engine))["stdout"] == got


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (["fail-to-start"], Reason.START_FAILED),
        (["fail-to-start", "image_not_found"], Reason.IMAGE_NOT_FOUND),
        (["fail-to-start", "pull_failed"], Reason.PULL_FAILED),
        (["dance"], Reason.START_FAILED),
        (["exit"], Reason.START_FAILED),
        (["exit", "256"], Reason.START_FAILED),
        (["exit", "one"], Reason.START_FAILED),
        (["sleep", "-1"], Reason.START_FAILED),
        (["log", "-1"], Reason.START_FAILED),
        (["bytes", "stdout", "xyz"], Reason.START_FAILED),
        (["bytes", "stdin", "00"], Reason.START_FAILED),
        (["lines", "1", "stdout", "%d %d"], Reason.START_FAILED),
        (["repeat", "1", "nowhere", "x"], Reason.START_FAILED),
    ],
)
async def test_it_fails_to_start_as_it_is_told(engine: FakeScheduler, command: list[str], reason: Reason) -> None:
    with pytest.raises(StartFailed) as error:
        await engine.start(_spec(*command))
    assert error.value.reason == reason
    assert error.value.hint
    assert await engine.inspect("one") is None
    assert engine.world.starts["one"] == 0


async def test_a_gate_is_passed_when_it_is_released(engine: FakeScheduler) -> None:
    await engine.start(_spec("say", "before", "gate", "say", "between", "gate", "exit", "5"))
    reading = asyncio.ensure_future(_output(engine))
    for _ in range(2):
        engine.world.release("one")
    assert await engine.wait("one") == Exit(5)
    assert (await reading)["stdout"] == b"before\nbetween\n"
    with pytest.raises(NotFound):
        engine.world.release("one")
    with pytest.raises(NotFound):
        engine.world.release("nobody")


async def test_what_is_done_to_it_from_outside(engine: FakeScheduler) -> None:
    for name in ("one", "two"):
        await engine.start(_spec("hang", name=name))
    engine.world.print("one", b"out")
    engine.world.print("one", b"err", "stderr")
    engine.world.end("one", 7)
    engine.world.vanish("two")
    assert await engine.wait("one") == Exit(7)
    assert await _output(engine) == {"stdout": b"out", "stderr": b"err"}
    assert await engine.wait("two") is None
    assert await _output(engine, "two") == {"stdout": b"", "stderr": b""}


async def test_who_waits_hears_that_it_vanishes(engine: FakeScheduler) -> None:
    await engine.start(_spec("hang"))
    waiting, reading = asyncio.ensure_future(engine.wait("one")), asyncio.ensure_future(_output(engine))
    await asyncio.sleep(0)
    engine.world.vanish("one")
    assert await waiting is None
    assert await reading == {"stdout": b"", "stderr": b""}


async def test_starts_can_be_held_and_awaited(engine: FakeScheduler) -> None:
    world = engine.world
    world.hold_starts()
    labels = {"task": "a"}
    starting = asyncio.ensure_future(engine.start(_spec("hang", labels=labels)))
    by_name = asyncio.ensure_future(world.started("one"))
    by_labels = asyncio.ensure_future(world.started_with(labels))
    for _ in range(10):
        await asyncio.sleep(0)
    assert not starting.done()
    assert await engine.inspect("one") is None
    world.release_starts()
    found: list[Container] = [await starting, await by_name, await by_labels]
    assert {(container.name, container.status) for container in found} == {("one", "running")}
    assert (await world.started("one")).name == "one"


async def test_a_held_start_that_is_cancelled_creates_nothing(engine: FakeScheduler) -> None:
    engine.world.hold_starts()
    starting = asyncio.ensure_future(engine.start(_spec("hang")))
    await asyncio.sleep(0)
    starting.cancel()
    await asyncio.wait([starting])
    engine.world.release_starts()
    assert await engine.inspect("one") is None
    assert engine.world.starts["one"] == 0


async def test_while_it_is_away_nothing_answers_and_everything_goes_on(engine: FakeScheduler) -> None:
    world = engine.world
    await engine.start(_spec("gate", "say", "done"))
    world.hold_starts()
    broken = [
        asyncio.ensure_future(engine.wait("one")),
        asyncio.ensure_future(_output(engine)),
        asyncio.ensure_future(engine.start(_spec("hang", name="two"))),
    ]
    for _ in range(3):
        await asyncio.sleep(0)
    world.go_away("gone fishing")
    world.release_starts()
    calls = [
        engine.check(), engine.start(_spec(name="three")), engine.inspect("one"), engine.wait("one"),
        _output(engine), engine.stop("one", 1), engine.remove("one"), engine.list({}),
        engine.exec("one", ["cat"], terminal=False), *broken,
    ]  # fmt: skip
    for call in calls:
        with pytest.raises(EngineUnavailable, match="gone fishing"):
            await call
    world.release("one")
    world.come_back()
    assert await engine.wait("one") == Exit(0)
    assert (await _output(engine))["stdout"] == b"done\n"
    assert [container.name for container in await engine.list({})] == ["one"]


async def test_what_one_instance_starts_another_of_its_world_finds() -> None:
    world = FakeWorld()
    first, second, stranger = FakeScheduler(world), FakeScheduler(world), FakeScheduler()
    await first.start(_spec("hang"))
    again = await second.start(_spec("say", "started again"))
    assert again.status == "running"
    await first.close()
    await second.stop("one", 30)
    assert await second.wait("one") == Exit(143)
    assert world.starts["one"] == 1
    assert await stranger.inspect("one") is None


async def test_images_are_pulled_or_missing_as_it_is_told(engine: FakeScheduler) -> None:
    told: list[PullProgress] = []

    async def on_pull(progress: PullProgress) -> None:
        told.append(progress)

    engine.world.unpulled_images.add("big")
    engine.world.missing_images.add("none")
    found = await engine.start(_spec("hang", image="big"), on_pull)
    assert [progress.done for progress in told] == [False, True]
    assert found.image_digest == told[-1].detail
    await engine.start(_spec("hang", image="big", name="two"), on_pull)
    assert len(told) == 2
    await engine.start(_spec("hang", image="big", name="three", pull="always"), on_pull)
    assert len(told) == 4
    with pytest.raises(StartFailed) as error:
        await engine.start(_spec("hang", image="none", name="four"), on_pull)
    assert error.value.reason == Reason.IMAGE_NOT_FOUND


async def test_its_clock_can_be_set() -> None:
    ticks = itertools.count(1000)
    engine = FakeScheduler(FakeWorld(lambda: next(ticks)))
    await engine.start(_spec("say", "a", "say", "b"))
    assert [chunk.at async for chunk in engine.logs("one")] == [1000, 1001]


async def test_an_exec_does_as_it_is_told_too(engine: FakeScheduler) -> None:
    await engine.start(_spec("hang", environment={"A": "1"}))
    command = ["variable", "A", "complain", "no", "exit", "6"]
    session = await engine.exec("one", command, terminal=False)
    assert together([chunk async for chunk in session.output()]) == {"stdout": b"1\n", "stderr": b"no\n"}
    assert await session.exit_code() == 6
    terminal = await engine.exec("one", command, terminal=True, columns=10, rows=20)
    assert together([chunk async for chunk in terminal.output()]) == {"stdout": b"1\nno\n", "stderr": b""}
    assert terminal.size == (10, 20)
    await terminal.resize(1, 2)
    assert terminal.size == (1, 2)


async def test_an_exec_ends_with_its_container(engine: FakeScheduler) -> None:
    await engine.start(_spec("hang"))
    session = await engine.exec("one", ["cat"], terminal=False)
    await session.write(b"echo")
    reading = asyncio.ensure_future(session.exit_code())
    await asyncio.sleep(0)
    await engine.stop("one", 30)
    assert await reading == 137
    assert [chunk.data async for chunk in session.output()] == [b"echo"]
    await session.write(b"too late")
    await session.close_input()
    await session.close()
    with pytest.raises(Conflict):
        await engine.exec("one", ["cat"], terminal=False)
    with pytest.raises(NotFound):
        await engine.exec("two", ["cat"], terminal=False)
