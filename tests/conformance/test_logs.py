"""`logs`: each stream whole and in order, from anywhere, whatever it is that is printed."""

from __future__ import annotations

import asyncio
import time

import pytest

from gofer.engines.scheduler.base import Chunk, Exit, Position
from tests.conformance.conftest import Engine, together
from tests.conformance.steps import Lines, LongLine, Say, UntilStopped, lines

pytestmark = pytest.mark.timeout(60)

JUNK = bytes(range(256)) * 3 + b"\x00\xff\xfe\r\n\x1b[31m" + "é".encode() + b"\xc3"
LONG = 1_000_000


async def test_nothing_printed(engine: Engine) -> None:
    assert await engine.output(await engine.start()) == {"stdout": b"", "stderr": b""}


async def test_binary_junk_comes_as_it_is(engine: Engine) -> None:
    name = await engine.start(Say(JUNK), Say(JUNK, "stderr"))
    assert await engine.output(name) == {"stdout": JUNK, "stderr": JUNK}


async def test_a_last_line_without_newline_comes_as_it_is(engine: Engine) -> None:
    name = await engine.start(Say(b"one\ntwo"), Say(b"three", "stderr"))
    assert await engine.output(name) == {"stdout": b"one\ntwo", "stderr": b"three"}


async def test_empty_lines_are_lines(engine: Engine) -> None:
    name = await engine.start(Say(b"\n\n\na\n\n"))
    assert (await engine.output(name))["stdout"] == b"\n\n\na\n\n"


async def test_a_line_of_a_megabyte_comes_whole(engine: Engine) -> None:
    name = await engine.start(LongLine(LONG), Say(b"after\n"))
    assert (await engine.output(name))["stdout"] == b"x" * LONG + b"\nafter\n"


async def test_both_streams_come_whole_when_both_are_busy(engine: Engine) -> None:
    name = await engine.start(Lines(20_000), Lines(20_000, "stderr"), Say(b"end"))
    assert await engine.output(name) == {"stdout": lines(20_000) + b"end", "stderr": lines(20_000, "stderr")}


async def test_output_comes_while_the_command_runs(engine: Engine) -> None:
    name = await engine.start(Say(b"first"), UntilStopped(), Say(b" second"))
    position = await engine.printed(name, "stdout", b"first")
    found = await engine.scheduler.inspect(name)
    assert found is not None
    assert found.status == "running"
    reading = asyncio.ensure_future(engine.output(name, position))
    await engine.scheduler.stop(name, 30)
    assert await reading == {"stdout": b" second", "stderr": b""}


async def test_chunks_say_when_they_were_written(engine: Engine) -> None:
    before = time.time_ns()
    name = await engine.start(Say(b"one\n"), Say(b"two\n", "stderr"))
    chunks = [chunk async for chunk in engine.scheduler.logs(name)]
    # An engine's clock may be coarser than ours.
    slack = 10_000_000
    assert chunks
    assert all(before - slack <= chunk.at <= time.time_ns() + slack for chunk in chunks)


@pytest.mark.parametrize("reborn", [False, True])
async def test_an_ended_container_is_read_from_any_position(engine: Engine, reborn: bool) -> None:
    out, err = lines(300) + b"x" * 40_000 + b"\nlast", lines(200, "stderr")
    name = await engine.start(Lines(300), LongLine(40_000), Say(b"last"), Lines(200, "stderr"))
    await engine.scheduler.wait(name)
    if reborn:
        await engine.die()
    for since in (
        Position(),
        Position(1, 0),
        Position(0, 1),
        Position(100, 200),
        Position(12_345, 6_789),
        Position(30_000, 0),
        Position(46_384, 0),
        Position(70_001, 20_000),
        Position(len(out) - 1, len(err) - 1),
        Position(len(out), len(err)),
    ):
        expected = {"stdout": out[since.stdout :], "stderr": err[since.stderr :]}
        assert await engine.output(name, since) == expected, since


async def test_logs_may_be_read_again_and_again(engine: Engine) -> None:
    name = await engine.start(Lines(10), Say(b"end", "stderr"))
    expected = {"stdout": lines(10), "stderr": b"end"}
    assert [await engine.output(name) for _ in range(3)] == [expected] * 3


async def test_several_readers_get_everything_each(engine: Engine) -> None:
    name = await engine.start(Lines(2_000), UntilStopped(), Lines(2_000))
    readers = [asyncio.ensure_future(engine.output(name)) for _ in range(3)]
    await engine.printed(name, "stdout", lines(2_000))
    await engine.scheduler.stop(name, 30)
    assert await asyncio.gather(*readers) == [{"stdout": lines(2_000) * 2, "stderr": b""}] * 3


async def test_a_reader_that_was_cancelled_goes_on_where_it_was(engine: Engine) -> None:
    name = await engine.start(Lines(5_000), UntilStopped(), Lines(5_000))
    got: list[Chunk] = []

    async def read(since: Position) -> None:
        async for chunk in engine.scheduler.logs(name, since):
            got.append(chunk)  # noqa: PERF401 - what came before a cancellation must be kept

    reading = asyncio.ensure_future(read(Position()))
    while len(together(got)["stdout"]) < len(lines(5_000)):
        await asyncio.sleep(0.001)
        reading.cancel()
        await asyncio.wait([reading])
        reading = asyncio.ensure_future(read(Position(len(together(got)["stdout"]), 0)))
    await engine.scheduler.stop(name, 30)
    await reading
    assert together(got)["stdout"] == lines(5_000) * 2


async def test_after_a_death_the_rest_comes_live(engine: Engine) -> None:
    name = await engine.start(Lines(1_000), Say(b"un"), UntilStopped(), Say(b"finished\n"), Lines(1_000, "stderr"))
    position = await engine.printed(name, "stdout", lines(1_000) + b"un")
    await engine.die()
    output = asyncio.ensure_future(engine.output(name, position))
    end = asyncio.ensure_future(engine.scheduler.wait(name))
    await engine.scheduler.stop(name, 30)
    assert await output == {"stdout": b"finished\n", "stderr": lines(1_000, "stderr")}
    assert await end == Exit(0)


async def test_what_was_printed_between_death_and_return_is_there(engine: Engine) -> None:
    other = await engine.another()
    name = await engine.start(Say(b"before\n"), UntilStopped(), Lines(30_000))
    position = await engine.printed(name, "stdout", b"before\n")
    await engine.die()
    await other.stop(name, 30)
    assert await other.wait(name) == Exit(0)
    assert await engine.output(name, position) == {"stdout": lines(30_000), "stderr": b""}


async def test_adopted_in_the_middle_of_a_flood_nothing_is_lost_or_doubled(engine: Engine) -> None:
    count = 60_000
    name = await engine.start(Lines(count))
    got = b""
    chunks = engine.scheduler.logs(name)
    async for chunk in chunks:
        got += chunk.data
        break
    await chunks.aclose()  # type: ignore[attr-defined]
    await engine.die()
    got += (await engine.output(name, Position(len(got), 0)))["stdout"]
    assert got == lines(count)


async def test_a_slow_reader_loses_nothing(engine: Engine) -> None:
    count = 60_000
    name = await engine.start(Lines(count))
    got: list[Chunk] = []
    async for chunk in engine.scheduler.logs(name):
        if not got:
            await asyncio.sleep(3)
        got.append(chunk)
    assert together(got)["stdout"] == lines(count)
    assert await engine.scheduler.wait(name) == Exit(0)
