"""A full disk: capturing waits, says so, and goes on when there is room. Nothing is lost."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from gofer.engines.scheduler.base import Chunk, Position
from gofer.server.clock import Clock
from gofer.server.logs.folder import LogId, log_path
from gofer.server.logs.logs import Logs
from gofer.server.logs.mask import Masks
from tests.unit.logs.reading import AT, LOG, as_chunks, joined, printed, still_open

DATA = b"".join(b"this is line number %d\n" % number for number in range(40_000))
CHUNKS = [DATA[begin : begin + 20_000] for begin in range(0, len(DATA), 20_000)]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MiB, most of it taken by a file `ballast`."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", place], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("mounting a small file system needs root")
    try:
        (place / "ballast").write_bytes(b"x" * 400_000)
        yield place
    finally:
        subprocess.run(["umount", "-l", place], check=True)


def make_room(disk: Path) -> None:
    """Take the ballast away, and make the disk large enough for everything."""
    (disk / "ballast").unlink()
    subprocess.run(["mount", "-o", "remount,size=8m", disk], check=True)


def fill(disk: Path) -> None:
    """Leave no room at all."""
    with suppress(OSError), (disk / "more").open("wb", buffering=0) as file:
        while file.write(b"x" * 4096):
            pass


async def chunks(pulled: list[int]) -> AsyncIterator[Chunk]:
    for number, data in enumerate(CHUNKS):
        pulled.append(number)
        yield Chunk("stdout", data, AT)


async def fault(logs: Logs) -> str:
    """Waits for the fault to change."""
    changed: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    logs.on_fault = lambda text: None if changed.done() else changed.set_result(text)
    return await changed


async def test_capturing_waits_for_room_and_loses_nothing(small_disk: Path) -> None:
    logs, pulled = Logs(small_disk / "logs", Clock()), list[int]()
    await logs.open()
    said = asyncio.create_task(fault(logs))
    await asyncio.sleep(0)
    capturing = asyncio.create_task(logs.capture(LOG, chunks(pulled)))
    assert "No space left on device" in await said
    assert logs.fault
    assert str(small_disk / "logs") in logs.fault
    assert len(pulled) < len(CHUNKS), "more was pulled than the disk and a buffer can hold"
    # Readers see whole records only, though the file ends with a torn one.
    page = await logs.read(LOG, -1, 10, None, complete=False)
    assert page.lines[0].text == f"this is line number {page.total - 1}"
    said = asyncio.create_task(fault(logs))
    await asyncio.sleep(0)
    make_room(small_disk)
    assert await said == ""
    assert (await capturing).bytes == len(DATA)
    assert logs.fault == ""
    assert printed(log_path(logs.root, LOG).read_bytes(), "stdout") == DATA
    await logs.close()


async def test_followers_get_everything_once_there_is_room(small_disk: Path) -> None:
    logs = Logs(small_disk / "logs", Clock())
    await logs.open()
    said = asyncio.create_task(fault(logs))

    async def follow() -> list[str]:
        return [frame async for frame in logs.follow(LOG, 1, None, still_open)]

    following = asyncio.create_task(follow())
    capturing = asyncio.create_task(logs.capture(LOG, chunks([])))
    await said
    make_room(small_disk)
    await capturing
    await logs.finish(LOG)
    lines = joined(await following)
    assert [line.text for line in lines] == DATA.decode().splitlines()


async def test_a_server_that_ends_while_the_disk_is_full_goes_on_later(small_disk: Path) -> None:
    logs = Logs(small_disk / "logs", Clock())
    await logs.open()
    said = asyncio.create_task(fault(logs))
    await asyncio.sleep(0)
    capturing = asyncio.create_task(logs.capture(LOG, chunks([])))
    await said
    capturing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await capturing
    await logs.close()
    make_room(small_disk)
    again = Logs(small_disk / "logs", Clock())
    await again.open()
    here = await again.position(LOG)
    assert Position() < here < Position(len(DATA), 0)
    await again.capture(LOG, as_chunks([("stdout", DATA[here.stdout :])]))
    assert printed(log_path(logs.root, LOG).read_bytes(), "stdout") == DATA
    await again.close()


async def test_a_log_that_cannot_even_be_begun_waits_too(small_disk: Path) -> None:
    logs = Logs(small_disk / "logs", Clock())
    await logs.open()
    fill(small_disk)
    other = LogId("default", "other", 7, "task", 1)
    said = asyncio.create_task(fault(logs))
    await asyncio.sleep(0)
    noting = asyncio.create_task(logs.note(other, "hello"))
    assert "No space left on device" in await said
    make_room(small_disk)
    await noting
    assert log_path(logs.root, other).read_bytes().endswith(b" stderr N gofer: hello\n")
    await logs.close()


async def test_a_masked_log_waits_for_room_too_and_neither_loses_nor_leaks(small_disk: Path) -> None:
    logs = Logs(small_disk / "logs", Clock())
    await logs.open()
    logs.protect(LOG, Masks(["line number"]))
    said = asyncio.create_task(fault(logs))
    await asyncio.sleep(0)
    capturing = asyncio.create_task(logs.capture(LOG, chunks([])))
    assert "No space left on device" in await said
    make_room(small_disk)
    await capturing
    assert await logs.position(LOG) == Position(len(DATA), 0)
    await logs.close()
    # As the next process finds it.
    logs = Logs(small_disk / "logs", Clock())
    assert await logs.position(LOG) == Position(len(DATA), 0)
    content = log_path(logs.root, LOG).read_bytes()
    assert printed(content, "stdout") == DATA.replace(b"line number", b"***")
    await logs.close()
