"""Running an ended run again: whole, or from what was not successful."""

from __future__ import annotations

from typing import Any

import pytest

from gofer.errors import Conflict, NotFound, StoreBusy
from gofer.models.manifest import Parallelism, Parameter
from gofer.models.status import RunStatus
from tests.scenarios.scene import NAMESPACE, Scene, outcome, task


async def failing_once(scene: Scene) -> int:
    """A run with every kind of end; `bad` does what its variable says in the run that retries it."""
    await scene.register(
        task("good", "variable", "GOFER_RUN_ID"),
        task("bad", "gate", after="good"),
        task("after-good", after="good"),
        task("after-bad", after="bad"),
        task("mend", after={"bad": "failed"}),
    )
    run = await scene.start()
    await scene.until("taskrun.running", run, "bad")
    scene.world.end(await scene.container(run, "bad"), 1)
    await scene.ended(run)
    return run


async def test_a_whole_run(scene: Scene) -> None:
    run = await failing_once(scene)
    again = await scene.retry(run)
    await scene.release(again, "bad")
    ended = await scene.ended(again)
    assert outcome(ended) == (RunStatus.SUCCESSFUL, "")
    assert (ended.retry_of, ended.initiator.kind, ended.initiator.name) == (run, "retry", str(run))
    assert len((await scene.task(again, "good")).attempts) == 1


async def test_from_what_failed_and_conditions_are_weighed_again(scene: Scene) -> None:
    run = await failing_once(scene)
    assert await scene.statuses(run) == {
        "good": "successful",
        "bad": "failed",
        "after-good": "successful",
        "after-bad": "skipped",
        "mend": "successful",
    }
    again = await scene.retry(run, from_failed=True)
    await scene.release(again, "bad")
    assert outcome(await scene.ended(again)) == (RunStatus.SUCCESSFUL, "")
    tasks = await scene.tasks(again)
    kept = {name for name, found in tasks.items() if found.reason == "kept"}
    assert kept == {"good", "after-good", "mend"}
    assert {tasks[name].detail for name in kept} == {f"ran in run {run}"}
    assert (tasks["bad"].status, tasks["after-bad"].status) == ("successful", "successful")
    assert (await scene.task(again, "good")).attempts == []


async def test_again_and_again_the_origin_stays(scene: Scene) -> None:
    first = await failing_once(scene)
    second = await scene.retry(first, from_failed=True)
    await scene.until("taskrun.running", second, "bad")
    scene.world.end(await scene.container(second, "bad"), 1)
    assert outcome(await scene.ended(second)) == (RunStatus.FAILED, "task_failed")
    third = await scene.retry(second, from_failed=True)
    await scene.release(third, "bad")
    assert outcome(await scene.ended(third)) == (RunStatus.SUCCESSFUL, "")
    tasks = await scene.tasks(third)
    assert (tasks["good"].reason, tasks["good"].detail) == ("kept", f"ran in run {first}")


async def test_the_old_version_and_the_old_parameters(scene: Scene) -> None:
    where = Parameter(name="where", default="here")
    await scene.register(task("a", "variable", "where", "exit", "1"), parameters=[where])
    run = await scene.start(where="there")
    await scene.ended(run)
    await scene.register(task("other"))
    again = await scene.retry(run)
    ended = await scene.ended(again)
    assert (ended.version, ended.parameters) == (1, {"where": "there"})
    assert await scene.log(again, "a") == ["there"]


async def test_what_cannot_be_retried(scene: Scene) -> None:
    await scene.register(task("a", "gate"))
    run = await scene.start()
    for from_failed in (False, True):
        with pytest.raises(Conflict, match="still"):
            await scene.retry(run, from_failed=from_failed)
    await scene.release(run, "a")
    await scene.ended(run)
    with pytest.raises(Conflict, match="successful"):
        await scene.retry(run, from_failed=True)
    with pytest.raises(NotFound):
        await scene.retry(run + 1)
    await scene.services.pipelines.set_enabled(NAMESPACE, "p", False)
    with pytest.raises(Conflict, match="disabled"):
        await scene.retry(run)


async def test_a_run_that_goes_just_then(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its pipeline is deleted and registered anew between looking the run up and storing the new one."""
    await scene.register(task("a", "exit", "1"))
    run = await scene.start()
    await scene.ended(run)
    database = scene.services.database
    write = database.write

    async def late(work: Any) -> Any:
        monkeypatch.setattr(database, "write", write)
        await scene.services.pipelines.delete(NAMESPACE, "p")
        await scene.register(task("a", "exit", "1"))
        return await write(work)

    monkeypatch.setattr(database, "write", late)
    with pytest.raises(NotFound):
        await scene.retry(run, from_failed=True)
    page = await scene.services.runs.list(NAMESPACE, "p", None, None, 10)
    assert page.items == []


async def test_a_store_that_cannot_be_read_is_waited_for(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a retry keeps has to be read as it begins: a fault just then must not end the server."""
    await scene.register(task("good"), task("bad", "exit", "1"))
    run = await scene.start()
    await scene.ended(run)
    database = scene.services.database
    read, calls = database.read, 0

    async def once(work: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls > 1:
            raise StoreBusy("the database is locked")
        return await read(work)

    with monkeypatch.context() as patch:
        patch.setattr(database, "read", once)
        again = await scene.retry(run, from_failed=True)
        await scene.until("run.ended", again)
    assert await scene.statuses(again) == {"good": "successful", "bad": "failed"}


async def test_a_run_that_was_cancelled_or_skipped(scene: Scene) -> None:
    await scene.register(task("a", "gate"), parallelism=Parallelism(limit=1, on_limit="skip"))
    first, skipped = await scene.start(), await scene.start()
    await scene.ended(skipped)
    await scene.cancel(first)
    await scene.ended(first)
    for old in (first, skipped):
        again = await scene.retry(old, from_failed=True)
        await scene.release(again, "a")
        assert outcome(await scene.ended(again)) == (RunStatus.SUCCESSFUL, "")


async def test_a_retry_keeps_to_its_pipelines_limit(scene: Scene) -> None:
    await scene.register(task("a", "gate"), parallelism=Parallelism(limit=1))
    first = await scene.start()
    await scene.until("taskrun.running", first, "a")
    scene.world.end(await scene.container(first, "a"), 1)
    await scene.ended(first)
    second = await scene.start()
    again = await scene.retry(first, from_failed=True)
    assert (await scene.run(again)).status is RunStatus.QUEUED
    for run in (second, again):
        await scene.release(run, "a")
        assert (await scene.ended(run)).status is RunStatus.SUCCESSFUL
