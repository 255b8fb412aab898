"""Files of a process's scratch folder, which others may change at the worst moment."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from pathlib import Path

import pytest

from gofer.archive.entry import Entry, Member, held
from gofer.engines.scheduler.base import Files
from gofer.errors import Conflict, GoferError, InvalidInput, NotFound, StartFailed
from gofer.models.status import Reason
from tests.unit.engines.conftest import Processes, spec

pytestmark = pytest.mark.timeout(60)

LARGE = 200_000


async def one(entry: Entry, data: bytes = b"") -> AsyncIterator[Member]:
    yield Member(entry, held(data))


def file(name: str, data: bytes = b"x") -> AsyncIterator[Member]:
    return one(Entry(name, "file", len(data)), data)


async def names(processes: Processes, name: str, path: str) -> list[str]:
    async with aclosing(processes.scheduler.collect(name, path)) as members:
        return [member.entry.name async for member in members]


async def ended(processes: Processes, script: str) -> str:
    name = await processes.start(script)
    await processes.scheduler.wait(name)
    return name


def scratch(processes: Processes, name: str) -> Path:
    return Path(processes.folders.scratch(name))


def prepared(processes: Processes) -> list[Path]:
    """Folders that something was placed in, and that are no scratch folder yet."""
    return [folder for folder in Path(processes.folders.spare).glob("*.work") if any(folder.iterdir())]


def open_files() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


@pytest.mark.parametrize("path", ["/etc", "../x", "a/../../x"])
async def test_there_is_nothing_but_the_scratch_folder(processes: Processes, path: str) -> None:
    for use in (lambda files: files.put(path, file("x")), lambda files: _checked(files, path)):
        with pytest.raises(StartFailed, match="not in the task's scratch folder") as error:
            await processes.scheduler.start(spec("true"), place=use)
        assert error.value.reason == Reason.INPUT_FAILED
    name = await ended(processes, "true")
    with pytest.raises(InvalidInput, match="not in the task's scratch folder"):
        await names(processes, name, path)


async def _checked(files: Files, path: str) -> None:
    files.check(path)


async def test_a_working_directory_elsewhere_is_no_place_for_files(processes: Processes) -> None:
    with pytest.raises(StartFailed, match="not in the task's scratch folder"):
        await processes.scheduler.start(spec("true", working_directory="/tmp"), place=lambda f: f.put("in", file("x")))
    name = await processes.start("echo x >/dev/null", working_directory="/tmp")
    await processes.scheduler.wait(name)
    with pytest.raises(InvalidInput):
        await names(processes, name, "out")


async def test_no_link_is_followed_when_files_are_collected(processes: Processes, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("not yours")
    name = await ended(processes, f"ln -s {tmp_path} out; mkdir d; ln -s {tmp_path}/secret d/l")
    with pytest.raises(NotFound):
        await names(processes, name, "out/secret")
    assert await names(processes, name, "out") == ["out"]
    assert await names(processes, name, "d") == ["d", "d/l"]


async def test_no_link_is_followed_when_files_are_placed(processes: Processes, tmp_path: Path) -> None:
    async def place(files: Files) -> None:
        await files.put(".", one(Entry("l", "link", target=str(tmp_path))))
        await files.put("l", file("x"))

    with pytest.raises(StartFailed) as error:
        await processes.scheduler.start(spec("true"), place=place)
    assert error.value.reason == Reason.INPUT_FAILED

    async def within(files: Files) -> None:
        await files.put("in", one(Entry("l", "link", target=str(tmp_path))))
        await files.put("in", file("l/x"))

    with pytest.raises(StartFailed):
        await processes.scheduler.start(spec("true"), place=within)
    assert list(tmp_path.iterdir()) == [Path(processes.folders.root)]
    assert prepared(processes) == []


async def test_a_link_is_replaced_and_not_written_through(processes: Processes, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("as it was")

    async def place(files: Files) -> None:
        await files.put("in", one(Entry("l", "link", target=str(victim))))
        await files.put("in", file("l", b"new"))

    wanted = spec("cat in/l")
    await processes.scheduler.start(wanted, place=place)
    assert (await processes.output(wanted.name))["stdout"] == b"new"
    assert victim.read_text() == "as it was"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a link to somebody else's file")
async def test_somebody_elses_file_is_not_read_by_another_name(processes: Processes, tmp_path: Path) -> None:
    (tmp_path / "foreign").write_text("not yours")
    os.chown(tmp_path / "foreign", 1234, 1234)
    name = await ended(processes, f"mkdir out; ln {tmp_path}/foreign out/mine")
    with pytest.raises(Conflict, match="hard link to somebody else's file"):
        await names(processes, name, "out")


async def test_a_file_that_becomes_a_name_of_somebody_elses_before_it_is_read(
    processes: Processes, tmp_path: Path
) -> None:
    foreign = tmp_path / "foreign"
    foreign.write_bytes(b"s" * LARGE)
    os.chown(foreign, 1234, 1234)
    name = await ended(processes, f"head -c {LARGE} /dev/zero >out")
    path = scratch(processes, name) / "out"

    def change() -> None:
        path.unlink()
        path.hardlink_to(foreign)

    with pytest.raises(Conflict, match="changed while it was read"):
        await read_after(processes, name, path, change)


async def test_a_file_that_shrinks_while_it_is_read(processes: Processes) -> None:
    name = await ended(processes, f"head -c {LARGE * 3} /dev/zero >out")
    path = scratch(processes, name) / "out"
    with pytest.raises(Conflict, match="changed while it was read"):
        await read_after(processes, name, path, lambda: os.truncate(path, 10))


@pytest.mark.parametrize("becomes", ["pipe", "folder", "link", "nothing"])
async def test_a_file_that_becomes_something_else_before_it_is_read(processes: Processes, becomes: str) -> None:
    name = await ended(processes, f"mkdir out; head -c {LARGE} /dev/zero >out/x")
    path = scratch(processes, name) / "out" / "x"
    before = open_files()

    def change() -> None:
        path.unlink()
        if becomes == "pipe":
            os.mkfifo(path)
        elif becomes == "folder":
            path.mkdir()
        elif becomes == "link":
            path.symlink_to("/etc/passwd")

    with pytest.raises(Conflict):
        await read_after(processes, name, path, change)
    assert open_files() == before


async def read_after(processes: Processes, name: str, path: Path, change: Callable[[], None]) -> None:
    """Collect `out`, and change the file at `path` when it is known and nothing of it was read."""
    async with aclosing(processes.scheduler.collect(name, "out")) as members:
        async for entry, content in members:
            if entry.name == str(path.relative_to(scratch(processes, name))):
                change()
                async for _ in content:
                    pass


async def test_folders_within_folders_without_end(processes: Processes) -> None:
    name = await ended(processes, "i=0; mkdir out; cd out; while [ $i -lt 150 ]; do mkdir d; cd d; i=$((i+1)); done")
    with pytest.raises(Conflict, match="more than 100 deep"):
        await names(processes, name, "out")


async def test_reading_only_the_beginning_leaves_nothing_open(processes: Processes) -> None:
    name = await ended(processes, f"mkdir out; for i in 1 2 3; do head -c {LARGE} /dev/zero >out/$i; done")
    before = open_files()
    for read in range(4):
        async with aclosing(processes.scheduler.collect(name, "out")) as members:
            for _ in range(read):
                entry, content = await anext(members)
                if entry.kind == "file":
                    await anext(aiter(content))
    # What was half read is let go of with its generator.
    del content
    while open_files() > before:
        await asyncio.sleep(0)


async def test_what_was_prepared_for_a_command_that_cannot_start_is_gone(processes: Processes) -> None:
    place = lambda files: files.put("in/deep", file("x"))  # noqa: E731
    with pytest.raises(StartFailed):
        await processes.scheduler.start(spec("", command=["no-such-program"]), place=place)
    assert prepared(processes) == []
    assert list(Path(processes.folders.work).iterdir()) == []


# Places a file, tells so, and is killed while it still places another.
GOFER = """
import asyncio, os, signal, sys
from pathlib import Path
from gofer.archive.entry import Entry, Member, held
from gofer.engines.scheduler.base import ContainerSpec
from gofer.engines.scheduler.process import ProcessScheduler

async def members():
    yield Member(Entry("a", "file", 3), held(b"old"))
    async def content():
        for _ in range(3):
            yield bytes(1_000_000)
        os.kill(os.getpid(), signal.SIGKILL)
    yield Member(Entry("b", "file", 4_000_000), content())

async def main(folder, name):
    scheduler = ProcessScheduler(Path(folder))
    await scheduler.open()
    spec = ContainerSpec(name=name, image="any", command=["true"])
    await scheduler.start(spec, place=lambda files: files.put("in", members()))

asyncio.run(main(sys.argv[1], sys.argv[2]))
"""


async def test_gofer_dies_while_it_places_files(processes: Processes) -> None:
    wanted = spec("cat in/*")
    command = [sys.executable, "-c", GOFER, processes.folders.root, wanted.name]
    died = await asyncio.to_thread(subprocess.run, command, capture_output=True, check=False)
    assert died.returncode == -9, died.stderr.decode()
    assert [(folder / "in" / "a").read_bytes() for folder in prepared(processes)] == [b"old"]
    await processes.reopen()
    assert prepared(processes) == []
    assert await processes.scheduler.inspect(wanted.name) is None
    await processes.scheduler.start(wanted, place=lambda files: files.put("in", file("c", b"new")))
    assert (await processes.output(wanted.name))["stdout"] == b"new"


async def test_an_engine_that_is_closed_meanwhile_starts_nothing(processes: Processes) -> None:
    wanted = spec("true")

    async def place(files: Files) -> None:
        await files.put("in", file("x"))
        await processes.scheduler.close()

    with pytest.raises(GoferError):
        await processes.scheduler.start(wanted, place=place)
    await processes.reopen()
    assert await processes.scheduler.inspect(wanted.name) is None
    assert prepared(processes) == []
