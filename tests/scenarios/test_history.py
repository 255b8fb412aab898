"""A run's own history: every change of every task run, with its time and its reason, in order."""

from __future__ import annotations

from tests.scenarios.scene import Scene, retries, task


async def test_the_events_of_a_run_tell_each_change_in_order(scene: Scene) -> None:
    scene.world.unpulled_images.add("fake")
    await scene.register(
        task("a", "gate", "exit", "3", retries=retries(1)), task("b", after="a"), task("c", after={"a": "failed"})
    )
    run = await scene.start()
    for attempt in (1, 2):
        await scene.release(run, "a", attempt)
    await scene.ended(run)
    history = await scene.history(run)
    assert [(str(event.kind), event.task) for event in history] == [
        ("run.queued", ""),
        ("run.started", ""),
        ("taskrun.starting", "a"),
        ("image.pulling", "a"),
        ("image.pulled", "a"),
        ("taskrun.running", "a"),
        ("taskrun.retrying", "a"),
        ("taskrun.starting", "a"),
        ("taskrun.running", "a"),
        ("taskrun.ended", "a"),
        ("taskrun.starting", "c"),
        ("taskrun.ended", "b"),
        ("taskrun.running", "c"),
        ("taskrun.ended", "c"),
        ("run.ended", ""),
    ]
    by_task = {name: [event.data for event in history if event.task == name] for name in ("a", "b", "c")}
    assert [data.get("attempt") for data in by_task["a"]] == [1, None, None, 1, 1, 2, 2, 2]
    assert by_task["a"][-1] == {
        "status": "failed",
        "reason": "exit_code",
        "detail": "exited with code 3",
        "exit_code": 3,
        "attempt": 2,
    }
    assert by_task["b"] == [{"status": "skipped", "reason": "parents_unmet"}]
    assert history[-1].data == {"status": "failed", "reason": "task_failed", "detail": "failed: a"}
    times = [event.at for event in history]
    assert times == sorted(times)
    assert [event.seq for event in history] == sorted(event.seq for event in history)


async def test_the_rows_agree_with_the_events(scene: Scene) -> None:
    await scene.register(task("a", "gate", retries=retries(1)))
    run = await scene.start()
    await scene.until("taskrun.running", run, "a")
    scene.world.end(await scene.container(run, "a"), 1)
    await scene.release(run, "a", 2)
    ended = await scene.ended(run)
    history = await scene.history(run)
    found = await scene.task(run, "a")

    def times(kind: str) -> list[int]:
        return [event.at for event in history if event.kind == kind]

    assert [attempt.starting_at for attempt in found.attempts] == times("taskrun.starting")
    assert [attempt.running_at for attempt in found.attempts] == times("taskrun.running")
    assert [attempt.ended_at for attempt in found.attempts] == times("taskrun.retrying") + times("taskrun.ended")
    assert found.started_at == times("taskrun.running")[0]
    assert [ended.created_at, ended.started_at] == times("run.queued") + times("run.started")


async def test_two_that_start_together_are_both_shown_as_running(scene: Scene) -> None:
    """Neither waits for something else to be recorded."""
    await scene.register(*(task(f"t{n}", "gate") for n in range(20)))
    run = await scene.start()
    for n in range(20):
        await scene.until("taskrun.running", run, f"t{n}")
    assert set((await scene.statuses(run)).values()) == {"running"}
