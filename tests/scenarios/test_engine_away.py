"""The engine goes away and comes back; its containers go on meanwhile."""

from __future__ import annotations

import asyncio

from gofer.engines.scheduler.base import Container, ContainerSpec, OnPull, PlaceFiles
from gofer.engines.scheduler.fake import FakeScheduler
from gofer.engines.scheduler.fake_world import FakeWorld
from gofer.errors import EngineUnavailable
from gofer.models.status import RunStatus
from tests.scenarios.scene import House, Scene, outcome, task


async def test_while_a_container_is_to_be_started(scene: Scene) -> None:
    scene.world.go_away("gone fishing")
    await scene.register(task("a", "say", "hello"))
    run = await scene.start()
    told = await scene.said("engine.unavailable")
    assert told.data == {"engine": "fake", "problem": "gone fishing"}
    assert scene.services.engine_watch.problem == "gone fishing"
    assert (await scene.statuses(run))["a"] == "starting"
    scene.world.come_back()
    assert (await scene.ended(run)).status is RunStatus.SUCCESSFUL
    await scene.said("engine.available")
    assert scene.services.engine_watch.available
    assert len((await scene.task(run, "a")).attempts) == 1


async def test_while_a_container_runs_and_prints(scene: Scene) -> None:
    await scene.register(task("a", "say", "one", "gate", "say", "two"))
    run = await scene.start()
    await scene.until("taskrun.running", run, "a")
    name = await scene.container(run, "a")
    scene.world.go_away()
    await scene.said("engine.unavailable")
    scene.world.print(name, b"meanwhile\n")
    scene.world.release(name)
    scene.world.come_back()
    assert (await scene.ended(run)).status is RunStatus.SUCCESSFUL
    assert await scene.log(run, "a") == ["one", "meanwhile", "two"]


async def test_while_a_container_is_to_be_stopped(scene: Scene) -> None:
    await scene.register(task("a", "hang"))
    run = await scene.start()
    await scene.until("taskrun.running", run, "a")
    scene.world.go_away()
    await scene.said("engine.unavailable")
    await scene.cancel(run)
    assert (await scene.run(run)).status is RunStatus.RUNNING
    scene.world.come_back()
    assert outcome(await scene.ended(run)) == (RunStatus.CANCELLED, "cancelled_by_user")
    assert (await scene.task(run, "a")).exit_code == 143


async def test_a_container_that_did_not_survive_it(scene: Scene) -> None:
    await scene.register(task("a", "hang"))
    run = await scene.start()
    await scene.until("taskrun.running", run, "a")
    name = await scene.container(run, "a")
    scene.world.go_away()
    await scene.said("engine.unavailable")
    scene.world.vanish(name)
    scene.world.come_back()
    await scene.ended(run)
    assert (await scene.task(run, "a")).reason == "lost"


async def test_many_that_wait_make_one_outage(scene: Scene) -> None:
    await scene.register(*(task(f"t{n}", "gate") for n in range(50)))
    run = await scene.start()
    for n in range(50):
        await scene.until("taskrun.running", run, f"t{n}")
    scene.world.go_away()
    await scene.said("engine.unavailable")
    scene.world.come_back()
    await asyncio.gather(*(scene.release(run, f"t{n}") for n in range(50)))
    assert (await scene.ended(run)).status is RunStatus.SUCCESSFUL


class PartlyDown(FakeScheduler):
    """Gives signs of life, and refuses the first starts nevertheless."""

    def __init__(self, world: FakeWorld) -> None:
        super().__init__(world)
        self.refusals = 3

    async def start(
        self, spec: ContainerSpec, on_pull: OnPull | None = None, place: PlaceFiles | None = None
    ) -> Container:
        if self.refusals:
            self.refusals -= 1
            raise EngineUnavailable("half of it is down")
        return await super().start(spec, on_pull, place)


async def test_an_engine_that_is_partly_down_is_not_hammered_and_no_outage_is_told(house: House) -> None:
    house.engine = PartlyDown
    async with house.open() as scene:
        await scene.register(task("a"))
        run = await scene.start()
        assert (await scene.ended(run)).status is RunStatus.SUCCESSFUL
        # Two waits of 0.2 and 0.4 seconds lie between the calls.
        found = (await scene.task(run, "a")).attempts[0]
        assert (found.running_at or 0) - found.starting_at >= 500
        page = await scene.services.database.read(
            lambda c: c.execute("SELECT count(*) FROM events WHERE kind LIKE 'engine.%'").fetchone()[0]
        )
        assert page == 0


async def test_a_start_of_gofer_without_its_engine(house: House) -> None:
    async with house.open() as scene:
        await scene.register(task("a", "gate"))
        run = await scene.start()
        await scene.until("taskrun.running", run, "a")
    house.world.go_away()
    async with house.open() as scene:
        await scene.said("engine.unavailable")
        house.world.come_back()
        await scene.release(run, "a")
        assert (await scene.ended(run)).status is RunStatus.SUCCESSFUL
