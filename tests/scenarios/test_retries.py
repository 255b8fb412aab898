"""Further attempts: when, how often, and what is kept of each."""

from __future__ import annotations

from gofer.models.status import RunStatus
from tests.scenarios.scene import House, Scene, outcome, retries, task


async def test_every_attempt_has_its_own_log_and_end(scene: Scene) -> None:
    await scene.register(
        task("a", "variable", "GOFER_ATTEMPT", "gate", retries=retries(2)),
    )
    run = await scene.start()
    for attempt in (1, 2):
        scene.world.end(await scene.container(run, "a", attempt), attempt)
    await scene.release(run, "a", 3)
    assert (await scene.ended(run)).status is RunStatus.SUCCESSFUL
    found = await scene.task(run, "a")
    assert [(a.number, a.status, a.exit_code) for a in found.attempts] == [
        (1, "failed", 1),
        (2, "failed", 2),
        (3, "successful", 0),
    ]
    assert len({a.uid for a in found.attempts}) == 3
    for attempt in (1, 2, 3):
        assert await scene.log(run, "a", attempt) == [str(attempt)]
    assert (found.status, found.reason, found.detail, found.exit_code) == ("successful", "", "", 0)


async def test_when_no_attempt_is_left_the_last_ones_end_counts(scene: Scene) -> None:
    await scene.register(task("a", "oom", retries=retries(2)))
    run = await scene.start()
    assert outcome(await scene.ended(run)) == (RunStatus.FAILED, "task_failed")
    found = await scene.task(run, "a")
    assert (found.reason, len(found.attempts)) == ("oom_killed", 3)
    assert scene.world.starts.total() == 3


async def test_a_start_that_fails_is_tried_again(scene: Scene) -> None:
    await scene.register(task("a", "fail-to-start", retries=retries(1)))
    run = await scene.start()
    await scene.ended(run)
    assert [a.reason for a in (await scene.task(run, "a")).attempts] == ["start_failed", "start_failed"]


async def test_dependants_wait_for_the_last_attempt(scene: Scene) -> None:
    await scene.register(task("a", "gate", "exit", "1", retries=retries(1)), task("mend", after={"a": "failed"}))
    run = await scene.start()
    await scene.release(run, "a", 1)
    await scene.until("taskrun.running", run, "a", nth=2)
    assert (await scene.statuses(run))["mend"] == "waiting"
    await scene.release(run, "a", 2)
    await scene.ended(run)
    assert (await scene.statuses(run))["mend"] == "successful"


async def test_between_two_attempts_it_says_when_the_next_one_begins(scene: Scene) -> None:
    await scene.register(task("a", "exit", "1", retries=retries(1, "1h")))
    run = await scene.start()
    told = await scene.until("taskrun.retrying", run, "a")
    assert told.data == {
        "attempt": 1,
        "reason": "exit_code",
        "detail": "exited with code 1",
        "next_at": told.at + 3_600_000,
    }
    found = await scene.task(run, "a")
    assert (found.status, found.reason, found.next_attempt_at) == ("queued", "exit_code", told.at + 3_600_000)


async def test_a_backoff_holds_no_slot(house: House) -> None:
    async with house.open(task_parallelism_limit=1) as scene:
        await scene.register(task("a", "exit", "1", retries=retries(1, "1h")), task("b"))
        run = await scene.start()
        await scene.until("taskrun.retrying", run, "a")
        assert (await scene.until("taskrun.ended", run, "b")).data["status"] == "successful"
