"""Reading pages and raw bytes, through an index that may be anything."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gofer.engines.scheduler.base import Chunk, Position
from gofer.errors import NotFound
from gofer.models.log import Stream
from gofer.server.logs import index
from gofer.server.logs.encode import HOLD, Encoder
from gofer.server.logs.file import LogFile
from gofer.server.logs.logs import Logs
from gofer.server.logs.page import MOST_TEXT, read_page
from gofer.server.logs.raw import RawReader
from gofer.server.logs.record import NEITHER, STDERR, STDOUT, STREAMS, DamagedLog, Mark
from tests.unit.logs.reading import AT, LOG, Shown, printed, shown, write

MILLION = 1_000_000


def mixed(path: Path, seed: int, size: int) -> list[Shown]:
    """A file with everything in it, about `size` bytes; returns its lines."""
    source, encoder = random.Random(seed), Encoder(Mark())
    content = bytearray()
    while len(content) < size:
        stream = STDERR if source.random() < 0.1 else STDOUT
        kind = source.random()
        if kind < 0.8:
            content += encoder.add(stream, b"x" * source.randrange(200) + b"\n", AT, 0.0)
        elif kind < 0.97:
            content += encoder.add(stream, b"no newline", AT, 0.0) + encoder.release_all()
        elif kind < 0.99:
            content += encoder.add(stream, b"long" * source.randrange(20_000), AT, 0.0)
        else:
            content += encoder.note("a note", AT)
    content += encoder.release_all()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return shown(bytes(content))


def opened(path: Path) -> LogFile:
    log = LogFile(path)
    log.open()
    return log


def pages(log: LogFile, first: int, limit: int, stream: int) -> list[Shown]:
    """Every line from `first` on, page by page, as a client reads them."""
    found: list[Shown] = []
    page = read_page(log, first, limit, stream, complete=True)
    while page.lines:
        assert len(page.lines) <= limit
        found += [Shown(line.number, line.stream, line.text, line.partial) for line in page.lines]
        assert page.next_line > page.lines[-1].number
        page = read_page(log, page.next_line, limit, stream, complete=True)
    assert page.next_line == log.end.lines + 1
    return found


@pytest.mark.parametrize("stream", [NEITHER, STDOUT, STDERR])
@pytest.mark.parametrize("seed", [1, 2])
def test_pages_show_every_line_once(tmp_path: Path, seed: int, stream: int) -> None:
    lines = mixed(tmp_path / "1.log", seed, 1_500_000)
    log = opened(tmp_path / "1.log")
    wanted = [line for line in lines if stream == NEITHER or line.stream == STREAMS[stream]]
    assert pages(log, 1, 700, stream) == wanted
    log.close()


@given(st.integers(-400, 400), st.integers(1, 50), st.sampled_from([NEITHER, STDOUT, STDERR]))
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_page_begins_where_it_is_asked_to(
    small_log: tuple[LogFile, list[Shown]], first: int, limit: int, stream: int
) -> None:
    log, lines = small_log
    mine = [line for line in lines if stream == NEITHER or line.stream == STREAMS[stream]]
    wanted = mine[first:] if -len(mine) <= first < 0 else [line for line in mine if line.number >= first]
    page = read_page(log, first, limit, stream, complete=True)
    wanted = [] if first == 0 else wanted[:limit]
    assert [(line.number, line.text) for line in page.lines] == [(line.number, line.text) for line in wanted]
    assert page.total == len(lines)


@pytest.fixture(scope="module")
def small_log(tmp_path_factory: pytest.TempPathFactory) -> tuple[LogFile, list[Shown]]:
    """A log of a few hundred lines."""
    path = tmp_path_factory.mktemp("small") / "1.log"
    lines = mixed(path, 3, 120_000)
    return opened(path), lines


@pytest.fixture(scope="module")
def big_log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A million lines, each with its number; every 100,000th is of stderr."""
    path = tmp_path_factory.mktemp("big") / "1.log"
    encoder = Encoder(Mark())
    with path.open("wb") as file:
        for begin in range(1, MILLION, 100_000):
            text = b"".join(b"line %d\n" % number for number in range(begin, begin + 99_999))
            for offset in range(0, len(text), 65_536):
                file.write(encoder.add(STDOUT, text[offset : offset + 65_536], AT, 0.0))
            file.write(encoder.add(STDERR, b"line %d\n" % (begin + 99_999), AT, 0.0))
    return path


class Counting(LogFile):
    """Counts the bytes that are read of the file."""

    amount = 0

    def block(self, offset: int, end: int, size: int = 128 * 1024) -> bytes:
        data = super().block(offset, end, size)
        self.amount += len(data)
        return data


def test_any_of_a_million_lines_is_reached_at_once(big_log: Path) -> None:
    opened(big_log).close()  # makes the index
    assert big_log.with_suffix(".idx").stat().st_size > 500 * index.ENTRY
    log = Counting(big_log)
    log.open()
    for number in [1, 2, 99_999, 100_000, 100_001, 654_321, 999_999, MILLION]:
        log.amount = 0
        page = read_page(log, number, 1, NEITHER, complete=True)
        assert [(line.number, line.text) for line in page.lines] == [(number, f"line {number}")]
        assert log.amount < 700_000
    log.amount = 0
    assert [line.number for line in read_page(log, -5, 100, NEITHER, complete=True).lines] == [
        *range(MILLION - 4, MILLION + 1)
    ]
    assert log.amount < 700_000
    log.close()


def test_lines_of_a_rare_stream_are_found_without_reading_the_rest(big_log: Path) -> None:
    opened(big_log).close()
    log = Counting(big_log)
    log.open()
    log.amount = 0
    found = read_page(log, 1, 100, STDERR, complete=True).lines
    assert [line.number for line in found] == [*range(100_000, MILLION + 1, 100_000)]
    assert log.amount < 5_000_000 < big_log.stat().st_size
    assert [line.number for line in read_page(log, -2, 100, STDERR, complete=True).lines] == [900_000, MILLION]
    log.close()


def missing(path: Path) -> None:
    path.unlink()


def torn(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 20)


def torn_early(path: Path) -> None:
    os.truncate(path, 20)


def garbage(path: Path) -> None:
    path.write_bytes(random.Random(5).randbytes(path.stat().st_size))


def garbage_within(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 500] = b"?" * 500
    path.write_bytes(content)


def too_long(path: Path) -> None:
    path.write_bytes(path.read_bytes() + index.pack(Mark(10**12, 10**9, 0, 10**12, 0)))


def of_another_file(path: Path) -> None:
    marks = [Mark(offset, offset // 50, 0, offset, 0) for offset in range(65_001, 10**6, 65_001)]
    path.write_bytes(b"".join(map(index.pack, marks)))


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize(
    "harm", [missing, torn, torn_early, garbage, garbage_within, too_long, of_another_file, a_folder]
)
def test_a_harmed_index_changes_nothing_but_the_time(tmp_path: Path, harm: Callable[[Path], None]) -> None:
    path = tmp_path / "1.log"
    lines = mixed(path, 4, 3_000_000)
    opened(path).close()
    assert path.with_suffix(".idx").stat().st_size >= 20 * index.ENTRY
    harm(path.with_suffix(".idx"))
    log = opened(path)
    assert log.end.lines == len(lines)
    for number in [1, len(lines) // 3, len(lines) // 2, len(lines)]:
        page = read_page(log, number, 3, NEITHER, complete=True)
        assert [line.text for line in page.lines] == [line.text for line in lines[number - 1 : number + 2]]
    log.close()


@pytest.mark.parametrize("harm", [missing, torn, garbage, garbage_within, too_long])
async def test_a_log_goes_on_after_its_index_was_harmed(logs: Logs, harm: Callable[[Path], None]) -> None:
    text = b"".join(b"line %d\n" % number for number in range(50_000))
    path = await write(logs, [("stdout", text)])
    harm(path.with_suffix(".idx"))
    assert await logs.position(LOG) == Position(len(text), 0)
    await write(logs, [("stdout", text)])
    for number in [1, 44_000, 50_001, 99_000]:
        page = await logs.read(LOG, number, 1, None, complete=True)
        assert page.lines[0].text == f"line {(number - 1) % 50_000}"
        assert page.total == 100_000


def test_an_index_is_made_again_once(tmp_path: Path) -> None:
    path = tmp_path / "1.log"
    mixed(path, 6, 3_000_000)
    opened(path).close()
    content = path.with_suffix(".idx").read_bytes()
    marks = [index.unpack(content[at : at + index.ENTRY]) for at in range(0, len(content), index.ENTRY)]
    assert None not in marks
    assert marks == sorted(marks)  # type: ignore[type-var]
    opened(path).close()
    assert path.with_suffix(".idx").read_bytes() == content


async def test_a_torn_record_is_not_shown(logs: Logs) -> None:
    path = await write(logs, [("stdout", b"one\ntwo\n")])
    path.write_bytes(path.read_bytes()[:-1])
    page = await logs.read(LOG, 1, 10, None, complete=False)
    assert [line.text for line in page.lines] == ["one"]
    assert page.total == 1


async def test_an_unterminated_last_line_is_read_again_while_the_log_is_open(logs: Logs) -> None:
    await write(logs, [("stdout", b"one\ntw")])
    page = await logs.read(LOG, 1, 10, None, complete=False)
    assert [(line.number, line.text, line.partial) for line in page.lines] == [(1, "one", False), (2, "tw", True)]
    assert page.next_line == 2
    page = await logs.read(LOG, 1, 10, None, complete=True)
    assert (page.next_line, page.complete) == (3, True)


async def test_a_page_past_the_end_is_empty(logs: Logs) -> None:
    await write(logs, [("stdout", b"one\n")])
    page = await logs.read(LOG, 50, 10, None, complete=False)
    assert (page.lines, page.next_line, page.total) == ([], 50, 1)


async def test_a_page_of_long_lines_ends_early(logs: Logs) -> None:
    line = b"x" * 300_000 + b"\n"
    await write(logs, [("stdout", line * 20)])
    page = await logs.read(LOG, 1, 100, None, complete=True)
    assert 3 <= len(page.lines) <= 5
    assert all(len(line.text) == 300_000 and not line.partial for line in page.lines)
    assert page.next_line == len(page.lines) + 1


async def test_of_an_endless_line_only_the_beginning_is_in_a_page(logs: Logs) -> None:
    await write(logs, [("stdout", b"first\n" + b"x" * 5_000_000 + b"\nlast\n")])
    page = await logs.read(LOG, 1, 100, None, complete=True)
    assert [line.text for line in page.lines] == ["first"]
    page = await logs.read(LOG, page.next_line, 100, None, complete=True)
    assert [(line.number, line.partial) for line in page.lines] == [(2, True)]
    assert MOST_TEXT <= len(page.lines[0].text) <= MOST_TEXT + 200_000
    page = await logs.read(LOG, page.next_line, 100, None, complete=True)
    assert [(line.number, line.text) for line in page.lines] == [(3, "last")]


async def test_bytes_that_are_not_text_are_shown_as_such(logs: Logs) -> None:
    await write(logs, [("stdout", b"a\xff\x00b\rc\xe2\x80\xa8d\x1b[1m\n\xe2\x82\nnext\n")])
    page = await logs.read(LOG, 1, 10, None, complete=True)
    assert [line.text for line in page.lines] == ["a\ufffd\x00b\rc\u2028d\x1b[1m", "\ufffd", "next"]


async def test_a_text_that_looks_like_a_record_is_only_text(logs: Logs) -> None:
    tricky = b"2026-09-21T14:13:20.123456789Z stderr P boo\n" * 3 + b" P  N Z stderr N \n"
    path = await write(logs, [("stdout", tricky), ("stderr", tricky)])
    assert printed(path.read_bytes(), "stdout") == tricky
    page = await logs.read(LOG, 1, 10, "stderr", complete=True)
    assert [line.number for line in page.lines] == [5, 6, 7, 8]
    assert page.lines[0].text == tricky.split(b"\n")[0].decode()


async def test_no_log_is_not_found(logs: Logs) -> None:
    with pytest.raises(NotFound):
        await logs.read(LOG, 1, 10, None, complete=False)
    with pytest.raises(NotFound):
        logs.raw(LOG, timestamps=False, stream=None)


async def test_a_damaged_file_is_said_to_be_damaged(logs: Logs) -> None:
    path = await write(logs, [("stdout", b"x" * 90 + b"\n")] * 3_000)
    content = bytearray(path.read_bytes())
    content[131 * 2_500 : 131 * 2_501 - 1] = b"\0" * 130
    path.write_bytes(content)
    assert len((await logs.read(LOG, 1, 10, None, complete=True)).lines) == 10
    with pytest.raises(DamagedLog, match="damaged at byte"):
        await logs.read(LOG, 1, 3_000, None, complete=True)
    with pytest.raises(DamagedLog):
        await collect(logs, timestamps=False, stream=None)


async def collect(logs: Logs, *, timestamps: bool, stream: Stream | None, first: int = 1) -> bytes:
    return b"".join([piece async for piece in logs.raw(LOG, timestamps=timestamps, stream=stream, first=first)])


raw_chunks = st.lists(st.tuples(st.sampled_from(STREAMS), st.binary(max_size=50)), max_size=10)


@given(raw_chunks)
@settings(max_examples=60)
def test_raw_is_exactly_what_was_printed(
    tmp_path_factory: pytest.TempPathFactory, given_chunks: list[tuple[Stream, bytes]]
) -> None:
    encoder, content = Encoder(Mark()), b""
    for stream, data in given_chunks:
        content += encoder.add(STREAMS.index(stream), data, AT, 0.0)
        content += encoder.note("note", AT)
    path = tmp_path_factory.mktemp("raw") / "1.log"
    path.write_bytes(content + encoder.release_all())
    for number, stream in enumerate(STREAMS):
        log = opened(path)
        reader = RawReader(log, 1, number, timestamps=False)
        assert b"".join(iter(reader.next, None)) == b"".join(data for name, data in given_chunks if name == stream)
        log.close()


async def test_raw_of_a_big_log_comes_in_small_pieces(logs: Logs) -> None:
    text = b"".join(b"line %d\n" % number for number in range(200_000))
    await write(logs, [("stdout", text), ("stderr", b"oops\n")])
    pieces = [piece async for piece in logs.raw(LOG, timestamps=False, stream="stdout")]
    assert b"".join(pieces) == text
    assert max(map(len, pieces)) <= 128 * 1024
    assert await collect(logs, timestamps=False, stream="stderr") == b"oops\n"
    assert await collect(logs, timestamps=False, stream=None, first=199_999) == b"line 199998\nline 199999\noops\n"
    assert await collect(logs, timestamps=False, stream=None, first=-2) == b"line 199999\noops\n"


async def test_raw_with_times_gives_a_line_each(logs: Logs) -> None:
    async def captured() -> None:
        await logs.capture(LOG, _held())

    await captured()
    await logs.note(LOG, "a note")
    time = b"2026-09-21T14:13:20.123456789Z"
    rows = (await collect(logs, timestamps=True, stream=None)).split(b"\n")
    assert rows == [
        time + b" stdout one",
        time + b" stdout " + b"x" * 20_000,
        time + b" stdout begun",
        time + b" stderr oops",
        time + b" stdout  and ended",
        time + b" stderr left open",
        rows[6][:30] + b" stderr gofer: a note",
        b"",
    ]
    only = (await collect(logs, timestamps=True, stream="stderr")).split(b"\n")
    assert only == [rows[3], rows[5], rows[6], b""]


async def _held() -> AsyncIterator[Chunk]:
    yield Chunk("stdout", b"one\n" + b"x" * 20_000 + b"\nbegun", AT)
    await asyncio.sleep(3 * HOLD)
    for stream, data in (("stderr", b"oops\n"), ("stdout", b" and ended\n"), ("stderr", b"left open")):
        yield Chunk(cast(Stream, stream), data, AT)
