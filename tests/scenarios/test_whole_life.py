"""Large runs, many runs, and what becomes of them afterwards."""

from __future__ import annotations

import asyncio
import gc

import pytest

from gofer.errors import Conflict, NotFound
from gofer.models.manifest import MAX_TASKS
from gofer.models.status import RunStatus
from gofer.server.runs.active import ActiveRun
from gofer.server.runs.supervise import Supervisor
from tests.scenarios.scene import NAMESPACE, House, Scene, task
from tests.support.server import Api


async def test_the_largest_pipeline_runs_through(scene: Scene) -> None:
    wide = [task(f"w{n}", after="first") for n in range(MAX_TASKS - 2)]
    join = task("join", after=" ".join(t.id for t in wide[:500]))
    await scene.register(task("first"), *wide, join)
    run = await scene.start()
    ended = await scene.ended(run)
    assert (ended.status, ended.task_count) == (RunStatus.SUCCESSFUL, MAX_TASKS)
    assert scene.world.starts.total() == MAX_TASKS
    assert set((await scene.statuses(run)).values()) == {"successful"}


async def test_two_large_fans_that_follow_each_other(scene: Scene) -> None:
    values = [str(n) for n in range(300)]
    await scene.register(
        task("one", matrix={"n": values}), task("two", after="one", matrix={"n": values}), task("end", after="two")
    )
    run = await scene.start()
    assert (await scene.ended(run)).status is RunStatus.SUCCESSFUL
    assert scene.world.starts.total() == 601


async def test_ended_runs_are_let_go_of(scene: Scene) -> None:
    await scene.register(task("a", "exit", "1"), task("b", after={"a": "failed"}))
    for run in await asyncio.gather(*(scene.start() for _ in range(20))):
        await scene.ended(run)
    assert await scene.counts() == (0, 0)
    gc.collect()
    alive = [found for found in gc.get_objects() if isinstance(found, (Supervisor, ActiveRun))]
    assert alive == []
    assert [t.get_name() for t in asyncio.all_tasks() if t.get_name().startswith(("run ", "task run", "journal"))] == []


async def test_containers_go_when_their_end_is_stored(house: House) -> None:
    async with house.open() as scene:
        await scene.register(task("a"), task("b", "exit", "1"), task("c", "hang"))
        run = await scene.start()
        await scene.until("taskrun.running", run, "c")
        await scene.cancel(run)
        await scene.ended(run)
    assert house.world.find({}) == []


async def test_a_pipeline_with_runs_that_have_not_ended_is_not_deleted(scene: Scene) -> None:
    await scene.register(task("a", "gate"))
    run = await scene.start()
    with pytest.raises(Conflict):
        await scene.services.pipelines.delete(NAMESPACE, "p")
    await scene.release(run, "a")
    await scene.ended(run)
    await scene.services.pipelines.delete(NAMESPACE, "p")
    with pytest.raises(NotFound):
        await scene.run(run)
    # One of the same name begins anew.
    await scene.register(task("a"))
    assert await scene.start() == 1
    # The events of the first one are still there.
    assert (await scene.until("run.ended", 1, nth=2)).data == {"status": "successful"}


async def test_logs_are_kept_for_the_newest_runs(house: House) -> None:
    async with house.open(task_run_log_expiry=2) as scene:
        await scene.register(task("a", "say", "hello"))
        for run in range(1, 5):
            assert await scene.start() == run
            await scene.ended(run)
        for run in (1, 2):
            await scene.until("logs.expired", run)
            assert (await scene.task(run, "a")).attempts[0].log_state == "expired"
            path = f"namespaces/default/pipelines/p/runs/{run}/tasks/a/log"
            status, problem = await asyncio.to_thread(Api(scene.services.address).call, "GET", path)
            assert (status, problem["title"]) == (410, "Gone")
        for run in (3, 4):
            assert (await scene.task(run, "a")).attempts[0].log_state == "complete"
            assert await scene.log(run, "a") == ["hello"]


async def test_a_start_that_is_sent_again_with_its_key_is_the_same_run(house: House) -> None:
    path, key = "namespaces/default/pipelines/p/runs", {"Idempotency-Key": "once"}
    async with house.open() as scene:
        await scene.register(task("a"))
        api = Api(scene.services.address)
        answers = await asyncio.gather(*(asyncio.to_thread(api.call, "POST", path, {}, key) for _ in range(5)))
        assert {status for status, _ in answers} == {201}
        assert {answer["id"] for _, answer in answers} == {1}
        await scene.ended(1)
    async with house.open() as scene:
        api = Api(scene.services.address)
        status, answer = await asyncio.to_thread(api.call, "POST", path, {}, key)
        assert (status, answer["id"]) == (201, 1)
        assert await scene.start() == 2


async def test_a_shell_beside_a_running_task_and_beside_none(scene: Scene) -> None:
    await scene.register(task("a", "gate"), task("b", after="a"))
    run = await scene.start()
    await scene.until("taskrun.running", run, "a")
    session = await scene.services.runs.exec(NAMESPACE, "p", run, "a", ["say", "hello"], terminal=False)
    assert b"".join([chunk.data async for chunk in session.output()]) == b"hello\n"
    assert await session.exit_code() == 0
    await session.close()
    with pytest.raises(Conflict):
        await scene.services.runs.exec(NAMESPACE, "p", run, "b", ["say", "hello"], terminal=False)
    await scene.release(run, "a")
    await scene.ended(run)
