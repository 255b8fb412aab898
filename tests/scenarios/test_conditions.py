"""What runs, what is skipped, and what the run is called in the end."""

from __future__ import annotations

import pytest

from gofer.models.status import RunStatus
from tests.scenarios.scene import Scene, outcome, task


async def test_conditions_decide_what_runs_after_a_failure(scene: Scene) -> None:
    await scene.register(
        task("bad", "exit", "3"),
        task("on-success", after="bad"),
        task("on-failure", after={"bad": "failed"}),
        task("always", after={"bad": "any"}),
        task("after-skipped", after="on-success"),
        task("any-after-skipped", after={"after-skipped": "any"}),
    )
    run = await scene.start()
    ended = await scene.ended(run)
    assert outcome(ended) == (RunStatus.FAILED, "task_failed")
    assert ended.detail == "failed: bad"
    assert await scene.statuses(run) == {
        "bad": "failed",
        "on-success": "skipped",
        "on-failure": "successful",
        "always": "successful",
        "after-skipped": "skipped",
        "any-after-skipped": "successful",
    }
    assert (await scene.task(run, "after-skipped")).reason == "parents_unmet"


async def test_a_branch_that_is_not_taken_leaves_the_run_successful(scene: Scene) -> None:
    await scene.register(task("good"), task("clean-up", after={"good": "failed"}))
    run = await scene.start()
    assert outcome(await scene.ended(run)) == (RunStatus.SUCCESSFUL, "")
    assert (await scene.statuses(run))["clean-up"] == "skipped"


async def test_a_failure_that_is_allowed_does_not_fail_the_run(scene: Scene) -> None:
    await scene.register(task("flaky", "exit", "1", allow_failure=True), task("next", after={"flaky": "any"}))
    run = await scene.start()
    assert outcome(await scene.ended(run)) == (RunStatus.SUCCESSFUL, "")
    assert await scene.statuses(run) == {"flaky": "failed", "next": "successful"}


async def test_cancelled_outweighs_failed(scene: Scene) -> None:
    await scene.register(task("bad", "exit", "1"), task("long", "gate"))
    run = await scene.start()
    await scene.until("taskrun.ended", run, "bad")
    await scene.cancel(run)
    assert outcome(await scene.ended(run)) == (RunStatus.CANCELLED, "cancelled_by_user")


async def test_a_dependant_waits_for_every_node_of_a_matrix(scene: Scene) -> None:
    fan = task("fan", "gate", matrix={"n": ["1", "2", "3"]})
    await scene.register(fan, task("join", after="fan"), task("mend", after={"fan": "failed"}))
    run = await scene.start()
    for name in ("fan-1", "fan-2"):
        await scene.release(run, name)
        await scene.until("taskrun.ended", run, name)
        assert (await scene.statuses(run))["join"] == "waiting"
    await scene.release(run, "fan-3")
    assert outcome(await scene.ended(run)) == (RunStatus.SUCCESSFUL, "")
    statuses = await scene.statuses(run)
    assert (statuses["join"], statuses["mend"]) == ("successful", "skipped")


async def test_one_failed_node_of_a_matrix_decides_for_all_of_it(scene: Scene) -> None:
    fan = task("fan", "gate", "exit", "matrix{{code}}", matrix={"code": ["0", "1"]})
    await scene.register(
        fan, task("join", after="fan"), task("mend", after={"fan": "failed"}), task("always", after={"fan": "any"})
    )
    run = await scene.start()
    await scene.release(run, "fan-1")
    await scene.until("taskrun.ended", run, "join")
    assert (await scene.statuses(run))["mend"] == "waiting"
    await scene.release(run, "fan-0")
    await scene.ended(run)
    statuses = await scene.statuses(run)
    assert (statuses["join"], statuses["mend"], statuses["always"]) == ("skipped", "successful", "successful")


async def test_a_dependant_of_two_parents_needs_both(scene: Scene) -> None:
    await scene.register(
        task("a", "gate"),
        task("b", "exit", "1"),
        task("both", after={"a": "successful", "b": "failed"}),
        task("neither", after={"a": "failed", "b": "failed"}),
    )
    run = await scene.start()
    await scene.until("taskrun.ended", run, "b")
    assert (await scene.statuses(run))["both"] == "waiting"
    await scene.release(run, "a")
    await scene.ended(run)
    statuses = await scene.statuses(run)
    assert (statuses["both"], statuses["neither"]) == ("successful", "skipped")


@pytest.mark.parametrize("last", ["any", "successful"])
async def test_skipping_goes_down_a_long_chain(scene: Scene, last: str) -> None:
    chain = [task(f"t{n}", after=f"t{n - 1}") for n in range(1, 200)]
    await scene.register(task("t0", "exit", "1"), *chain, task("end", after={"t199": last}))
    run = await scene.start()
    await scene.ended(run)
    statuses = await scene.statuses(run)
    assert {statuses[f"t{n}"] for n in range(1, 200)} == {"skipped"}
    assert statuses["end"] == ("successful" if last == "any" else "skipped")
