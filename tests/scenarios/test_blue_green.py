"""Blue/green deployments: the new version's smoke runs first, and only then everybody's."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from gofer.errors import InvalidInput
from gofer.models.deployment import Deploy, Deployment
from gofer.models.event import Event
from gofer.models.manifest import Manifest, Parallelism, Parameter, Subscription
from gofer.models.run import Initiator
from gofer.models.status import RunStatus
from gofer.server.deployments.deploy import Deployments
from gofer.server.events.bus import Filter
from gofer.server.pipelines.register import Pipelines, Registering
from gofer.server.pipelines.subscriptions import add
from gofer.server.store import pipelines
from gofer.server.store.database import Transaction
from tests.scenarios.scene import NAMESPACE, PIPELINE, House, Scene, outcome, task

AT = (NAMESPACE, PIPELINE)
OTHERS = ("deployment.started", "deployment.completed", "deployment.rolled_back", "deployment.aborted")


async def two_versions(scene: Scene, *command: str, **fields: Any) -> None:
    """Version 1 is live and ends at once; version 2 is only stored, and does what `command` says."""
    await scene.register(task("a"), **fields)
    await store(scene, *command, **fields)


async def store(scene: Scene, *command: str, **fields: Any) -> None:
    manifest = Manifest(id=PIPELINE, tasks=[task("a", *(command or ("say", "new")))], **fields)
    await scene.services.pipelines.register(NAMESPACE, manifest, Registering(deploy=False))


async def deploy(scene: Scene, smoke: int = 1, **parameters: str) -> int:
    asked = Deploy(strategy="blue_green", smoke=smoke, parameters=dict(parameters))
    return (await scene.services.deployments.deploy(*AT, asked, by="user ann")).deployment.number


async def live(scene: Scene) -> int:
    return (await scene.services.pipelines.get(*AT)).version


async def ended(scene: Scene, number: int) -> Deployment:
    """Waits until the deployment has ended."""
    wanted = Filter(kinds=frozenset(OTHERS[1:]), namespace=NAMESPACE, pipeline=PIPELINE)
    async for events in scene.services.bus.subscribe(wanted, 0):
        if any(event.data["deployment"] == number for event in events):
            return await scene.services.deployments.get(*AT, number)
    raise AssertionError("a subscription does not end")


async def told(scene: Scene) -> list[Event]:
    """What events have said of deployments so far, and of the ends of runs."""
    found: list[Event] = []
    last = await scene.services.database.read(lambda c: c.execute("SELECT max(seq) FROM events").fetchone()[0])
    wanted = Filter(kinds=frozenset(), namespace=NAMESPACE, pipeline=PIPELINE)
    async for events in scene.services.bus.subscribe(wanted, 0):
        found += events
        if found[-1].seq == last:
            break
    return [event for event in found if event.kind in (*OTHERS, "run.queued", "run.ended")]


async def waiting(scene: Scene, number: int) -> str:
    """Waits until the deployment says what it waits for."""
    async with asyncio.timeout(20):
        while True:
            found = await scene.services.deployments.get(*AT, number)
            if found.reason == "waiting":
                return found.detail
            await asyncio.sleep(0.01)


async def test_it_goes_live_once_every_smoke_run_was_successful(scene: Scene) -> None:
    where = Parameter(name="where", type="string", default="everywhere")
    await two_versions(scene, "gate", parameters=[where])
    before = await scene.start()
    await scene.ended(before)
    number = await deploy(scene, 2, where="nowhere")
    await scene.until("taskrun.running", 2, "a")
    # Whoever starts a run meanwhile gets the version that is live.
    assert (await scene.run(await scene.start())).version == 1
    first = await scene.run(2)
    assert first.initiator == Initiator(kind="deployment", name=str(number))
    assert (first.version, first.deployment, first.parameters) == (2, number, {"where": "nowhere"})
    assert await live(scene) == 1
    await scene.release(2, "a")
    # One after the other.
    await scene.until("taskrun.running", 4, "a")
    assert (await scene.run(2)).status is RunStatus.SUCCESSFUL
    assert await live(scene) == 1
    rule = (await scene.services.comparisons.get(*AT, number)).rule
    assert rule is not None
    assert (rule.decision, rule.detail) == ("wait", "1 of 2 smoke runs successful; run #4 is running.")
    await scene.release(4, "a")
    done = await ended(scene, number)
    assert (done.status, done.reason, done.detail) == (
        "completed", "smoke_passed", "All 2 smoke runs were successful.",
    )  # fmt: skip
    assert done.figures == {"smoke": 2, "runs": [2, 4]}
    assert (done.ended_by, done.started_by) == ("", "user ann")
    assert await live(scene) == 2
    # It is live since its last smoke run has ended: the same transaction, one event after the other.
    events = await told(scene)
    assert [e.kind for e in events[-2:]] == ["run.ended", "deployment.completed"]
    assert events[-1].seq == events[-2].seq + 1
    after = await scene.run(await scene.start())
    assert (after.version, after.deployment) == (2, None)
    assert await scene.services.database.read(lambda c: c.execute("SELECT count(*) FROM runs").fetchone()[0]) == 5


@pytest.mark.parametrize(
    ("command", "reason", "detail"),
    [
        (["exit", "3"], "smoke_failed", "Smoke run 1 of 3 (run 1) has failed: failed: a."),
        (["fail-to-start"], "smoke_failed", "Smoke run 1 of 3 (run 1) has failed: failed: a."),
        (["vanish"], "smoke_failed", "Smoke run 1 of 3 (run 1) has failed: failed: a."),
        (["hang"], "smoke_cancelled", "Smoke run 1 of 3 (run 1) was cancelled: cancelled: a."),
    ],
)
async def test_the_first_that_is_not_successful_rolls_it_back(
    scene: Scene, command: list[str], reason: str, detail: str
) -> None:
    await two_versions(scene, *command)
    number = await deploy(scene, 3)
    if command == ["hang"]:
        await scene.until("taskrun.running", 1, "a")
        await scene.cancel(1)
    done = await ended(scene, number)
    assert (done.status, done.reason, done.detail) == ("rolled_back", reason, detail)
    assert done.figures == {"smoke": 3, "runs": [1]}
    assert await live(scene) == 1
    # Neither is there a second smoke run, nor is a retry of the first one.
    again = await scene.run(await scene.retry(1))
    assert (again.id, again.version, again.deployment) == (2, 2, None)
    assert (await scene.run(await scene.start())).id == 3


async def test_an_aborted_one_starts_no_more(scene: Scene) -> None:
    await two_versions(scene, "gate")
    number = await deploy(scene, 2)
    await scene.until("taskrun.running", 1, "a")
    await scene.services.deployments.abort(*AT, number, "not today", by="user ann")
    await scene.release(1, "a")
    assert (await scene.ended(1)).status is RunStatus.SUCCESSFUL
    assert (await scene.services.deployments.get(*AT, number)).status == "aborted"
    # The next one has runs of its own.
    again = await deploy(scene, 1)
    await scene.release(2, "a")
    done = await ended(scene, again)
    assert (done.status, done.figures) == ("completed", {"smoke": 1, "runs": [2]})
    assert (await scene.run(await scene.start())).id == 3


async def test_parameters_are_checked_when_it_is_asked_for(scene: Scene) -> None:
    await two_versions(scene)
    with pytest.raises(InvalidInput):
        await deploy(scene, 1, nobody="knows this")
    assert [event.kind for event in await told(scene)] == ["deployment.completed"]


async def test_it_waits_for_the_pipeline_and_the_door(scene: Scene) -> None:
    """Of a disabled pipeline and behind a closed door nothing is started, and the deployment says so."""
    await two_versions(scene)
    await scene.services.pipelines.set_enabled(*AT, False)
    number = await deploy(scene)
    assert "is disabled. Enable it with: gofer pipeline enable p." in await waiting(scene, number)
    await scene.services.ingress.set_open(False)
    await scene.services.pipelines.set_enabled(*AT, True)
    async with asyncio.timeout(20):
        while "event ingress was closed" not in await waiting(scene, number):
            await asyncio.sleep(0.01)
    assert await live(scene) == 1
    await scene.services.ingress.set_open(True)
    done = await ended(scene, number)
    assert (done.status, done.figures["runs"]) == ("completed", [1])


async def test_its_runs_wait_while_the_pipeline_is_paused(scene: Scene) -> None:
    await two_versions(scene)
    await scene.services.holds.put(*AT, None, "paused", "the warehouse is down")
    number = await deploy(scene)
    await scene.until("run.queued", 1)
    assert await scene.counts() == (1, 0)
    await scene.services.holds.lift(*AT, None, "paused")
    assert (await ended(scene, number)).figures["runs"] == [1]


async def test_it_goes_with_its_pipeline(scene: Scene) -> None:
    """Deleted while it waits: nothing is left to do, and others go on."""
    await two_versions(scene)
    await scene.services.pipelines.set_enabled(*AT, False)
    await waiting(scene, await deploy(scene))
    await scene.services.pipelines.delete(*AT)
    await two_versions(scene)
    assert (await ended(scene, await deploy(scene))).status == "completed"


async def test_what_cannot_go_live_is_rolled_back(scene: Scene) -> None:
    """Somebody has taken the label of the version's subscription meanwhile; the end of its smoke run is kept."""
    clock, database = scene.services.clock, scene.services.database
    asks_nobody = Pipelines(database, clock)
    nightly = Subscription(trigger="cron", label="nightly")
    await scene.register(task("a"))
    manifest = Manifest(id=PIPELINE, tasks=[task("a", "gate")], subscriptions=[nightly])
    await asks_nobody.register(NAMESPACE, manifest, Registering(deploy=False))
    asked = Deploy(strategy="blue_green")
    number = (await Deployments(database, clock).deploy(*AT, asked)).deployment.number
    await scene.until("taskrun.running", 1, "a")

    def take(tx: Transaction) -> None:
        row = pipelines.get(tx, *AT)
        assert row is not None
        add(tx, row, nightly, "added", clock.now())

    await database.write(take)
    await scene.release(1, "a")
    done = await ended(scene, number)
    assert (done.status, done.reason) == ("rolled_back", "cannot_go_live")
    assert done.detail.startswith("The smoke run was successful. But the version cannot go live: ")
    assert (await scene.run(1)).status is RunStatus.SUCCESSFUL
    assert await live(scene) == 1


@pytest.mark.parametrize("on_limit", ["skip", "cancel_oldest"])
async def test_a_smoke_run_waits_for_its_turn(scene: Scene, on_limit: str) -> None:
    """Under a pipeline's limit it neither takes an ordinary run's place, nor is it skipped or replaced itself."""
    limit = Parallelism(limit=1, on_limit=on_limit)  # type: ignore[arg-type]
    await scene.register(task("a", "gate"), parallelism=limit)
    await store(scene, "gate", "exit", "0", parallelism=limit)
    await scene.start()
    await scene.until("taskrun.running", 1, "a")
    number = await deploy(scene)
    await scene.until("run.queued", 2)
    assert (await scene.run(1)).cancel_requested_at is None
    await scene.release(1, "a")
    await scene.until("taskrun.running", 2, "a")
    await scene.start()
    assert (await scene.run(2)).cancel_requested_at is None
    status = RunStatus.CANCELLED if on_limit == "skip" else RunStatus.QUEUED
    assert (await scene.run(3)).status is status
    await scene.release(2, "a")
    assert (await ended(scene, number)).status == "completed"
    if on_limit == "cancel_oldest":
        # Runs keep the version that they were started with.
        assert (await scene.run(3)).version == 1
        await scene.release(3, "a")
        assert outcome(await scene.ended(3)) == (RunStatus.SUCCESSFUL, "")


async def test_a_pipeline_without_a_live_version(scene: Scene) -> None:
    await store(scene)
    number = await deploy(scene)
    done = await ended(scene, number)
    assert (done.status, done.from_version, await live(scene)) == ("completed", 0, 1)


async def test_restarts_in_its_midst(house: House) -> None:
    """Stopped before the first smoke run, during one and between two: each is started once."""
    async with house.open(ignore_pipeline_run_events=True) as scene:
        await two_versions(scene, "gate")
        number = await deploy(scene, 2)
        assert "setting ignore_pipeline_run_events" in await waiting(scene, number)
    async with house.open() as scene:
        await scene.until("taskrun.running", 1, "a")
        assert (await scene.services.deployments.get(*AT, number)).detail == ""
    async with house.open() as scene:
        await scene.services.ingress.set_open(False)
        await scene.release(1, "a")
        await scene.ended(1)
        await waiting(scene, number)
    async with house.open() as scene:
        assert (await scene.services.deployments.get(*AT, number)).status == "running"
        await scene.services.ingress.set_open(True)
        await scene.until("taskrun.running", 2, "a")
    async with house.open() as scene:
        await scene.release(2, "a")
        done = await ended(scene, number)
        assert (done.status, done.figures) == ("completed", {"smoke": 2, "runs": [1, 2]})
        assert [e.run for e in await told(scene) if e.kind == "run.queued"] == [1, 2]
    assert set(house.world.starts.values()) == {1}


async def test_many_pipelines_at_once(scene: Scene) -> None:
    """Each has its own smoke runs; one whose run fails disturbs none."""
    names = [f"p{n}" for n in range(6)]
    for name in names:
        for command in ([], ["exit", "1"] if name == "p3" else ["say", "hi"]):
            manifest = Manifest(id=name, tasks=[task("a", *command)])
            await scene.services.pipelines.register(NAMESPACE, manifest, Registering(deploy=not command))
    asked = Deploy(strategy="blue_green", smoke=3)
    await asyncio.gather(*(scene.services.deployments.deploy(NAMESPACE, name, asked) for name in names))
    kinds = frozenset({"deployment.completed", "deployment.rolled_back"})
    decided: dict[str, str] = {}
    async for events in scene.services.bus.subscribe(Filter(kinds=kinds, namespace=NAMESPACE), 0):
        decided |= {e.pipeline: e.kind for e in events if e.data["strategy"] == "blue_green"}
        if len(decided) == len(names):
            break
    assert [name for name, kind in decided.items() if kind == "deployment.rolled_back"] == ["p3"]
    for name in names:
        runs = await scene.services.runs.list(NAMESPACE, name, None, None, 10)
        assert len(runs.items) == (1 if name == "p3" else 3)
