"""A run and its version stay together: whatever is registered, deleted or let go meanwhile."""

from __future__ import annotations

import asyncio

import pytest

from gofer.errors import Conflict, InvalidInput, NotFound
from gofer.models.manifest import Parameter
from gofer.models.run import Run
from gofer.models.status import RunStatus
from tests.scenarios.scene import NAMESPACE, PIPELINE, House, Scene, outcome, task
from tests.support.until import until_async


async def kept(scene: Scene) -> list[int]:
    page = await scene.services.versions.list(NAMESPACE, PIPELINE, None, 100)
    return [one.number for one in page.items]


async def start(scene: Scene, version: int, **parameters: str) -> Run:
    return await scene.services.runs.start(NAMESPACE, PIPELINE, parameters=parameters, version=version)


async def test_a_run_and_its_retry_keep_their_version_while_old_ones_go(house: House) -> None:
    async with house.open(pipeline_version_retention=1) as scene:
        await scene.register(task("first", "gate"))
        run = await scene.start()
        await scene.until("taskrun.running", run, "first")
        for name in ("second", "third", "fourth", "fifth"):
            await scene.register(task(name))

        async def gone() -> bool:
            return await kept(scene) == [5, 4, 1]

        await until_async(gone, "what is left is the newest, what a rollback leads to, and what a run has")
    async with house.open(pipeline_version_retention=1) as scene:
        await scene.release(run, "first")
        assert outcome(await scene.ended(run)) == (RunStatus.SUCCESSFUL, "")
        again = await scene.retry(run)
        await scene.release(again, "first")
        ended = await scene.ended(again)
        assert (ended.version, ended.retry_of) == (1, run)
        assert list(await scene.tasks(again)) == ["first"]
        newest = await scene.start()
        assert (await scene.ended(newest)).version == 5


async def test_a_deleted_version_is_not_run_though_it_is_remembered(scene: Scene) -> None:
    await scene.register(task("a"), parameters=[Parameter(name="day", required=True)])
    for name in ("b", "c"):
        await scene.register(task(name))
    with pytest.raises(InvalidInput, match="day"):
        await start(scene, 1)
    await scene.services.versions.delete(NAMESPACE, PIPELINE, 1)
    with pytest.raises(NotFound, match="has no version 1 any more"):
        await start(scene, 1, day="monday")


async def test_deleting_and_starting_at_once_leave_no_run_without_its_version(scene: Scene) -> None:
    count = 20
    for number in range(count):
        await scene.register(task(f"t{number}"))
    free = range(1, count - 1)

    async def delete(version: int) -> bool:
        try:
            await scene.services.versions.delete(NAMESPACE, PIPELINE, version)
        except Conflict:
            return False
        return True

    async def run(version: int) -> Run | None:
        try:
            return await start(scene, version)
        except NotFound:
            return None

    def both(version: int) -> tuple[asyncio.Task[bool], asyncio.Task[Run | None]]:
        # Whoever asks first: every other time it is the run.
        if version % 2:
            return asyncio.create_task(delete(version)), asyncio.create_task(run(version))
        running = asyncio.create_task(run(version))
        return asyncio.create_task(delete(version)), running

    pairs = [both(version) for version in free]
    runs = []
    for deleting, running in pairs:
        started = await running
        assert (await deleting) == (started is None)
        if started is not None:
            runs.append(started)
    assert await kept(scene) == [count, count - 1, *sorted((one.version for one in runs), reverse=True)]
    assert 0 < len(runs) < len(free)
    for one in runs:
        assert outcome(await scene.ended(one.id)) == (RunStatus.SUCCESSFUL, "")
