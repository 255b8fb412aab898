"""Commands beside a job's own."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator

import pytest

from gofer.engines.scheduler.base import Chunk
from gofer.engines.scheduler.process_record import address
from gofer.engines.scheduler.process_session import ProcessSession
from gofer.errors import Conflict
from gofer.models.log import Stream
from tests.unit.engines.conftest import Processes, lives, together

pytestmark = pytest.mark.timeout(60)


@pytest.fixture
async def job(processes: Processes) -> str:
    name = await processes.start("echo ready; sleep 1000", environment={"MINE": "yes"}, working_directory="here")
    await processes.first_line(name)
    return name


async def _all(session: ProcessSession) -> dict[Stream, bytes]:
    return together([chunk async for chunk in session.output()])


async def _first(session: ProcessSession) -> tuple[Chunk, AsyncIterator[Chunk]]:
    chunks = session.output()
    return await anext(chunks), chunks


async def test_it_has_the_jobs_folder_and_variables(processes: Processes, job: str) -> None:
    session = await processes.scheduler.exec(job, ["sh", "-c", "pwd; echo $MINE $HOME"], terminal=False)
    scratch = processes.scratch(job)
    assert (await _all(session))["stdout"].decode() == f"{scratch}/here\nyes {scratch}\n"
    await session.close()


async def test_it_works_for_an_adopted_job_too(processes: Processes, job: str) -> None:
    await processes.reopen()
    session = await processes.scheduler.exec(job, ["sh", "-c", "echo $MINE"], terminal=False)
    assert (await _all(session))["stdout"] == b"yes\n"
    await session.close()


@pytest.mark.parametrize(("command", "code"), [(["no-such-program"], 127), (["/etc/passwd"], 126)])
@pytest.mark.parametrize("terminal", [False, True])
async def test_what_cannot_be_executed_says_so_as_a_shell_would(
    processes: Processes, job: str, command: list[str], code: int, terminal: bool
) -> None:
    session = await processes.scheduler.exec(job, command, terminal=terminal)
    assert command[0].encode() in (await _all(session))["stdout" if terminal else "stderr"]
    assert await session.exit_code() == code
    await session.close()


async def test_it_ends_with_its_job(processes: Processes, job: str) -> None:
    session = await processes.scheduler.exec(job, ["sh", "-c", "echo $$; sleep 1000"], terminal=False)
    chunk, rest = await _first(session)
    await processes.scheduler.stop(job, 30)
    assert [chunk async for chunk in rest] == []
    assert await session.exit_code() == 137
    assert not lives(int(chunk.data))
    await session.close()


@pytest.mark.parametrize("terminal", [False, True])
async def test_closing_kills_it_and_what_it_started(processes: Processes, job: str, terminal: bool) -> None:
    script = "sleep 1000 & echo $!; wait"
    session = await processes.scheduler.exec(job, ["sh", "-c", script], terminal=terminal)
    chunk, _ = await _first(session)
    await session.close()
    while lives(int(chunk.data)):
        await asyncio.sleep(0.001)
    await session.write(b"too late")
    await session.resize(1, 1)
    await session.close_input()
    found = await processes.scheduler.inspect(job)
    assert found is not None
    assert found.status == "running"


async def test_it_ends_though_something_holds_its_output_open(processes: Processes, job: str) -> None:
    session = await processes.scheduler.exec(job, ["sh", "-c", "echo said; sleep 1000 & exit 4"], terminal=False)
    assert (await _all(session))["stdout"] == b"said\n"
    assert await session.exit_code() == 4
    await session.close()


async def test_a_terminals_end_of_input_ends_a_shell(processes: Processes, job: str) -> None:
    session = await processes.scheduler.exec(job, ["sh"], terminal=True)
    await session.write(b"exec 2>&1; PS1=; echo si''de\n")
    await session.close_input()
    assert b"side\r\n" in (await _all(session))["stdout"]
    assert await session.exit_code() == 0
    await session.close()


async def test_an_interrupt_typed_at_a_terminal_arrives(processes: Processes, job: str) -> None:
    session = await processes.scheduler.exec(job, ["sed", "-u", "s/ready/listening/"], terminal=True)
    await session.write(b"ready\n")
    seen = b""
    chunks = session.output()
    while b"listening" not in seen:
        seen += (await anext(chunks)).data
    await session.write(b"\x03")
    assert b"ready" not in b"".join([chunk.data async for chunk in chunks])
    assert await session.exit_code() == 130
    await session.close()


async def test_sizes_that_no_terminal_has_are_cut(processes: Processes, job: str) -> None:
    session = await processes.scheduler.exec(job, ["stty", "size"], terminal=True, columns=10**9, rows=-5)
    assert (await _all(session))["stdout"] == b"0 65535\r\n"
    await session.resize(-1, 10**9)
    await session.close()


@pytest.mark.parametrize("command", [[], ["echo", "a\0b"]])
async def test_what_is_no_command_is_refused(processes: Processes, job: str, command: list[str]) -> None:
    with pytest.raises(Conflict):
        await processes.scheduler.exec(job, command, terminal=False)


async def test_a_reader_that_stops_holds_up_the_command_and_nothing_else(processes: Processes, job: str) -> None:
    session = await processes.scheduler.exec(job, ["sh", "-c", "yes | head -c 5000000"], terminal=False)
    assert (await processes.scheduler.check()).name == "process"
    assert len((await _all(session))["stdout"]) == 5_000_000
    await session.close()


@pytest.mark.parametrize(
    "nonsense", [b"\n", b"what?\n", b"{}\n", b'{"exec": []}\n', b'{"exec": ["true"], "terminal": true}\n', b"\xff\n"]
)
async def test_nonsense_from_a_peer_costs_the_peer_only(processes: Processes, job: str, nonsense: bytes) -> None:
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_UNIX) as peer:
        peer.setblocking(False)
        await loop.sock_connect(peer, address(processes.record(job).description.token))
        await loop.sock_sendall(peer, nonsense)
        assert await loop.sock_recv(peer, 100) == b""
    session = await processes.scheduler.exec(job, ["echo", "well"], terminal=False)
    assert (await _all(session))["stdout"] == b"well\n"
    await session.close()


async def test_a_long_command_arrives_whole(processes: Processes, job: str) -> None:
    long = json.dumps(["x" * 100_000])
    session = await processes.scheduler.exec(job, ["printf", "%s", *[long[:100_000]] * 5], terminal=False)
    assert len((await _all(session))["stdout"]) == 500_000
    await session.close()
