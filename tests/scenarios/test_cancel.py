"""Cancelling a run, wherever it is just then, and cancelling one of its task runs."""

from __future__ import annotations

import asyncio

import pytest

from gofer.errors import Conflict, NotFound
from gofer.models.manifest import Parallelism
from gofer.models.status import RunStatus
from tests.scenarios.scene import House, Scene, outcome, retries, task

CANCELLED = (RunStatus.CANCELLED, "cancelled_by_user")


async def test_a_queued_run_ends_at_once_and_has_never_started(house: House) -> None:
    async with house.open(run_parallelism_limit=1) as scene:
        await scene.register(task("a", "gate"), task("b", after="a"))
        first, second, third = [await scene.start() for _ in range(3)]
        assert await scene.counts() == (2, 1)
        await scene.cancel(second)
        ended = await scene.ended(second)
        assert outcome(ended) == CANCELLED
        assert ended.started_at is None
        assert await scene.statuses(second) == {"a": "cancelled", "b": "cancelled"}
        assert [str(event.kind) for event in await scene.history(second)] == [
            "run.queued",
            "run.cancelling",
            "taskrun.ended",
            "taskrun.ended",
            "run.ended",
        ]
        assert await scene.counts() == (1, 1)
        for run in (first, third):
            await scene.release(run, "a")
            assert (await scene.ended(run)).status is RunStatus.SUCCESSFUL
        assert await scene.counts() == (0, 0)


async def test_a_task_run_that_waits_for_its_slot(house: House) -> None:
    async with house.open(task_parallelism_limit=1) as scene:
        await scene.register(task("a", "hang"), task("b"), task("c"))
        run = await scene.start()
        await scene.until("taskrun.running", run, "a")
        assert (await scene.statuses(run))["b"] == "queued"
        await scene.cancel(run)
        assert outcome(await scene.ended(run)) == CANCELLED
        assert (await scene.task(run, "b")).attempts == []
        # Nobody keeps the slot: another run gets it.
        await scene.register(task("b"), pipeline="other")
        assert (await scene.ended(await scene.start("other"), "other")).status is RunStatus.SUCCESSFUL


async def test_in_a_backoff(scene: Scene) -> None:
    await scene.register(task("a", "exit", "1", retries=retries(1, "1h")), task("b", after="a"))
    run = await scene.start()
    await scene.until("taskrun.retrying", run, "a")
    await scene.cancel(run)
    assert outcome(await scene.ended(run)) == CANCELLED
    found = await scene.task(run, "a")
    assert (found.status, found.reason, found.next_attempt_at) == ("cancelled", "run_cancelled", None)
    assert [a.status for a in found.attempts] == ["failed"]


async def test_while_the_engine_starts_the_container(scene: Scene) -> None:
    scene.world.hold_starts()
    await scene.register(task("a", retries=retries(3)))
    run = await scene.start()
    await scene.until("taskrun.starting", run, "a")
    await scene.cancel(run)
    assert outcome(await scene.ended(run)) == CANCELLED
    found = await scene.task(run, "a")
    assert (found.status, found.exit_code, len(found.attempts)) == ("cancelled", None, 1)
    assert scene.world.starts.total() == 0


async def test_a_container_may_tidy_up_within_its_grace(scene: Scene) -> None:
    await scene.register(task("a", "until-stopped", "say", "tidied up", "exit", "7"), task("b", after={"a": "any"}))
    run = await scene.start()
    await scene.until("taskrun.running", run, "a")
    asked = await scene.cancel(run)
    assert asked.cancel_requested_at is not None
    assert outcome(await scene.ended(run)) == CANCELLED
    found = await scene.task(run, "a")
    assert (found.status, found.reason, found.exit_code) == ("cancelled", "run_cancelled", 7)
    assert await scene.log(run, "a") == ["tidied up"]
    assert (await scene.statuses(run))["b"] == "cancelled"


async def test_a_container_that_does_not_listen_is_killed_after_its_grace(scene: Scene) -> None:
    await scene.register(task("a", "deaf", stop_timeout="50ms"))
    run = await scene.start()
    await scene.until("taskrun.running", run, "a")
    await scene.cancel(run)
    assert outcome(await scene.ended(run)) == CANCELLED
    assert (await scene.task(run, "a")).exit_code == 137


async def test_the_servers_grace_counts_where_a_task_has_none(house: House) -> None:
    async with house.open(task_run_stop_timeout=50) as scene:
        await scene.register(task("a", "deaf"))
        run = await scene.start()
        await scene.until("taskrun.running", run, "a")
        await scene.cancel(run)
        assert outcome(await scene.ended(run)) == CANCELLED


async def test_twice_and_after_the_end_changes_nothing_more(scene: Scene) -> None:
    await scene.register(task("a", "until-stopped", "gate"))
    run = await scene.start()
    await scene.until("taskrun.running", run, "a")
    first = await scene.cancel(run)
    again = await scene.cancel(run)
    assert again.cancel_requested_at == first.cancel_requested_at
    scene.world.end(await scene.container(run, "a"), 0)
    ended = await scene.ended(run)
    assert await scene.cancel(run) == ended
    kinds = [event.kind for event in await scene.history(run)]
    assert kinds.count("run.cancelling") == 1


@pytest.mark.parametrize("turns", range(0, 12, 2))
async def test_at_the_moment_it_ends(scene: Scene, turns: int) -> None:
    """The last container ends `turns` turns of the loop before the cancel: whichever wins, the run ends once."""
    await scene.register(task("a", "gate"), task("b", after="a"))
    run = await scene.start()
    await scene.until("taskrun.running", run, "a")
    name = await scene.container(run, "a")
    cancelling = asyncio.create_task(scene.cancel(run))
    for _ in range(turns):
        await asyncio.sleep(0)
    scene.world.release(name)
    await cancelling
    ended = await scene.ended(run)
    assert ended.status in (RunStatus.SUCCESSFUL, RunStatus.CANCELLED)
    kinds = [str(event.kind) for event in await scene.history(run)]
    assert kinds.count("run.ended") == 1
    assert await scene.counts() == (0, 0)


async def test_every_run_of_a_pipeline_and_no_other(house: House) -> None:
    async with house.open() as scene:
        await scene.register(task("a", "hang"), parallelism=Parallelism(limit=2))
        await scene.register(task("a", "gate"), pipeline="other")
        runs = [await scene.start() for _ in range(4)]
        other = await scene.start("other")
        assert await scene.services.runs.cancel_all("default", "p") == runs
        for run in runs:
            assert outcome(await scene.ended(run)) == CANCELLED
        # Those in line were never let in by the end of those before them.
        assert [(await scene.run(run)).started_at is None for run in runs] == [False, False, True, True]
        await scene.release(other, "a", pipeline="other")
        assert (await scene.ended(other, "other")).status is RunStatus.SUCCESSFUL
        assert await scene.services.runs.cancel_all("default", "p") == []


async def test_what_does_not_exist(scene: Scene) -> None:
    await scene.register(task("a", "gate"))
    run = await scene.start()
    with pytest.raises(NotFound):
        await scene.cancel(run + 1)
    with pytest.raises(NotFound):
        await scene.cancel(run, "nobody")
    with pytest.raises(NotFound):
        await scene.cancel_task(run, "nothing")
    with pytest.raises(NotFound):
        await scene.services.runs.cancel_all("default", "nobody")


async def test_one_task_run_and_what_follows_from_it(scene: Scene) -> None:
    await scene.register(
        task("a", "hang"),
        task("next", after="a"),
        task("whatever", after={"a": "any"}),
        task("after-skipped", after={"next": "any"}),
        task("beside", "gate"),
    )
    run = await scene.start()
    await scene.until("taskrun.running", run, "a")
    await scene.cancel_task(run, "a")
    await scene.until("taskrun.ended", run, "after-skipped")
    assert await scene.statuses(run) == {
        "a": "cancelled",
        "next": "skipped",
        "whatever": "skipped",
        "after-skipped": "successful",
        "beside": "running",
    }
    await scene.release(run, "beside")
    ended = await scene.ended(run)
    assert outcome(ended) == CANCELLED
    assert ended.detail == "cancelled: a"
    assert (await scene.task(run, "a")).reason == "cancelled_by_user"


async def test_a_task_run_that_has_not_begun(scene: Scene) -> None:
    await scene.register(task("a", "gate"), task("b", after="a"), task("c", after={"b": "any"}))
    run = await scene.start()
    await scene.until("taskrun.running", run, "a")
    await scene.cancel_task(run, "b")
    await scene.cancel_task(run, "b")
    assert (await scene.statuses(run)) == {"a": "running", "b": "cancelled", "c": "skipped"}
    await scene.release(run, "a")
    assert outcome(await scene.ended(run)) == CANCELLED


async def test_a_task_run_in_its_backoff_is_not_tried_again(scene: Scene) -> None:
    await scene.register(task("a", "exit", "1", retries=retries(5, "1h")))
    run = await scene.start()
    await scene.until("taskrun.retrying", run, "a")
    await scene.cancel_task(run, "a")
    assert outcome(await scene.ended(run)) == CANCELLED
    assert len((await scene.task(run, "a")).attempts) == 1


async def test_a_task_run_of_a_queued_run(house: House) -> None:
    async with house.open(run_parallelism_limit=1) as scene:
        await scene.register(task("a", "gate"))
        await scene.start()
        second = await scene.start()
        with pytest.raises(Conflict):
            await scene.cancel_task(second, "a")


async def test_a_cancel_right_after_a_retry_keeps_what_was_kept(scene: Scene) -> None:
    """The new run's task runs are still being read from the store when the cancel comes."""
    await scene.register(task("good"), task("bad", "exit", "1"))
    run = await scene.start()
    await scene.ended(run)
    again = await scene.retry(run, from_failed=True)
    await scene.cancel(again)
    ended = await scene.ended(again)
    tasks = await scene.tasks(again)
    assert (tasks["good"].status, tasks["good"].reason) == ("successful", "kept")
    assert ended.status in (RunStatus.CANCELLED, RunStatus.FAILED)
    assert await scene.counts() == (0, 0)


async def test_a_flood_of_output_stops_when_it_is_told_to(scene: Scene) -> None:
    await scene.register(task("a", "flood"))
    run = await scene.start()
    await scene.until("taskrun.running", run, "a")
    await scene.cancel(run)
    assert outcome(await scene.ended(run)) == CANCELLED
