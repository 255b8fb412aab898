"""Time that is up: of an attempt, and of a run."""

from __future__ import annotations

import asyncio

from gofer.models.status import RunStatus
from tests.scenarios.scene import House, Scene, outcome, retries, task


async def test_an_attempt_that_takes_too_long(scene: Scene) -> None:
    await scene.register(task("a", "say", "hello", "hang", timeout="500ms"), task("b", after={"a": "failed"}))
    run = await scene.start()
    assert outcome(await scene.ended(run)) == (RunStatus.FAILED, "task_failed")
    found = await scene.task(run, "a")
    assert (found.status, found.reason, found.exit_code) == ("failed", "timeout", 143)
    assert found.detail == "took longer than its timeout of 500ms"
    assert await scene.log(run, "a") == ["hello"]
    assert (await scene.statuses(run))["b"] == "successful"


async def test_each_attempt_has_the_whole_time(scene: Scene) -> None:
    await scene.register(task("a", "hang", timeout="50ms", retries=retries(2)))
    run = await scene.start()
    await scene.ended(run)
    assert [a.reason for a in (await scene.task(run, "a")).attempts] == ["timeout"] * 3


async def test_the_time_runs_while_the_container_is_being_started(scene: Scene) -> None:
    scene.world.hold_starts()
    await scene.register(task("a", timeout="50ms"))
    run = await scene.start()
    await scene.ended(run)
    found = await scene.task(run, "a")
    assert (found.status, found.reason, found.exit_code) == ("failed", "timeout", None)
    assert scene.world.starts.total() == 0


async def test_the_time_does_not_run_during_a_backoff(scene: Scene) -> None:
    await scene.register(task("a", "exit", "1", timeout="1ms", retries=retries(1, "200ms")))
    run = await scene.start()
    await scene.ended(run)
    assert len((await scene.task(run, "a")).attempts) == 2


async def test_a_container_that_ignores_its_time_is_killed(scene: Scene) -> None:
    await scene.register(task("a", "deaf", timeout="500ms", stop_timeout="50ms"))
    run = await scene.start()
    await scene.ended(run)
    found = await scene.task(run, "a")
    assert (found.reason, found.exit_code) == ("timeout", 137)


async def test_a_run_that_takes_too_long(scene: Scene) -> None:
    await scene.register(
        task("fast"),
        task("slow", "hang"),
        task("backing-off", "exit", "1", retries=retries(1, "1h")),
        task("next", after="slow"),
        task("always", after={"slow": "any"}),
        run_timeout="1s",
    )
    run = await scene.start()
    ended = await scene.ended(run)
    assert outcome(ended) == (RunStatus.FAILED, "run_timeout")
    assert ended.detail == "took longer than its run_timeout of 1.0s"
    tasks = await scene.tasks(run)
    assert tasks["fast"].status == "successful"
    for name in ("slow", "backing-off", "next", "always"):
        assert (tasks[name].status, tasks[name].reason) == ("cancelled", "run_timeout"), name
    assert (await scene.until("run.cancelling", run)).data == {"reason": "run_timeout"}


async def test_a_run_and_its_tasks_may_run_out_of_time_together(scene: Scene) -> None:
    """Both clocks go off in the same turn of the loop, again and again."""
    await scene.register(*(task(f"t{n}", "hang", timeout="30ms") for n in range(8)), run_timeout="30ms")
    runs = [await scene.start() for _ in range(10)]
    for run in runs:
        assert (await scene.ended(run)).status is RunStatus.FAILED
        assert set((await scene.statuses(run)).values()) <= {"failed", "cancelled"}
    assert await scene.counts() == (0, 0)


async def test_a_queued_run_has_all_its_time_before_it(house: House) -> None:
    async with house.open(run_parallelism_limit=1) as scene:
        await scene.register(task("a", "gate"))
        await scene.register(task("a", "gate"), pipeline="timed", run_timeout="1h")
        first = await scene.start()
        second = await scene.start("timed")
        assert (await scene.run(second, "timed")).started_at is None
        await scene.release(first, "a")
        started = await scene.until("run.started", second, pipeline="timed")
        assert (await scene.run(second, "timed")).started_at == started.at


async def test_the_time_of_a_run_goes_on_while_gofer_is_away(house: House) -> None:
    async with house.open() as scene:
        await scene.register(task("a", "hang"), run_timeout="800ms")
        run = await scene.start()
        await scene.until("taskrun.running", run, "a")
    until_it_is_up = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_later(0.8, until_it_is_up.set_result, None)
    await until_it_is_up
    async with house.open() as scene:
        assert outcome(await scene.ended(run)) == (RunStatus.FAILED, "run_timeout")
        assert (await scene.task(run, "a")).attempts[0].exit_code == 143
