"""SIGKILL at any moment: the file is a beginning of the log, and whoever goes on loses and doubles nothing."""

from __future__ import annotations

import asyncio
import os
import random
import sys
from pathlib import Path

import pytest

from gofer.server.clock import Clock
from gofer.server.logs.folder import log_path
from gofer.server.logs.logs import Logs
from gofer.server.logs.record import STREAMS
from tests.unit.logs.capturing_child import output
from tests.unit.logs.masked import masked
from tests.unit.logs.reading import LOG, printed, shown

# All over the output, one in the other and across each other, some without an end.
HIDDEN = ["xxxxx", "longlong", "stdout 1", "4 xx", "5 xxx\nstderr 7"]


async def capture_until(root: Path, seed: int, size: int, hidden: list[str]) -> bool:
    """Let a process go on with the log and kill it once the file has grown to `size`. True: it was quicker."""
    path = log_path(root, LOG)
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.unit.logs.capturing_child",
        str(root),
        str(seed),
        *hidden,
        stdout=asyncio.subprocess.PIPE,
    )
    assert child.stdout is not None
    assert await child.stdout.readline()
    ended = asyncio.create_task(child.wait())
    while not ended.done() and (not path.exists() or path.stat().st_size < size):
        await asyncio.sleep(0.001)
    if not ended.done():
        child.kill()
    return await ended == 0


@pytest.mark.parametrize(("seed", "hidden"), [(1, []), (2, []), (3, HIDDEN), (4, HIDDEN)])
async def test_killed_again_and_again(tmp_path: Path, seed: int, hidden: list[str]) -> None:
    chance, kills, size = random.Random(seed), 0, 0
    path = log_path(tmp_path, LOG)
    step = 100_000 if hidden else 500_000
    while not await capture_until(tmp_path, kills, size + chance.randrange(1, step), hidden):
        kills += 1
        size = path.stat().st_size
        if chance.random() < 0.5:
            # As if the last write had been torn elsewhere.
            size = max(0, size - chance.randrange(500))
            os.truncate(path, size)
        if chance.random() < 0.3:
            index = path.with_suffix(".idx")
            if index.exists():
                os.truncate(index, max(0, index.stat().st_size - chance.randrange(100)))
    assert kills >= 4
    content = path.read_bytes()
    for stream in STREAMS:
        assert printed(content, stream) == (masked(hidden, output(stream)) if hidden else output(stream))
    lines = shown(content)
    logs = Logs(tmp_path, Clock())
    for number in chance.sample(range(1, len(lines) + 1), 200):
        page = await logs.read(LOG, number, 1, None, complete=True)
        assert page.total == len(lines)
        assert (page.lines[0].number, page.lines[0].text) == (number, lines[number - 1].text)
