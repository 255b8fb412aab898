"""`wait`, `stop` and `remove`."""

from __future__ import annotations

import asyncio

import pytest

from gofer.engines.scheduler.base import Exit
from tests.conformance import steps
from tests.conformance.conftest import Engine
from tests.conformance.steps import Flood, Hang, Say, UntilStopped

pytestmark = pytest.mark.timeout(60)

KILLED = Exit(137)
ENDED_ITSELF = Exit(143)


async def test_wait_after_the_end_answers_at_once_and_again(engine: Engine) -> None:
    name = await engine.start(steps.Exit(7))
    assert await engine.scheduler.wait(name) == Exit(7)
    assert await engine.scheduler.wait(name) == Exit(7)


async def test_several_wait_for_the_same(engine: Engine) -> None:
    name = await engine.start(Say(b"ready\n"), UntilStopped(), steps.Exit(2))
    await engine.printed(name, "stdout", b"ready\n")
    waiting = [asyncio.ensure_future(engine.scheduler.wait(name)) for _ in range(3)]
    await engine.scheduler.stop(name, 30)
    assert await asyncio.gather(*waiting) == [Exit(2)] * 3


async def test_a_cancelled_wait_stops_nothing_and_may_be_made_again(engine: Engine) -> None:
    name = await engine.start(Say(b"ready\n"), UntilStopped(), steps.Exit(2))
    waiting = asyncio.ensure_future(engine.scheduler.wait(name))
    await engine.printed(name, "stdout", b"ready\n")
    waiting.cancel()
    await asyncio.wait([waiting])
    assert waiting.cancelled()
    found = await engine.scheduler.inspect(name)
    assert found is not None
    assert found.status == "running"
    again = asyncio.ensure_future(engine.scheduler.wait(name))
    await engine.scheduler.stop(name, 30)
    assert await again == Exit(2)


async def test_a_fresh_instance_waits_for_what_another_started(engine: Engine) -> None:
    name = await engine.start(Say(b"ready\n"), UntilStopped(), steps.Exit(6))
    await engine.printed(name, "stdout", b"ready\n")
    await engine.die()
    waiting = asyncio.ensure_future(engine.scheduler.wait(name))
    await engine.scheduler.stop(name, 30)
    assert await waiting == Exit(6)


async def test_a_fresh_instance_learns_how_what_another_started_has_ended(engine: Engine) -> None:
    name = await engine.start(steps.Exit(6))
    await engine.scheduler.wait(name)
    await engine.die()
    assert await engine.scheduler.wait(name) == Exit(6)


async def test_stop_lets_the_command_end_in_its_own_way(engine: Engine) -> None:
    name = await engine.start(Say(b"ready\n"), UntilStopped(), Say(b"bye\n"), steps.Exit(9))
    await engine.printed(name, "stdout", b"ready\n")
    await engine.scheduler.stop(name, 30)
    ended = await engine.scheduler.inspect(name)
    assert ended is not None
    assert (ended.status, ended.exit_code) == ("exited", 9)
    assert (await engine.output(name))["stdout"] == b"ready\nbye\n"


async def test_a_command_that_does_not_care_ends_by_the_signal(engine: Engine) -> None:
    name = await engine.start(Say(b"ready\n"), Hang())
    await engine.printed(name, "stdout", b"ready\n")
    await engine.scheduler.stop(name, 30)
    assert await engine.scheduler.wait(name) == ENDED_ITSELF


async def test_stop_kills_when_the_grace_is_over(engine: Engine) -> None:
    name = await engine.start(Say(b"ready\n"), Hang(deaf=True))
    await engine.printed(name, "stdout", b"ready\n")
    await engine.scheduler.stop(name, 0.3)
    assert await engine.scheduler.wait(name) == KILLED


async def test_stop_without_grace_kills(engine: Engine) -> None:
    name = await engine.start(Say(b"ready\n"), Hang(deaf=True))
    await engine.printed(name, "stdout", b"ready\n")
    await engine.scheduler.stop(name, 0)
    assert await engine.scheduler.wait(name) == KILLED


async def test_a_second_stop_with_less_grace_shortens_the_first(engine: Engine) -> None:
    name = await engine.start(Say(b"ready\n"), Hang(deaf=True))
    await engine.printed(name, "stdout", b"ready\n")
    patient = asyncio.ensure_future(engine.scheduler.stop(name, 3600))
    await asyncio.sleep(0)
    await engine.scheduler.stop(name, 0.2)
    await patient
    assert await engine.scheduler.wait(name) == KILLED


async def test_a_cancelled_stop_may_be_made_again(engine: Engine) -> None:
    name = await engine.start(Say(b"ready\n"), Hang(deaf=True))
    await engine.printed(name, "stdout", b"ready\n")
    stopping = asyncio.ensure_future(engine.scheduler.stop(name, 3600))
    for _ in range(20):
        await asyncio.sleep(0)
    stopping.cancel()
    await asyncio.wait([stopping])
    await engine.scheduler.stop(name, 0.2)
    assert await engine.scheduler.wait(name) == KILLED


async def test_stop_works_while_output_floods(engine: Engine) -> None:
    name = await engine.start(Flood())
    reading = asyncio.ensure_future(engine.output(name))
    await engine.scheduler.stop(name, 30)
    assert await engine.scheduler.wait(name) == ENDED_ITSELF
    output = (await reading)["stdout"]
    line = steps.PADDING.encode() + b"\n"
    assert output.count(line) == len(output) // len(line)


async def test_stop_of_what_has_ended_or_never_was_does_nothing(engine: Engine) -> None:
    name = await engine.start(steps.Exit(1))
    await engine.scheduler.wait(name)
    await engine.scheduler.stop(name, 30)
    assert await engine.scheduler.wait(name) == Exit(1)
    await engine.scheduler.stop("gofer.test.nobody", 30)


async def test_remove_leaves_nothing_and_may_be_repeated(engine: Engine) -> None:
    name = await engine.start(Say(b"something\n"))
    await engine.scheduler.wait(name)
    await engine.scheduler.remove(name)
    await engine.scheduler.remove(name)
    assert await engine.scheduler.inspect(name) is None
    assert await engine.scheduler.wait(name) is None
    assert await engine.output(name) == {"stdout": b"", "stderr": b""}
    assert await engine.scheduler.list(engine.label) == []


async def test_remove_by_many_at_once(engine: Engine) -> None:
    name = await engine.start(Say(b"something\n"))
    await engine.scheduler.wait(name)
    await asyncio.gather(*(engine.scheduler.remove(name) for _ in range(3)))
    await engine.scheduler.remove(name)
    assert await engine.scheduler.inspect(name) is None


async def test_remove_kills_what_still_runs_and_releases_who_waits(engine: Engine) -> None:
    name = await engine.start(Say(b"ready\n"), Hang(deaf=True))
    await engine.printed(name, "stdout", b"ready\n")
    waiting = asyncio.ensure_future(engine.scheduler.wait(name))
    reading = asyncio.ensure_future(engine.output(name))
    await asyncio.sleep(0)
    await engine.scheduler.remove(name)
    assert await waiting in (KILLED, None)
    assert b"ready\n".startswith((await reading)["stdout"])
    assert await engine.scheduler.inspect(name) is None


async def test_closing_stops_nothing(engine: Engine) -> None:
    name = await engine.start(Say(b"ready\n"), Hang())
    await engine.printed(name, "stdout", b"ready\n")
    await engine.die()
    found = await engine.scheduler.inspect(name)
    assert found is not None
    assert found.status == "running"
