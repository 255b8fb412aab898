"""What is on disk: frames, positions, claims that a power cut half undid, and damage."""

from __future__ import annotations

import os
import uuid
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gofer.engines.scheduler.base import Chunk, Position
from gofer.engines.scheduler.process_record import (
    FRAME,
    STDERR,
    STDOUT,
    Description,
    frames_start,
    head,
    mark_ended,
    read,
)
from gofer.engines.scheduler.process_tail import Tail
from tests.unit.engines.conftest import Processes, spec, together

PIECES = st.lists(st.tuples(st.sampled_from([STDOUT, STDERR]), st.binary(min_size=1, max_size=40)), max_size=12)
MILLISECOND = 1_000_000


def _frames(pieces: list[tuple[int, bytes]], step: int = 0) -> bytes:
    return b"".join(
        FRAME.pack(1000 + number * step, len(data), stream) + data for number, (stream, data) in enumerate(pieces)
    )


def _memory(data: bytes) -> int:
    fd = os.memfd_create("record")
    os.write(fd, data)
    return fd


def _all(tail: Tail) -> list[Chunk]:
    found = []
    while (chunks := tail.read()) is not None:
        found += chunks
    return found


@given(PIECES, st.integers(0, 100), st.integers(0, 100))
def test_a_tail_gives_each_stream_from_the_position_on(
    pieces: list[tuple[int, bytes]], stdout: int, stderr: int
) -> None:
    fd = _memory(_frames(pieces))
    whole = {
        "stdout": b"".join(data for stream, data in pieces if stream == STDOUT),
        "stderr": b"".join(data for stream, data in pieces if stream == STDERR),
    }
    got = together(_all(Tail(fd, 0, Position(stdout, stderr))))
    os.close(fd)
    assert got == {"stdout": whole["stdout"][stdout:], "stderr": whole["stderr"][stderr:]}


@given(PIECES, st.data())
def test_a_tail_reads_a_file_that_grows_by_any_bytes(pieces: list[tuple[int, bytes]], data: st.DataObject) -> None:
    frames = _frames(pieces)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(frames)), max_size=5)))
    fd = _memory(b"")
    tail, got = Tail(fd, 0, Position()), []
    for start, end in zip([0, *cuts], [*cuts, len(frames)], strict=True):
        os.write(fd, frames[start:end])
        got += _all(tail)
    os.close(fd)
    assert together(got)["stdout"] == b"".join(data for stream, data in pieces if stream == STDOUT)
    assert together(got)["stderr"] == b"".join(data for stream, data in pieces if stream == STDERR)


def test_pieces_of_the_same_time_become_one_chunk_and_others_do_not() -> None:
    pieces = [(STDOUT, b"a"), (STDOUT, b"b"), (STDERR, b"c"), (STDOUT, b"d")]
    fd = _memory(_frames(pieces))
    assert [chunk.data for chunk in _all(Tail(fd, 0, Position()))] == [b"ab", b"c", b"d"]
    fd = _memory(_frames(pieces, step=2 * MILLISECOND))
    assert [chunk.data for chunk in _all(Tail(fd, 0, Position()))] == [b"a", b"b", b"c", b"d"]
    assert [chunk.at for chunk in _all(Tail(fd, 0, Position()))][:2] == [1000, 1000 + 2 * MILLISECOND]


def test_a_tail_ends_at_bytes_that_are_no_frame() -> None:
    fd = _memory(_frames([(STDOUT, b"good")]) + bytes(5000))
    tail = Tail(fd, 0, Position())
    assert [chunk.data for chunk in _all(tail)] == [b"good"]
    assert tail.behind == 0


@given(st.dictionaries(st.text(), st.text(), max_size=5), st.integers(0, 255))
def test_a_head_tells_what_it_was_told(labels: dict[str, str], code: int) -> None:
    description = Description("name", labels, "image", "token", 1, 2, "boot")
    fd = _memory(head(description))
    found = read(fd)
    assert found is not None
    assert (found.description, found.exit_code) == (description, None)
    assert found.start == frames_start(fd) == os.fstat(fd).st_size
    mark_ended(fd, code)
    ended = read(fd)
    os.close(fd)
    assert ended is not None
    assert ended.exit_code == code


def test_a_head_larger_than_a_page_is_read_whole() -> None:
    description = Description("name", {"label": "x" * 20_000}, "image", "token", 1, 2, "boot")
    found = read(_memory(head(description)))
    assert found is not None
    assert found.description == description


async def test_order_and_times_are_kept_while_nobody_reads(processes: Processes) -> None:
    name = await processes.start("echo 1; sleep 0.02; echo 2 >&2; sleep 0.02; echo 3; sleep 0.02; echo 4 >&2")
    await processes.scheduler.wait(name)
    await processes.reopen()
    chunks = [chunk async for chunk in processes.scheduler.logs(name)]
    assert [chunk.data for chunk in chunks] == [b"1\n", b"2\n", b"3\n", b"4\n"]
    times = [chunk.at for chunk in chunks]
    assert all(later - earlier >= 15 * MILLISECOND for earlier, later in pairwise(times))


async def test_a_claim_whose_link_was_lost_with_power_is_never_started_again(processes: Processes) -> None:
    wanted = spec("echo started again", labels={"a": "b"})
    token = uuid.uuid4().hex
    description = Description(wanted.name, {"a": "b"}, "image", token, 1, 1, "the boot before")
    Path(processes.folders.spare, token).write_bytes(head(description))
    Path(processes.folders.spare, f"{token}.work").mkdir()
    await processes.reopen()

    [found] = await processes.scheduler.list({"a": "b"})
    assert (found.name, found.status, found.exit_code) == (wanted.name, "exited", None)
    again = await processes.scheduler.start(wanted)
    assert (again.status, again.exit_code) == ("exited", None)
    assert await processes.scheduler.wait(wanted.name) is None
    assert await processes.output(wanted.name) == {"stdout": b"", "stderr": b""}
    assert not Path(processes.folders.spare, token).exists()


async def test_what_dead_spares_prepared_is_swept_and_what_living_ones_have_is_not(processes: Processes) -> None:
    token = uuid.uuid4().hex
    Path(processes.folders.spare, token).write_bytes(bytes(4096))
    Path(processes.folders.spare, f"{token}.work").mkdir()
    orphan = processes.scratch("nobody")
    (orphan / "deep").mkdir(parents=True)
    other = type(processes)(Path(processes.folders.root))
    await other.scheduler.open()
    assert not Path(processes.folders.spare, token).exists()
    assert not Path(processes.folders.spare, f"{token}.work").exists()
    assert not orphan.exists()
    # The first engine's own spares were none of those.
    assert await processes.run("echo works") == "works\n"
    assert await other.run("echo too") == "too\n"
    await other.scheduler.close()


@pytest.mark.parametrize("content", [b"", bytes(4096), b"gofer-p1" + bytes(8), os.urandom(5000)])
async def test_a_damaged_record_is_a_lost_container(processes: Processes, content: bytes) -> None:
    wanted = spec("echo started again")
    Path(processes.folders.record(wanted.name)).write_bytes(content)
    found = await processes.scheduler.inspect(wanted.name)
    assert found is not None
    assert (found.status, found.exit_code) == ("exited", None)
    assert await processes.scheduler.wait(wanted.name) is None
    assert await processes.output(wanted.name) == {"stdout": b"", "stderr": b""}
    assert (await processes.scheduler.start(wanted)).status == "exited"
    await processes.scheduler.remove(wanted.name)
    assert await processes.scheduler.inspect(wanted.name) is None
