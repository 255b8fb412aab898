"""How things end: everything that a command started ends with it, whoever dies first."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest

from gofer.engines.scheduler.base import Exit
from tests.unit.engines.conftest import Processes, lives

pytestmark = pytest.mark.timeout(60)


@pytest.mark.parametrize(
    "child",
    [
        "sleep 1000 &",
        "setsid sleep 1000 &",
        "(setsid sh -c 'sleep 1000; true' & wait) &",
        "setsid sh -c 'trap \"\" TERM HUP INT; echo $$ >pid; sleep 1000; sleep 1000' & until [ -s pid ]; do :; done;",
    ],
)
async def test_what_a_command_leaves_running_ends_with_it(processes: Processes, child: str) -> None:
    name = await processes.start(f"{child} exit 3")
    assert await processes.scheduler.wait(name) == Exit(3)
    assert _living_in(processes.scratch(name)) == []


async def test_output_of_what_was_left_running_is_not_lost(processes: Processes) -> None:
    script = "{ echo from behind; touch said; sleep 1000; } & until [ -e said ]; do :; done; echo from before"
    assert await processes.run(script) == "from behind\nfrom before\n"


async def test_a_stop_reaches_the_whole_group_and_kills_what_is_deaf(processes: Processes) -> None:
    deaf = "setsid sh -c 'trap \"\" TERM; echo ready; while :; do sleep 1000; done'"
    name = await processes.start(f"{deaf} & wait")
    await processes.first_line(name)
    await processes.scheduler.stop(name, 30)
    assert await processes.scheduler.wait(name) == Exit(143)
    assert _living_in(processes.scratch(name)) == []


async def test_orphans_do_not_pile_up_while_it_runs(processes: Processes) -> None:
    name = await processes.start("for i in $(seq 50); do (sleep 0.001 &); done; echo ready; read x; sleep 1000")
    await processes.first_line(name)
    shim = processes.record(name).description.pid
    while _zombies_of(shim):
        await asyncio.sleep(0.001)


async def test_a_signal_to_the_shim_is_not_its_end(processes: Processes) -> None:
    name = await processes.start("echo ready; sleep 0.2; echo done")
    await processes.first_line(name)
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        os.kill(processes.record(name).description.pid, number)
    assert (await processes.output(name))["stdout"] == b"ready\ndone\n"
    assert await processes.scheduler.wait(name) == Exit(0)


@pytest.mark.parametrize("reborn", [False, True])
async def test_a_killed_shim_is_a_lost_container_that_leaves_nothing_running(
    processes: Processes, reborn: bool
) -> None:
    name = await processes.start("(sleep 1000; true) & setsid sh -c 'sleep 1000; true' & echo ready; wait")
    await processes.first_line(name)
    assert len(_living_in(processes.scratch(name))) >= 3
    if reborn:
        await processes.reopen()
    waiting = asyncio.ensure_future(processes.scheduler.wait(name))
    reading = asyncio.ensure_future(processes.output(name))
    os.kill(processes.record(name).description.pid, signal.SIGKILL)

    assert await waiting is None
    assert await reading == {"stdout": b"ready\n", "stderr": b""}
    assert _living_in(processes.scratch(name)) == []
    found = await processes.scheduler.inspect(name)
    assert found is not None
    assert (found.status, found.exit_code) == ("exited", None)
    assert "shim" in found.error

    await processes.scheduler.stop(name, 30)
    await processes.scheduler.remove(name)
    assert await processes.scheduler.inspect(name) is None
    assert not processes.scratch(name).exists()


async def test_leftovers_are_known_by_their_session_where_home_is_another(processes: Processes) -> None:
    name = await processes.start("sleep 1000 & echo $!; wait", environment={"HOME": "/"})
    sleeper = int(await processes.first_line(name))
    os.kill(processes.record(name).description.pid, signal.SIGKILL)
    assert await processes.scheduler.wait(name) is None
    assert not lives(sleeper)


async def test_starts_go_on_when_the_nursery_dies(processes: Processes) -> None:
    before = await processes.start("echo ready; read x <go; echo $x", command=["sh", "-c", _waiting_script()])
    await processes.first_line(before)
    for _ in range(5):
        _kill_nursery(processes)
        assert await processes.run("echo started") == "started\n"
    (processes.scratch(before) / "go").write_text("gone on\n")
    assert (await processes.output(before))["stdout"] == b"ready\ngone on\n"


async def test_many_starts_at_once_survive_the_nurserys_death(processes: Processes) -> None:
    starts = [asyncio.ensure_future(processes.run(f"echo {number}")) for number in range(60)]
    await asyncio.sleep(0)
    _kill_nursery(processes)
    assert await asyncio.gather(*starts) == [f"{number}\n" for number in range(60)]


async def test_closing_ends_the_nursery_and_its_spares_but_no_job(processes: Processes) -> None:
    name = await processes.start("echo ready; sleep 1000")
    await processes.first_line(name)
    [nursery] = _nurseries(processes)
    await processes.reopen()
    assert not lives(nursery)
    found = await processes.scheduler.inspect(name)
    assert found is not None
    assert found.status == "running"


async def test_remove_follows_no_link_and_takes_what_resists(processes: Processes, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_text("keep")
    name = await processes.start(
        f"ln -s {outside} link; mkdir -p a/b; ln -s {outside} a/b/link; touch a/b/file; chmod 0 a/b a"
    )
    await processes.scheduler.wait(name)
    await processes.scheduler.remove(name)
    assert not processes.scratch(name).exists()
    assert not Path(processes.folders.record(name)).exists()
    assert (outside / "precious").read_text() == "keep"


def _waiting_script() -> str:
    return "echo ready; until [ -s go ]; do sleep 0.01; done; cat go"


def _kill_nursery(processes: Processes) -> None:
    for pid in _nurseries(processes):
        os.kill(pid, signal.SIGKILL)


def _nurseries(processes: Processes) -> list[int]:
    """Children of this process whose command line names the engine's folder: one, or none after it has died."""
    mine = [pid for pid in _pids() if processes.folders.root.encode() in _file(pid, "cmdline").split(b"\0")]
    return [pid for pid in mine if _field(pid, 1) == os.getpid() and lives(pid)]


def _living_in(scratch: Path) -> list[int]:
    """Processes that were born with that folder as their home."""
    home = f"HOME={scratch}".encode()
    return [pid for pid in _pids() if home in _file(pid, "environ").split(b"\0")]


def _zombies_of(parent: int) -> list[int]:
    return [pid for pid in _pids() if _field(pid, 1) == parent and not lives(pid)]


def _pids() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _field(pid: int, number: int) -> int:
    fields = _file(pid, "stat").rpartition(b")")[2].split()
    return int(fields[number]) if fields else 0


def _file(pid: int, name: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except OSError:
        return b""
