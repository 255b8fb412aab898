"""Reading the engine's log: skipping, newlines that drivers lose, and logs that lack what a dead engine had."""

from __future__ import annotations

import struct
from collections.abc import AsyncIterator, Sequence

import pytest

from gofer.engines.scheduler.base import Chunk, Position
from gofer.engines.scheduler.docker_log import Gaps, LogReader, stamp_of, time_of

SECOND = 1_000_000_000
START = 1_700_000_000 * SECOND
FULL = b"x" * 16_384

Message = tuple[int, int, bytes]


def frames(messages: Sequence[Message]) -> bytes:
    """Messages of (kind, milliseconds after the start, data) as the engine sends them."""
    payloads = [(kind, stamp_of(START + at * 1_000_000) + b" " + data) for kind, at, data in messages]
    return b"".join(struct.pack(">BxxxI", kind, len(payload)) + payload for kind, payload in payloads)


async def pieces(data: bytes) -> AsyncIterator[bytes]:
    for begin in range(0, len(data), 1_000):
        yield data[begin : begin + 1_000]


async def read(
    messages: Sequence[Message],
    since: Position | None = None,
    gaps: Gaps | None = None,
) -> tuple[bytes, bytes]:
    chunks = await read_chunks(messages, since or Position(), gaps)
    out = b"".join(chunk.data for chunk in chunks if chunk.stream == "stdout")
    return out, b"".join(chunk.data for chunk in chunks if chunk.stream == "stderr")


async def read_chunks(messages: Sequence[Message], since: Position, gaps: Gaps | None) -> list[Chunk]:
    reader = LogReader(since, gaps or Gaps())
    chunks = [chunk async for chunk in reader.read(pieces(frames(messages)))]
    return chunks + reader.rest()


def test_stamps_are_exact() -> None:
    at = START + 123_456_789
    assert stamp_of(at) == b"2023-11-14T22:13:20.123456789Z"
    assert time_of(stamp_of(at)) == at
    assert time_of(b"nonsense") == 0


async def test_streams_are_told_apart_and_chunks_have_their_time() -> None:
    messages = [(1, 0, b"a\n"), (2, 0, b"b\n"), (1, 5, b"c\n"), (1, 5, b"d\n"), (1, 6, b"e")]
    assert await read_chunks(messages, Position(), None) == [
        Chunk("stdout", b"a\n", START),
        Chunk("stderr", b"b\n", START),
        Chunk("stdout", b"c\nd\n", START + 5_000_000),
        Chunk("stdout", b"e", START + 6_000_000),
    ]


@pytest.mark.parametrize("out", range(10))
@pytest.mark.parametrize("err", range(4))
async def test_what_the_reader_has_is_skipped(out: int, err: int) -> None:
    messages = [(1, 0, b"ab\n"), (2, 0, b"xy\n"), (1, 1, b"cd\n"), (1, 2, b"ef\n")]
    assert await read(messages, Position(out, err)) == (b"ab\ncd\nef\n"[out:], b"xy\n"[err:])


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        # As drivers that keep newlines send a long line and what comes after it.
        ([(1, 0, FULL), (1, 0, b"rest\n"), (1, 1, b"next\n")], FULL + b"rest\nnext\n"),
        ([(1, 0, FULL), (1, 0, b"\n"), (1, 1, b"next\n")], FULL + b"\nnext\n"),
        # As drivers that lose the newline after the last part send them.
        ([(1, 0, FULL), (1, 0, b"rest"), (1, 1, b"next\n")], FULL + b"rest\nnext\n"),
        ([(1, 0, FULL), (1, 0, b""), (1, 1, b"next\n")], FULL + b"\nnext\n"),
        ([(1, 0, FULL), (1, 0, FULL), (1, 0, b"rest"), (1, 1, FULL), (1, 1, b"")], FULL * 2 + b"rest\n" + FULL + b"\n"),
        ([(1, 0, FULL), (2, 1, b"other\n"), (1, 0, b"rest"), (1, 2, b"next\n")], FULL + b"rest\nnext\n"),
        # A line that never had one.
        ([(1, 0, FULL), (1, 0, b"rest")], FULL + b"rest"),
        ([(1, 0, b"short")], b"short"),
        # A line that an engine's restart has cut in two.
        ([(1, 0, b"first half"), (1, 1, b" and second\n")], b"first half and second\n"),
    ],
)
async def test_newlines_are_where_they_were_printed(parts: list[Message], expected: bytes) -> None:
    assert (await read(parts))[0] == expected
    for since in range(0, len(expected) + 1, 4_095):
        assert (await read(parts, Position(since, 0)))[0] == expected[since:]


class TestInterruption:
    """The engine died at 1,000 ms and was back at 2,000."""

    OLD: Sequence[Message] = ((1, 0, b"one\n"), (1, 900, b"two\n"), (2, 900, b"err\n"))
    NEW: Sequence[Message] = ((1, 2_000, b"three\n"), (1, 2_001, b"four\n"))

    def gaps(self) -> Gaps:
        gaps = Gaps()
        gaps.interrupted(START + SECOND)
        return gaps

    async def test_nothing_is_missing(self) -> None:
        gaps = self.gaps()
        assert await read([*self.OLD, *self.NEW], Position(8, 4), gaps) == (b"three\nfour\n", b"")
        assert (gaps.stdout.missing, gaps.stderr.missing) == (0, 0)

    async def test_the_log_has_more_than_the_reader(self) -> None:
        assert await read([*self.OLD, *self.NEW], Position(5, 0), self.gaps()) == (b"wo\nthree\nfour\n", b"err\n")

    async def test_what_the_dead_engine_had_not_written_is_not_skipped_later(self) -> None:
        gaps = self.gaps()
        have = Position(len(b"one\ntwo\nlost"), 4)
        assert await read([*self.OLD, *self.NEW], have, gaps) == (b"three\nfour\n", b"")
        assert gaps.stdout.missing == len(b"lost")
        # From then on positions are known to be that much ahead of the log.
        further = have._replace(stdout=have.stdout + len(b"three\n"))
        assert await read([*self.OLD, *self.NEW], further, gaps) == (b"four\n", b"")

    async def test_a_reading_that_ends_before_the_interruption_settles_nothing(self) -> None:
        gaps = self.gaps()
        have = Position(len(b"one\ntwo\nlost"), 4)
        assert await read(self.OLD, have, gaps) == (b"", b"")
        assert await read([*self.OLD, *self.NEW], have, gaps) == (b"three\nfour\n", b"")

    async def test_a_second_interruption_adds_to_the_first(self) -> None:
        gaps = self.gaps()
        have = Position(len(b"one\ntwo\nlost"), 4)
        await read([*self.OLD, *self.NEW], have, gaps)
        gaps.interrupted(START + 3 * SECOND)
        have = have._replace(stdout=have.stdout + len(b"three\nfour\nagain"))
        newer = (1, 4_000, b"five\n")
        assert await read([*self.OLD, *self.NEW, newer], have, gaps) == (b"five\n", b"")
        assert gaps.stdout.missing == len(b"lost") + len(b"again")

    async def test_a_reader_from_the_beginning_gets_the_whole_log(self) -> None:
        assert await read([*self.OLD, *self.NEW], Position(), self.gaps()) == (b"one\ntwo\nthree\nfour\n", b"err\n")


async def test_the_engines_own_error_is_not_output() -> None:
    reader = LogReader(Position(), Gaps())
    data = frames([(1, 0, b"a\n")]) + struct.pack(">BxxxI", 3, 5) + b"oops\n"
    assert [chunk.data async for chunk in reader.read(pieces(data))] == [b"a\n"]
    assert reader.engine_error == "oops"
