"""Capturing: what is in the file, when, and where to go on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gofer.engines.scheduler.base import Chunk, Position
from gofer.errors import ConfigError, EngineUnavailable, InvalidInput
from gofer.models.log import Stream
from gofer.server.clock import Clock
from gofer.server.logs.folder import LogId, log_path
from gofer.server.logs.logs import Logs, LogSize
from gofer.server.logs.record import MAX_TEXT
from tests.unit.logs.reading import AT, LOG, as_chunks, printed, records, shown, still_open, write

chunk_lists = st.lists(
    st.tuples(
        st.sampled_from(["stdout", "stderr"]),
        st.one_of(st.binary(max_size=60), st.sampled_from([b"a line\n", b"x" * (MAX_TEXT + 5), b"\n" * 40])),
    ),
    max_size=12,
)


@given(given_chunks=chunk_lists)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_captured_log_is_what_was_printed(
    tmp_path_factory: pytest.TempPathFactory, given_chunks: list[tuple[Stream, bytes]]
) -> None:
    async def work() -> None:
        logs = Logs(tmp_path_factory.mktemp("logs"), Clock())
        await logs.open()
        size = await logs.capture(LOG, as_chunks(given_chunks))
        path = log_path(logs.root, LOG)
        assert path.exists() == bool(given_chunks)
        content = path.read_bytes() if path.exists() else b""
        totals = [len(b"".join(data for name, data in given_chunks if name == one)) for one in ("stdout", "stderr")]
        assert size == LogSize(len(shown(content)), sum(totals))
        assert await logs.position(LOG) == Position(*totals)
        for stream in ("stdout", "stderr"):
            assert printed(content, stream) == b"".join(data for name, data in given_chunks if name == stream)
        await logs.close()

    asyncio.run(work())


async def test_a_line_of_a_megabyte_and_chunks_of_any_size(logs: Logs) -> None:
    data = b"first\n" + b"x" * 1_000_000 + b"\nlast"
    path = await write(logs, [("stdout", data)])
    content = path.read_bytes()
    assert printed(content, "stdout") == data
    assert [(line.number, len(line.text), line.partial) for line in shown(content)] == [
        (1, 5, False),
        (2, 1_000_000, False),
        (3, 4, True),
    ]
    assert max(len(record.text) for record in records(content)) == MAX_TEXT


async def test_the_file_and_its_folders_are_private(logs: Logs) -> None:
    path = await write(logs, [("stdout", b"x\n" * 100_000)])
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.with_suffix(".idx").stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


async def test_a_line_is_in_the_file_while_the_next_is_awaited(logs: Logs) -> None:
    asked, answer = asyncio.Event(), asyncio.Event()

    async def chunks() -> AsyncIterator[Chunk]:
        yield Chunk("stdout", b"one\n", AT)
        asked.set()
        await answer.wait()
        yield Chunk("stdout", b"two\n", AT)

    capturing = asyncio.create_task(logs.capture(LOG, chunks()))
    await asked.wait()
    await logs.position(LOG)
    assert printed(log_path(logs.root, LOG).read_bytes(), "stdout") == b"one\n"
    answer.set()
    assert await capturing == LogSize(2, 8)


async def test_a_prompt_without_a_newline_appears(logs: Logs) -> None:
    answer = asyncio.Event()

    async def chunks() -> AsyncIterator[Chunk]:
        yield Chunk("stdout", b"Continue? ", AT)
        await answer.wait()
        yield Chunk("stdout", b"yes\n", AT)

    capturing = asyncio.create_task(logs.capture(LOG, chunks()))
    async for frame in logs.follow(LOG, 1, None, still_open):
        assert '"Continue? ",true]' in frame
        break
    assert await logs.position(LOG) == Position(10, 0)
    answer.set()
    await capturing
    assert [(line.text, line.partial) for line in shown(log_path(logs.root, LOG).read_bytes())] == [
        ("Continue? yes", False)
    ]


async def test_what_the_iterator_raises_comes_after_everything_was_written(logs: Logs) -> None:
    async def chunks(text: bytes) -> AsyncIterator[Chunk]:
        yield Chunk("stdout", text, AT)
        raise EngineUnavailable("gone")

    for text in (b"one\nha", b"lf", b" a line\nthree"):
        with pytest.raises(EngineUnavailable):
            await logs.capture(LOG, chunks(text))
    assert await logs.position(LOG) == Position(21, 0)
    content = log_path(logs.root, LOG).read_bytes()
    assert [line.text for line in shown(content)] == ["one", "half a line", "three"]


async def test_cancelling_a_capture_keeps_what_came(logs: Logs) -> None:
    came = asyncio.Event()

    async def chunks() -> AsyncIterator[Chunk]:
        yield Chunk("stderr", b"one\nha", AT)
        came.set()
        await asyncio.Event().wait()

    capturing = asyncio.create_task(logs.capture(LOG, chunks()))
    await came.wait()
    capturing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await capturing
    assert await logs.position(LOG) == Position(0, 6)
    assert printed(log_path(logs.root, LOG).read_bytes(), "stderr") == b"one\nha"


async def test_a_second_process_goes_on_where_the_first_was(tmp_path: Path) -> None:
    whole = b"".join(b"line %d\n" % number for number in range(20_000))
    for _ in range(4):
        logs = Logs(tmp_path, Clock())
        await logs.open()
        here = (await logs.position(LOG)).stdout
        await logs.capture(LOG, as_chunks([("stdout", whole[here : here + 60_001])]))
        await logs.close()
    assert printed(log_path(tmp_path, LOG).read_bytes(), "stdout") == whole


async def test_position_of_a_log_that_is_not_there(logs: Logs) -> None:
    assert await logs.position(LOG) == Position()
    assert not log_path(logs.root, LOG).exists()


@pytest.mark.parametrize(
    "torn", [b"2", b"2026-09-21T14:13:20.123456789Z stdout F", b"2026-09-21T14:13:20.123456789Z stdout F abc"]
)
async def test_a_torn_record_is_cut_off(logs: Logs, torn: bytes) -> None:
    path = await write(logs, [("stdout", b"one\ntwo")])
    whole = path.read_bytes()
    path.write_bytes(whole + torn)
    assert await logs.position(LOG) == Position(7, 0)
    assert path.read_bytes() == whole


async def test_zeros_left_by_a_power_cut_are_cut_off(logs: Logs) -> None:
    path = await write(logs, [("stdout", b"x" * 50 + b"\n")] * 4000)
    whole = path.read_bytes()
    path.write_bytes(whole + b"\0" * 3000 + b"\n" + b"\0" * 90_000)
    assert await logs.position(LOG) == Position(4000 * 51, 0)
    assert path.read_bytes() == whole


async def test_a_note_stands_between_the_lines(logs: Logs) -> None:
    await logs.note(LOG, "the image could not be pulled\nat all")
    await logs.capture(LOG, as_chunks([("stderr", b"gofer: not Gofer's own\n")]))
    await logs.note(LOG, "bye")
    assert await logs.position(LOG) == Position(0, 23)
    assert await logs.finish(LOG) == LogSize(3, 23)
    page = await logs.read(LOG, 1, 10, "stderr", complete=True)
    assert [line.text for line in page.lines] == [
        "gofer: the image could not be pulled at all",
        "gofer: not Gofer's own",
        "gofer: bye",
    ]


async def test_finish_is_idempotent_and_works_without_a_log(logs: Logs) -> None:
    assert await logs.finish(LOG) == LogSize(0, 0)
    assert not log_path(logs.root, LOG).exists()
    await logs.capture(LOG, as_chunks([("stdout", b"one\n")]))
    assert await logs.finish(LOG) == LogSize(1, 4)
    assert await logs.finish(LOG) == LogSize(1, 4)


async def test_many_logs_leave_no_descriptor_open(logs: Logs) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    for run in range(1, 30):
        await write(logs, [("stdout", b"x\n" * 50_000)], LOG._replace(run=run))
    assert len(list(Path("/proc/self/fd").iterdir())) == before


BAD = ["", ".", "..", "a/b", "/etc", "a\0b", "a\n", "x" * 65, "-a", "%2e%2e", "ä"]


@pytest.mark.parametrize("text", BAD)
@pytest.mark.parametrize("field", ["namespace", "pipeline", "task"])
async def test_no_id_reaches_a_path_unchecked(logs: Logs, field: str, text: str) -> None:
    await _refused(logs, _changed(field, text))


@pytest.mark.parametrize("number", [0, -1, True, "1", 1.0])
@pytest.mark.parametrize("field", ["run", "attempt"])
async def test_no_number_reaches_a_path_unchecked(logs: Logs, field: str, number: object) -> None:
    await _refused(logs, _changed(field, number))


def _changed(field: str, value: object) -> LogId:
    parts: dict[str, Any] = {**LOG._asdict(), field: value}
    return LogId(**parts)


async def _refused(logs: Logs, log: LogId) -> None:
    with pytest.raises(InvalidInput):
        await logs.position(log)
    with pytest.raises(InvalidInput):
        await logs.capture(log, as_chunks([("stdout", b"x\n")]))
    with pytest.raises(InvalidInput):
        await logs.note(log, "x")
    with pytest.raises(InvalidInput):
        await logs.finish(log)
    with pytest.raises(InvalidInput):
        await logs.read(log, 1, 1, None, complete=False)
    with pytest.raises(InvalidInput):
        logs.raw(log, timestamps=False, stream=None)
    with pytest.raises(InvalidInput):
        await anext(logs.follow(log, 1, None, still_open))
    assert [path.name for path in logs.root.iterdir()] == []


async def test_a_link_in_the_place_of_a_log_is_not_followed(logs: Logs, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_bytes(b"")
    path = log_path(logs.root, LOG)
    path.parent.mkdir(parents=True)
    path.symlink_to(precious)
    noting = asyncio.create_task(logs.note(LOG, "x"))
    while not logs.fault and not noting.done():
        await asyncio.sleep(0)
    path.unlink()
    await noting
    assert precious.read_bytes() == b""
    assert printed(path.read_bytes(), "stderr") == b""
    assert len(records(path.read_bytes())) == 1


async def test_a_folder_that_cannot_be_used_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ConfigError, match="cannot be used"):
        await Logs(tmp_path / "file" / "logs", Clock()).open()
