"""An orderly stop and a new start in the middle of things. Crashes are in tests/faults."""

from __future__ import annotations

import asyncio

import pytest

from gofer.config.settings import DockerSettings, SchedulerSettings
from gofer.engines.scheduler.base import ContainerSpec
from gofer.models.manifest import Parallelism, Retries
from gofer.models.status import Reason, RunStatus
from gofer.server.runs import supervise
from gofer.server.store import runs, task_runs
from tests.scenarios.scene import House, outcome, retries, task


async def test_containers_go_on_and_are_adopted(house: House) -> None:
    async with house.open() as scene:
        await scene.register(task("a", "say", "one", "gate", "say", "two"), task("b", after="a"))
        run = await scene.start()
        await scene.until("taskrun.running", run, "a")
        name = await scene.container(run, "a")
    house.world.release(name)
    async with house.open() as scene:
        assert (await scene.ended(run)).status is RunStatus.SUCCESSFUL
        assert await scene.log(run, "a") == ["one", "two"]
        assert len((await scene.task(run, "a")).attempts) == 1
    assert set(house.world.starts.values()) == {1}
    assert house.world.find({}) == []


async def test_a_container_that_is_gone_is_lost_and_tried_again(house: House) -> None:
    async with house.open() as scene:
        await scene.register(task("a", "gate", retries=retries(1)), task("b", "gate"))
        run = await scene.start()
        names = []
        for name in ("a", "b"):
            await scene.until("taskrun.running", run, name)
            names.append(await scene.container(run, name))
    for name in names:
        house.world.vanish(name)
    async with house.open() as scene:
        await scene.release(run, "a", 2)
        assert outcome(await scene.ended(run)) == (RunStatus.FAILED, "task_failed")
        assert [(a.status, a.reason) for a in (await scene.task(run, "a")).attempts] == [
            ("failed", "lost"),
            ("successful", ""),
        ]
        assert (await scene.task(run, "b")).reason == "lost"


async def test_an_attempt_that_was_being_started(house: House) -> None:
    async with house.open() as scene:
        house.world.hold_starts()
        await scene.register(task("a", "say", "hello"))
        run = await scene.start()
        await scene.until("taskrun.starting", run, "a")
    house.world.release_starts()
    async with house.open() as scene:
        assert (await scene.ended(run)).status is RunStatus.SUCCESSFUL
        assert await scene.log(run, "a") == ["hello"]
        assert len((await scene.task(run, "a")).attempts) == 1


async def test_queued_runs_keep_their_order_and_their_limit(house: House) -> None:
    async with house.open() as scene:
        await scene.register(task("a", "gate"), parallelism=Parallelism(limit=1))
        first, *rest = [await scene.start() for _ in range(4)]
        await scene.until("taskrun.running", first, "a")
    async with house.open() as scene:
        assert await scene.counts() == (3, 1)
        for run in (first, *rest):
            await scene.release(run, "a")
            await scene.ended(run)
        started = [(await scene.run(run)).started_at or 0 for run in (first, *rest)]
        assert started == sorted(started)
        assert await scene.counts() == (0, 0)


async def test_a_backoff_goes_on(house: House) -> None:
    async with house.open() as scene:
        await scene.register(
            task("a", "exit", "1", retries=retries(1, "300ms")), task("b", "exit", "1", retries=retries(1, "1h"))
        )
        run = await scene.start()
        for name in ("a", "b"):
            await scene.until("taskrun.retrying", run, name)
    async with house.open() as scene:
        next_at = (await scene.task(run, "b")).next_attempt_at
        await scene.until("taskrun.ended", run, "a")
        attempts = (await scene.task(run, "a")).attempts
        assert attempts[1].starting_at >= (attempts[0].ended_at or 0) + 300
        found = await scene.task(run, "b")
        assert (found.status, found.next_attempt_at) == ("queued", next_at)
        await scene.cancel(run)
        assert (await scene.ended(run)).status is RunStatus.CANCELLED


async def test_a_backoff_gets_no_longer_by_a_clock_that_was_set_back(house: House) -> None:
    async with house.open() as scene:
        await scene.register(task("a", "exit", "1", retries=Retries(count=1, backoff="600ms", max_backoff="600ms")))
        run = await scene.start()
        await scene.until("taskrun.retrying", run, "a")
        later = "UPDATE task_runs SET next_attempt_at = next_attempt_at + 3600000"
        await scene.services.database.write(lambda tx: tx.execute(later))
    async with house.open() as scene:
        assert (await scene.ended(run)).status is RunStatus.FAILED
        assert len((await scene.task(run, "a")).attempts) == 2


async def test_task_runs_beyond_the_slots_wait_again(house: House) -> None:
    async with house.open(task_parallelism_limit=1) as scene:
        await scene.register(*(task(f"t{n}", "gate") for n in range(3)))
        run = await scene.start()
        await scene.until("taskrun.running", run, "t0")
    async with house.open(task_parallelism_limit=1) as scene:
        for n in range(3):
            await scene.release(run, f"t{n}")
        assert (await scene.ended(run)).status is RunStatus.SUCCESSFUL
        assert house.world.starts.total() == 3


@pytest.mark.parametrize("where", ["running", "starting", "backoff", "queued"])
async def test_a_cancel_that_nobody_has_followed(house: House, where: str) -> None:
    """As if Gofer had died between storing the wish and doing something about it."""
    command = ["exit", "1"] if where == "backoff" else ["hang"]
    limit = 1 if where == "queued" else 0
    async with house.open(run_parallelism_limit=limit) as scene:
        if where == "starting":
            house.world.hold_starts()
        await scene.register(task("a", *command, retries=retries(1, "1h")), task("b", after="a"))
        run = await scene.start()
        event = {"backoff": "taskrun.retrying", "starting": "taskrun.starting"}.get(where, "taskrun.running")
        await scene.until(event, run, "a")
        if where == "queued":
            run = await scene.start()
        row = await scene.services.database.read(lambda c: runs.get(c, "default", "p", run))
        assert row is not None
        key = row.key
        await scene.services.database.write(lambda tx: runs.request_cancel(tx, key, 1, Reason.CANCELLED_BY_USER))
    async with house.open(run_parallelism_limit=limit) as scene:
        assert outcome(await scene.ended(run)) == (RunStatus.CANCELLED, "cancelled_by_user")
        assert await scene.statuses(run) == {"a": "cancelled", "b": "cancelled"}
    house.world.release_starts()


@pytest.mark.parametrize("name", ["a", "b"])
async def test_a_cancel_of_a_task_run_that_nobody_has_followed(house: House, name: str) -> None:
    async with house.open() as scene:
        await scene.register(task("a", "hang"), task("b", after={"a": "any"}))
        run = await scene.start()
        await scene.until("taskrun.running", run, "a")
        row = await scene.services.database.read(lambda c: runs.get(c, "default", "p", run))
        assert row is not None
        key, position = row.key, ["a", "b"].index(name)
        await scene.services.database.write(lambda tx: task_runs.request_cancel(tx, key, position, 1))
    async with house.open() as scene:
        assert (await scene.until("taskrun.ended", run, name)).data["status"] == "cancelled"
        if name == "b":
            assert (await scene.statuses(run))["a"] == "running"
            house.world.end(await scene.container(run, "a"), 0)
        assert outcome(await scene.ended(run)) == (RunStatus.CANCELLED, "cancelled_by_user")


async def test_a_cancel_before_what_is_stored_has_been_read(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """The supervisor of an adopted run is found by a cancel before it knows its task runs."""
    async with house.open() as scene:
        await scene.register(task("done"), task("a", "hang", after="done"), task("b", after="a"))
        run = await scene.start()
        await scene.until("taskrun.running", run, "a")
    wish = []
    restore = supervise.Supervisor._restore

    async def and_cancel(self: supervise.Supervisor) -> None:
        await self.cancel(Reason.CANCELLED_BY_USER)
        wish.append(self)
        await restore(self)

    monkeypatch.setattr(supervise.Supervisor, "_restore", and_cancel)
    async with house.open() as scene:
        assert outcome(await scene.ended(run)) == (RunStatus.CANCELLED, "cancelled_by_user")
        assert await scene.statuses(run) == {"done": "successful", "a": "cancelled", "b": "cancelled"}
        assert (await scene.task(run, "a")).exit_code == 143
    assert len(wish) == 1
    assert house.world.find({}) == []


async def test_skipped_and_ended_ones_stay_as_they_are(house: House) -> None:
    async with house.open() as scene:
        await scene.register(
            task("bad", "exit", "1"),
            task("skipped", after="bad"),
            task("long", "gate"),
            task("join", after={"skipped": "any", "long": "successful"}),
        )
        run = await scene.start()
        await scene.until("taskrun.ended", run, "skipped")
        before = (await scene.tasks(run))["bad"], (await scene.task(run, "bad")).attempts
    async with house.open() as scene:
        await scene.release(run, "long")
        ended = await scene.ended(run)
        assert outcome(ended) == (RunStatus.FAILED, "task_failed")
        assert ((await scene.tasks(run))["bad"], (await scene.task(run, "bad")).attempts) == before
        assert (await scene.statuses(run))["join"] == "successful"
        kinds = [(str(e.kind), e.task) for e in await scene.history(run)]
        assert len(kinds) == len(set(kinds))


async def test_what_was_left_behind_is_pruned_now_and_then_if_so_configured(house: House) -> None:
    prune = SchedulerSettings(engine="fake", docker=DockerSettings(prune=True, prune_interval=10))
    async with house.open(scheduler=prune) as scene:
        await scene.register(task("a", "gate"))
        run = await scene.start()
        await scene.until("taskrun.running", run, "a")
        needed = await scene.container(run, "a")
        labels = {"gofer.server": scene.services.database.server_id}
        await scene.services.scheduler.start(
            ContainerSpec(name="left-behind", image="i", command=["exit", "0"], labels=labels)
        )
        assert await scene.services.scheduler.wait("left-behind") is not None
        while "left-behind" in scene.left():
            await asyncio.sleep(0.005)
        assert scene.left() == [needed]
        await scene.release(run, "a")
        assert (await scene.ended(run)).status is RunStatus.SUCCESSFUL
