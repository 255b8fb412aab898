"""Gofer itself is killed with SIGKILL in the middle of a start: the command runs at most once, and is found again."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from gofer.engines.scheduler.base import Exit
from tests.unit.engines.conftest import Processes, spec

pytestmark = pytest.mark.timeout(60)

# Starts a job and dies: after so many turns of the event loop, or as soon as the job was started.
GOFER = """
import asyncio, os, signal, sys
from pathlib import Path
from gofer.engines.scheduler.base import ContainerSpec
from gofer.engines.scheduler.process import ProcessScheduler

async def main(folder, name, script, turns):
    scheduler = ProcessScheduler(Path(folder))
    await scheduler.open()
    await scheduler.check()
    start = asyncio.ensure_future(scheduler.start(ContainerSpec(name=name, image="any", command=["sh", "-c", script])))
    for _ in range(turns):
        if start.done():
            break
        await asyncio.sleep(0)
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])))
"""


async def _gofer_dies(processes: Processes, name: str, script: str, turns: int) -> None:
    command = [sys.executable, "-c", GOFER, processes.folders.root, name, script, str(turns)]
    ended = await asyncio.to_thread(subprocess.run, command, capture_output=True, check=False)
    assert ended.returncode == -9, ended.stderr.decode()


@pytest.mark.parametrize("turns", [1, 2, 3, 4, 6, 10, 30, 100, 1000])
async def test_a_start_that_gofer_did_not_survive_is_made_again_and_runs_once(
    processes: Processes, tmp_path: Path, turns: int
) -> None:
    ran = tmp_path / "ran"
    script = f"echo ran >>{ran}; echo said"
    wanted = spec(script)
    await _gofer_dies(processes, wanted.name, script, turns)
    await processes.reopen()
    await processes.scheduler.start(wanted)
    assert await processes.scheduler.wait(wanted.name) == Exit(0)
    assert (await processes.output(wanted.name))["stdout"] == b"said\n"
    assert ran.read_text() == "ran\n"


@pytest.mark.parametrize("turns", [1, 2, 3, 4, 6, 10, 30, 100])
async def test_what_is_not_there_when_gofer_returns_does_not_come_later(
    processes: Processes, tmp_path: Path, turns: int
) -> None:
    ran = tmp_path / "ran"
    script = f"echo ran >>{ran}"
    name = spec(script).name
    await _gofer_dies(processes, name, script, turns)
    await processes.reopen()
    if await processes.scheduler.inspect(name) is None:
        # Whoever could have started it has left with its Gofer, or waits for a lock that it cannot pass.
        await processes.reopen()
        assert await processes.scheduler.inspect(name) is None
        assert not ran.exists()
    else:
        assert await processes.scheduler.wait(name) == Exit(0)


async def test_a_running_job_is_adopted_with_all_that_it_has_printed(processes: Processes) -> None:
    script = "echo before; until [ -e go ]; do sleep 0.01; done; for i in $(seq 1000); do echo $i; done; exit 7"
    name = spec(script).name
    await _gofer_dies(processes, name, script, 1_000_000)
    await processes.reopen()
    found = await processes.scheduler.inspect(name)
    assert found is not None
    assert found.status == "running"
    (processes.scratch(name) / "go").touch()
    numbers = "".join(f"{number}\n" for number in range(1, 1001))
    assert (await processes.output(name))["stdout"].decode() == f"before\n{numbers}"
    assert await processes.scheduler.wait(name) == Exit(7)


async def test_a_job_that_ended_while_gofer_was_away_tells_how(processes: Processes) -> None:
    script = "echo done; exit 9"
    name = spec(script).name
    await _gofer_dies(processes, name, script, 1_000_000)
    await processes.reopen()
    assert await processes.scheduler.wait(name) == Exit(9)
    found = await processes.scheduler.inspect(name)
    assert found is not None
    assert (found.status, found.exit_code) == ("exited", 9)
