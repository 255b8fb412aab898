"""A full disk: nothing is lost, nothing new begins, and both go on when there is room."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gofer.engines.scheduler.base import Exit
from gofer.errors import EngineUnavailable
from tests.unit.engines.conftest import Processes, spec

pytestmark = [
    pytest.mark.timeout(60),
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk"),
]

SIZE = 4_000_000
NEEDED = 2_000_000


class Disk:
    """A small file system, filled up at will."""

    def __init__(self, folder: Path) -> None:
        self._ballast = folder / "ballast"

    def fill(self) -> None:
        """Take all the room there is."""
        with self._ballast.open("ab", buffering=0) as file:
            for size in (1 << 16, 1 << 12):
                try:
                    while True:
                        file.write(bytes(size))
                except OSError:
                    continue

    def free(self) -> None:
        """Give it back."""
        self._ballast.unlink()


@pytest.fixture
async def small(tmp_path: Path) -> AsyncIterator[tuple[Processes, Disk]]:
    mounted = await asyncio.to_thread(
        subprocess.run, ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(tmp_path)], check=False
    )
    if mounted.returncode != 0:
        pytest.skip("mounting is not allowed here")
    processes = Processes(tmp_path / "engine")
    await processes.scheduler.open()
    try:
        yield processes, Disk(tmp_path)
    finally:
        for container in await processes.scheduler.list({}):
            await processes.scheduler.remove(container.name)
        await processes.scheduler.close()
        await asyncio.to_thread(subprocess.run, ["umount", "--lazy", str(tmp_path)], check=True)


async def _stuck(small: tuple[Processes, Disk], script: str) -> str:
    """A job whose output the disk has no room for."""
    processes, disk = small
    name = await processes.start(
        f"echo ready; until [ -e {processes.folders.root}/../go ]; do sleep 0.01; done; {script}"
    )
    await processes.first_line(name)
    Path(processes.folders.root, "../go").touch()
    disk.fill()
    return name


async def test_output_waits_for_room_and_none_is_lost(small: tuple[Processes, Disk]) -> None:
    processes, disk = small
    name = await _stuck(small, f"head -c {NEEDED} /dev/zero; echo end >&2; exit 5")
    reading = asyncio.ensure_future(processes.output(name))
    waiting = asyncio.ensure_future(processes.scheduler.wait(name))
    done, _ = await asyncio.wait([reading, waiting], timeout=1)
    assert not done
    disk.free()
    output = await reading
    assert output == {"stdout": b"ready\n" + bytes(NEEDED), "stderr": b"end\n"}
    assert await waiting == Exit(5)


async def test_a_stop_reaches_the_command_all_the_same(small: tuple[Processes, Disk]) -> None:
    processes, disk = small
    name = await _stuck(small, "exec yes")
    stopping = asyncio.ensure_future(processes.scheduler.stop(name, 30))
    while _runs(processes, name):
        await asyncio.sleep(0.01)
    disk.free()
    await stopping
    assert await processes.scheduler.wait(name) == Exit(143)


async def test_remove_needs_no_room(small: tuple[Processes, Disk]) -> None:
    processes, _ = small
    name = await _stuck(small, "exec yes")
    await processes.scheduler.remove(name)
    assert await processes.scheduler.inspect(name) is None
    assert not _runs(processes, name)


async def test_a_new_start_is_put_off_until_there_is_room(small: tuple[Processes, Disk]) -> None:
    processes, disk = small
    disk.fill()
    wanted = spec("echo ran")
    for _ in range(3):
        with pytest.raises(EngineUnavailable) as error:
            await processes.scheduler.start(wanted)
        assert "No space left" in error.value.message
        with pytest.raises(EngineUnavailable):
            await processes.scheduler.check()
        assert await processes.scheduler.inspect(wanted.name) is None
    disk.free()
    await processes.scheduler.check()
    await processes.scheduler.start(wanted)
    assert (await processes.output(wanted.name))["stdout"] == b"ran\n"


async def test_a_folder_that_cannot_be_used_is_said_and_found_later(tmp_path: Path) -> None:
    (tmp_path / "engine").write_text("in the way")
    processes = Processes(tmp_path / "engine")
    await processes.scheduler.open()
    with pytest.raises(EngineUnavailable) as error:
        await processes.scheduler.check()
    assert str(tmp_path / "engine") in error.value.message
    with pytest.raises(EngineUnavailable):
        await processes.scheduler.inspect("anybody")
    (tmp_path / "engine").unlink()
    await processes.scheduler.check()
    name = await processes.start("echo ran")
    assert (await processes.output(name))["stdout"] == b"ran\n"
    await processes.scheduler.remove(name)
    await processes.scheduler.close()


def _runs(processes: Processes, name: str) -> bool:
    home = f"HOME={processes.scratch(name)}".encode()
    for entry in Path("/proc").iterdir():
        try:
            if home in (entry / "environ").read_bytes().split(b"\0"):
                return True
        except OSError:
            continue
    return False
