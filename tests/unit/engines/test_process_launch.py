"""Starting the nursery, and what the engine is in its own words."""

from __future__ import annotations

import asyncio
import resource
import shutil
import sys
from pathlib import Path

import pytest

from gofer.engines.scheduler.base import Exit
from gofer.engines.scheduler.process import ProcessScheduler
from gofer.engines.scheduler.process_launcher import nursery_command
from gofer.errors import EngineUnavailable
from tests.unit.engines.conftest import Processes, spec

pytestmark = pytest.mark.timeout(60)


async def test_it_says_plainly_that_it_isolates_nothing(processes: Processes) -> None:
    info = await processes.scheduler.check()
    assert (info.name, info.isolates, info.address) == ("process", False, processes.folders.root)


def test_a_frozen_program_is_its_own_nursery(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "executable", "/replaced/gofer")
    assert nursery_command("/folder") == (["/replaced/gofer", "process-nursery", "/folder"], {})


async def test_the_program_itself_serves_as_a_nursery(
    processes: Processes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "gofer"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m gofer "$@"\n')
    program.chmod(0o755)
    await processes.scheduler.close()
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "executable", str(program))
    await processes.scheduler.open()
    name = await processes.start("echo works")
    assert (await processes.output(name))["stdout"] == b"works\n"


async def test_a_nursery_that_cannot_start_is_explained(
    processes: Processes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "broken"
    broken.write_text("#!/bin/sh\necho 'no such library' >&2\nexit 1\n")
    broken.chmod(0o755)
    await processes.scheduler.close()
    monkeypatch.setattr(sys, "executable", str(broken))
    await processes.scheduler.open()
    for call in (processes.scheduler.check(), processes.scheduler.start(spec("true"))):
        with pytest.raises(EngineUnavailable) as error:
            await call
        assert "no such library" in error.value.message
        assert "nursery.log" in error.value.hint
    monkeypatch.setattr(sys, "executable", str(tmp_path / "missing"))
    with pytest.raises(EngineUnavailable):
        await processes.scheduler.check()
    monkeypatch.undo()
    await processes.scheduler.check()


async def test_very_many_at_once(processes: Processes) -> None:
    async def one(number: int) -> Exit | None:
        name = await processes.start(f"exit {number}")
        end = await processes.scheduler.wait(name)
        await processes.scheduler.remove(name)
        return end

    assert await asyncio.gather(*(one(number) for number in range(200))) == [Exit(number) for number in range(200)]
    assert await processes.scheduler.list({}) == []


async def test_a_start_that_nobody_waits_for_ends_by_itself(processes: Processes) -> None:
    wanted = spec("sleep 1000")
    starting = asyncio.ensure_future(processes.scheduler.start(wanted))
    await asyncio.sleep(0)
    starting.cancel()
    await asyncio.wait([starting])
    found = await processes.scheduler.inspect(wanted.name)
    assert found is not None
    assert found.status == "running"


async def test_closing_in_the_middle_of_a_start_leaves_no_task_behind(processes: Processes) -> None:
    wanted = spec("true")
    starting = asyncio.ensure_future(processes.scheduler.start(wanted))
    await asyncio.sleep(0)
    await processes.scheduler.close()
    await asyncio.wait([starting])
    assert starting.cancelled() or starting.exception() is None
    await processes.scheduler.open()
    await processes.scheduler.start(wanted)
    assert await processes.scheduler.wait(wanted.name) == Exit(0)


async def test_closing_leaves_only_the_jobs_own_files(processes: Processes) -> None:
    name = await processes.start("sleep 1000")
    for _ in range(3):
        await processes.scheduler.close()
        assert list(Path(processes.folders.spare).iterdir()) == []
        await processes.scheduler.open()
    assert [path.name for path in processes.scratch(name).parent.iterdir()] == [name]


async def test_who_waits_while_it_is_closed_hears_of_it(processes: Processes) -> None:
    name = await processes.start("echo ready; sleep 1000")
    await processes.first_line(name)
    waiting = [asyncio.ensure_future(processes.scheduler.wait(name)), asyncio.ensure_future(processes.output(name))]
    for _ in range(3):
        await asyncio.sleep(0)
    await processes.scheduler.close()
    await asyncio.wait(waiting)
    assert all(isinstance(task.exception(), EngineUnavailable) for task in waiting)
    for call in (processes.scheduler.inspect(name), processes.scheduler.list({}), processes.scheduler.check()):
        with pytest.raises(EngineUnavailable):
            await call
    await processes.scheduler.open()
    found = await processes.scheduler.inspect(name)
    assert found is not None
    assert found.status == "running"


async def test_a_folder_that_was_removed_is_said_and_made_again(processes: Processes) -> None:
    shutil.rmtree(processes.folders.root)
    for call in (processes.scheduler.list({}), processes.scheduler.start(spec("true"))):
        with pytest.raises(EngineUnavailable):
            await call
    await processes.scheduler.check()
    name = await processes.start("echo works")
    assert (await processes.output(name))["stdout"] == b"works\n"


async def test_too_many_open_files_put_a_start_off(processes: Processes) -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = spec("echo ran")
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, before[1]))
    try:
        with pytest.raises(EngineUnavailable) as error:
            await processes.scheduler.start(wanted)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    assert "Too many open files" in error.value.message
    await processes.scheduler.start(wanted)
    assert (await processes.output(wanted.name))["stdout"] == b"ran\n"


async def test_nobody_else_looks_into_the_folder_that_it_makes(tmp_path: Path) -> None:
    storage = tmp_path / "new" / "data"
    engine = ProcessScheduler(storage / "process")
    await engine.open()
    try:
        assert storage.stat().st_mode & 0o066 == 0
    finally:
        await engine.close()
