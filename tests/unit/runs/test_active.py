"""Interrupting what a task run waits for."""

from __future__ import annotations

import asyncio

import pytest

from gofer.models.manifest import Manifest, Task
from gofer.models.status import Reason
from gofer.server.runs.active import TaskState
from gofer.server.runs.plan import Plan


@pytest.fixture
def state() -> TaskState:
    return TaskState(Plan(Manifest(id="p", tasks=[Task(id="a", image="i")])).tasks[0])


async def test_an_interruption_ends_the_wait_and_the_first_reason_stays(state: TaskState) -> None:
    async def wait() -> None:
        async with asyncio.timeout(None) as scope:
            state.scope = scope
            await asyncio.get_running_loop().create_future()

    waiting = asyncio.create_task(wait())
    await asyncio.sleep(0)
    state.interrupt(Reason.RUN_CANCELLED)
    state.interrupt(Reason.CANCELLED_BY_USER)
    with pytest.raises(TimeoutError):
        await waiting
    assert state.stop is Reason.RUN_CANCELLED


async def test_an_interruption_while_the_time_is_just_up_changes_nothing(state: TaskState) -> None:
    async with asyncio.timeout(None) as scope:
        state.scope = scope
        scope.reschedule(asyncio.get_running_loop().time())
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            # The scope has expired and its owner has not left it yet.
            state.interrupt(Reason.RUN_TIMEOUT)
    assert state.stop is Reason.RUN_TIMEOUT
