"""Following: everybody gets every line once, in order, whenever they come and however slow they are."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from gofer.engines.scheduler.base import Chunk
from gofer.models.log import LogEnd, Stream
from gofer.models.run import LogState
from gofer.server.clock import Clock
from gofer.server.logs import feed
from gofer.server.logs.folder import log_path
from gofer.server.logs.frames import Frame
from gofer.server.logs.logs import Logs
from gofer.server.logs.record import DamagedLog
from tests.unit.logs.reading import AT, FRAMES, LOG, Shown, as_chunks, joined, shown, still_open, write


async def follow(
    logs: Logs,
    first: int = 1,
    stream: Stream | None = None,
    state: Callable[[], Awaitable[LogState]] = still_open,
) -> list[str]:
    """Every frame, to the end."""
    return [frame async for frame in logs.follow(LOG, first, stream, state)]


def ends(frames: list[str]) -> LogEnd:
    """The last frame; fails if any other is a LogEnd."""
    last = FRAMES.decode(frames[-1])
    assert isinstance(last, LogEnd)
    assert not any(isinstance(FRAMES.decode(frame), LogEnd) for frame in frames[:-1])
    return last


async def complete() -> LogState:
    return "complete"


async def expired() -> LogState:
    return "expired"


class Source:
    """Chunks that a test hands out one by one."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[Chunk | None] = asyncio.Queue()

    def put(self, text: bytes, stream: Stream = "stdout") -> None:
        self._queue.put_nowait(Chunk(stream, text, AT))

    def end(self) -> None:
        self._queue.put_nowait(None)

    async def chunks(self) -> AsyncIterator[Chunk]:
        while (chunk := await self._queue.get()) is not None:
            yield chunk


class Waiting:
    """The state of an open log; knows when `count` followers have read all that there is."""

    def __init__(self, count: int) -> None:
        self._missing = count
        self.all_wait = asyncio.Event()

    async def state(self) -> LogState:
        self._missing -= 1
        if self._missing == 0:
            self.all_wait.set()
        return "open"


async def by_an_earlier_server(logs: Logs, text: bytes) -> None:
    """Leave a log that nobody writes to."""
    before = Logs(logs.root, Clock())
    await before.capture(LOG, as_chunks([("stdout", text)]))
    await before.close()


async def test_a_finished_log_is_given_whole(logs: Logs) -> None:
    path = await write(logs, [("stdout", b"one\ntwo\n"), ("stderr", b"three"), ("stdout", b"four\n")] * 3)
    frames = await follow(logs, state=complete)
    assert joined(frames) == shown(path.read_bytes())
    assert ends(frames) == LogEnd(state="complete", total=len(shown(path.read_bytes())))


async def test_an_empty_log_only_ends(logs: Logs) -> None:
    assert await follow(logs, state=complete) == ['{"type":"end","state":"complete","total":0}']
    assert await follow(logs, state=expired) == ['{"type":"end","state":"expired","total":0}']


async def test_a_follower_may_come_before_the_log(logs: Logs) -> None:
    waiting = Waiting(1)
    following = asyncio.create_task(follow(logs, state=waiting.state))
    await waiting.all_wait.wait()
    await write(logs, [("stdout", b"one\n")])
    frames = await following
    assert [line.text for line in joined(frames)] == ["one"]
    assert ends(frames).total == 1


async def test_lines_come_while_the_log_grows(logs: Logs) -> None:
    source = Source()
    capturing = asyncio.create_task(logs.capture(LOG, source.chunks()))
    frames = logs.follow(LOG, 1, None, still_open)
    for text in ("one", "two", "three"):
        source.put(text.encode() + b"\n")
        assert [line.text for line in joined([await anext(frames)])] == [text]
    source.put(b"half")
    assert joined([await anext(frames)]) == [Shown(4, "stdout", "half", True)]
    source.put(b" and half\n")
    assert joined([await anext(frames)]) == [Shown(4, "stdout", " and half", False)]
    source.end()
    await capturing
    await logs.finish(LOG)
    assert ends([await anext(frames)]).total == 4
    with pytest.raises(StopAsyncIteration):
        await anext(frames)


@pytest.mark.parametrize(
    ("first", "begins"), [(1, 1), (7, 7), (10, 10), (-3, 8), (-100, 1), (11, 11), (0, 11), (14, 14)]
)
async def test_from_any_line_on(logs: Logs, first: int, begins: int) -> None:
    await by_an_earlier_server(logs, b"".join(b"line %d\n" % number for number in range(1, 11)))
    waiting = Waiting(1)
    following = asyncio.create_task(follow(logs, first, state=waiting.state))
    await waiting.all_wait.wait()
    await write(logs, [("stdout", b"".join(b"line %d\n" % number for number in range(11, 16)))])
    lines = joined(await following)
    assert [(line.number, line.text) for line in lines] == [(number, f"line {number}") for number in range(begins, 16)]


async def test_only_one_stream(logs: Logs) -> None:
    path = await write(logs, [("stdout", b"one\n" * 9000), ("stderr", b"oops\n"), ("stdout", b"two\n" * 9000)] * 3)
    for stream in ("stdout", "stderr"):
        lines = joined(await follow(logs, stream=stream, state=complete))
        assert lines == [line for line in shown(path.read_bytes()) if line.stream == stream]


async def test_everybody_gets_every_line_once_and_in_order(logs: Logs) -> None:
    source, chance = Source(), random.Random(7)

    async def slow(first: int, stream: Stream | None) -> list[str]:
        found = []
        async for frame in logs.follow(LOG, first, stream, still_open):
            found.append(frame)
            await asyncio.sleep(chance.random() / 50)
        return found

    async def late(first: int) -> list[str]:
        await asyncio.sleep(chance.random() / 5)
        return await follow(logs, first)

    async def produce() -> None:
        for number in range(3_000):
            kind = chance.random()
            stream: Stream = "stderr" if kind < 0.2 else "stdout"
            source.put(b"line %d" % number * (1 if kind < 0.97 else 4_000) + (b"" if kind > 0.99 else b"\n"), stream)
            if chance.random() < 0.03:
                await asyncio.sleep(0.003)
        source.end()

    async with asyncio.TaskGroup() as group:
        capturing = group.create_task(logs.capture(LOG, source.chunks()))
        streams: list[Stream | None] = [None, "stdout", "stderr"]
        slows = [(stream, group.create_task(slow(1, stream))) for stream in streams * 2]
        lates = [group.create_task(late(1)) for _ in range(20)]
        tails = [group.create_task(late(-50)) for _ in range(5)]
        await produce()
        await capturing
        await logs.finish(LOG)
    lines = shown(log_path(logs.root, LOG).read_bytes())
    for stream, one in slows:
        assert joined(one.result()) == [line for line in lines if stream in (None, line.stream)]
        assert ends(one.result()).total == len(lines)
    for other in lates:
        assert joined(other.result()) == lines
    for tail in tails:
        got = joined(tail.result())
        assert got == lines[len(lines) - len(got) :]
        assert len(got) >= 50


async def test_followers_at_the_live_tail_share_what_was_encoded(logs: Logs, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []

    class Counted(Frame):
        def __init__(self, block: bytes, *rest: object) -> None:
            made.append(len(block))
            super().__init__(block, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(feed, "Frame", Counted)
    source = Source()
    capturing = asyncio.create_task(logs.capture(LOG, source.chunks()))
    followers = [logs.follow(LOG, 1, None, still_open) for _ in range(30)]
    for _ in range(5):
        source.put(b"a line\n" * 100)
        frames = await asyncio.gather(*map(anext, followers))
        assert all(frame is frames[0] for frame in frames)
    assert len(made) == 5
    source.end()
    await capturing
    await logs.finish(LOG)
    await asyncio.gather(*map(anext, followers))


async def test_a_follower_that_does_not_read_costs_no_memory_and_holds_up_nobody(logs: Logs) -> None:
    source = Source()
    capturing = asyncio.create_task(logs.capture(LOG, source.chunks()))
    source.put(b"first\n")
    stuck = logs.follow(LOG, 1, None, still_open)
    await anext(stuck)
    following = asyncio.create_task(follow(logs))
    for _ in range(200):
        source.put(b"x" * 99 + b"\n" + b"y" * 99 + b"\n")
    source.put((b"z" * 99 + b"\n") * 100_000)
    source.end()
    await capturing
    await logs.finish(LOG)
    assert len(joined(await following)) == 100_401
    kept = [frame async for frame in stuck]
    assert len(joined(kept)) == 100_400
    assert max(map(len, kept)) < 400_000


async def test_a_follower_that_catches_up_lets_others_go_first(logs: Logs) -> None:
    await by_an_earlier_server(logs, (b"z" * 99 + b"\n") * 40_000)
    await logs.position(LOG)
    live = logs.follow(LOG, -1, None, still_open)
    await anext(live)
    behind = [asyncio.create_task(follow(logs, first)) for first in range(1, 5)]
    await logs.capture(LOG, as_chunks([("stdout", b"new\n")]))
    assert [line.text for line in joined([await anext(live)])] == ["new"]
    assert not any(task.done() for task in behind)
    await logs.finish(LOG)
    for first, task in enumerate(behind, 1):
        assert len(joined(await task)) == 40_002 - first
    await live.aclose()


async def test_frames_are_small_whatever_the_lines_are(logs: Logs) -> None:
    await write(logs, [("stdout", b"\0" * 500_000), ("stdout", b"\n" * 20_000), ("stderr", b"\xff" * 300_000)])
    frames = await follow(logs, state=complete)
    assert max(len(frame.encode()) for frame in frames) < 1024 * 1024
    assert ends(frames).total == 20_001


async def test_a_log_of_an_earlier_server_that_goes_on(logs: Logs) -> None:
    await by_an_earlier_server(logs, b"one\n")
    with log_path(logs.root, LOG).open("ab") as file:
        file.write(b"2026-09-21T14:13:20.123456789Z stdout F torn")
    frames = logs.follow(LOG, 1, None, still_open)
    assert [line.text for line in joined([await anext(frames)])] == ["one"]
    waiting = asyncio.ensure_future(anext(frames))
    await logs.position(LOG)
    await logs.capture(LOG, as_chunks([("stdout", b"two\n")]))
    assert joined([await waiting]) == [Shown(2, "stdout", "two", False)]
    await logs.finish(LOG)
    assert ends([await anext(frames)]).total == 2


async def test_a_follower_that_comes_between_the_end_and_its_record(logs: Logs) -> None:
    await write(logs, [("stdout", b"one\n")])
    frames = await follow(logs, state=still_open)
    assert [line.text for line in joined(frames)] == ["one"]
    assert ends(frames) == LogEnd(state="complete", total=1)


async def test_a_log_that_ends_without_a_writer(logs: Logs) -> None:
    states: list[LogState] = ["open", "complete"]

    async def state() -> LogState:
        return states.pop(0)

    frames = await follow(logs, state=state)
    assert ends(frames) == LogEnd(state="complete", total=0)
    assert states == []


async def test_expired_while_it_was_read(logs: Logs) -> None:
    await write(logs, [("stdout", b"x" * 99 + b"\n")] * 50_000)
    frames = logs.follow(LOG, 1, None, complete)
    await anext(frames)
    await logs.delete_runs(LOG.namespace, LOG.pipeline, [LOG.run])
    rest = [frame async for frame in frames]
    assert ends(rest).state == "expired"
    assert len(rest) <= 2
    assert not log_path(logs.root, LOG).parent.exists()


async def test_a_download_goes_on_when_the_log_expires(logs: Logs) -> None:
    text = b"".join(b"line %d\n" % number for number in range(100_000))
    await write(logs, [("stdout", text)])
    pieces = logs.raw(LOG, timestamps=False, stream=None)
    got = await anext(pieces)
    await logs.delete_runs(LOG.namespace, LOG.pipeline, [LOG.run])
    async for piece in pieces:
        got += piece
    assert got == text


async def test_a_stopping_server_sends_followers_away_without_an_end(logs: Logs) -> None:
    await by_an_earlier_server(logs, b"one\n")
    # One for each: a follower that waits asks again after a second, and must not be taken for the other.
    behind, before = Waiting(1), Waiting(1)
    following = asyncio.create_task(follow(logs, state=behind.state))
    ahead = asyncio.create_task(follow(logs, 500, state=before.state))
    await behind.all_wait.wait()
    await before.all_wait.wait()
    await logs.close()
    assert [line.text for line in joined(await following)] == ["one"]
    assert await ahead == []
    assert await follow(logs) == []


async def test_followers_that_go_away_leave_nothing(logs: Logs) -> None:
    await by_an_earlier_server(logs, b"one\n")
    before = len(list(Path("/proc/self/fd").iterdir()))
    waiting = Waiting(5)
    tasks = [asyncio.create_task(follow(logs, first, state=waiting.state)) for first in (1, 1, -5, 0, 99)]
    await waiting.all_wait.wait()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


async def test_a_damaged_log_ends_a_follower_with_an_error(logs: Logs) -> None:
    path = await write(logs, [("stdout", b"x" * 90 + b"\n")] * 3_000)
    content = bytearray(path.read_bytes())
    content[131 * 1_200 : 131 * 1_201 - 1] = b"\0" * 130
    path.write_bytes(content)
    with pytest.raises(DamagedLog):
        await follow(logs, state=complete)
