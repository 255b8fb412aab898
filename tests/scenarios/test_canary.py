"""Canaries, with runs that end as they are told and take the time that they are told."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Sequence

import pytest

from gofer.errors import Conflict, InvalidInput
from gofer.models.deployment import Deploy, Deployment
from gofer.models.event import Event
from gofer.models.manifest import Manifest, Parallelism, Parameter, Subscription
from gofer.models.run import Run
from gofer.models.status import RunStatus
from gofer.models.trigger import AddSubscription, InstallTrigger
from gofer.server.clock import Clock
from gofer.server.events.bus import Filter
from gofer.server.pipelines.register import Registering
from gofer.server.runs.start import Request
from gofer.server.store import events
from tests.scenarios.scene import NAMESPACE, PIPELINE, House, Scene, task

GOOD, BAD = ("gate",), ("gate", "exit", "1")


class Time:
    """The server's, which stands still but when it is told to go on."""

    def __init__(self) -> None:
        self.ms = 1_900_000_000_000

    def now(self) -> int:
        return self.ms


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Time:
    clock = Time()
    monkeypatch.setattr(Clock, "now", lambda _: clock.now())
    return clock


class Trial:
    """A pipeline with two versions; each has a task that waits to be let through."""

    def __init__(self, scene: Scene, clock: Time) -> None:
        self.scene = scene
        self.clock = clock

    async def prepare(self, old: Sequence[str] = GOOD, new: Sequence[str] = GOOD, **fields: object) -> None:
        await self.register("old", old)
        await self.register("new", new, **fields)

    async def register(self, name: str, command: Sequence[str], **fields: object) -> None:
        manifest = Manifest(id=PIPELINE, name=name, tasks=[task("a", *command)], **fields)  # type: ignore[arg-type]
        registered = self.scene.services.pipelines.register(NAMESPACE, manifest, Registering(deploy=name == "old"))
        await registered

    async def canary(self, **settings: object) -> int:
        """By default every other run, and four of them."""
        asked = Deploy(**({"strategy": "canary", "version": 2, "every": 2, "runs": 4} | settings))  # type: ignore[arg-type]
        return (await self.scene.services.deployments.deploy(NAMESPACE, PIPELINE, asked)).deployment.number

    async def pass_run(self, ms: int = 1_000) -> Run:
        """A run from its start to its end, which takes so long."""
        run = await self.scene.start()
        await self.end(run, ms)
        return await self.scene.run(run)

    async def end(self, run: int, ms: int = 0) -> None:
        await self.scene.until("taskrun.running", run, "a")
        self.clock.ms += ms
        await self.scene.release(run, "a")
        await self.scene.ended(run)

    async def passed(self, count: int, ms: int = 1_000) -> list[int]:
        """So many runs, one after the other; their versions."""
        return [(await self.pass_run(ms)).version for _ in range(count)]

    async def deployment(self, number: int = 2) -> Deployment:
        return await self.scene.services.deployments.get(NAMESPACE, PIPELINE, number)

    async def live(self) -> int:
        return (await self.scene.services.pipelines.get(NAMESPACE, PIPELINE)).version

    async def told(self, number: int = 2) -> list[Event]:
        """The events of a deployment's end."""
        kinds = frozenset({"deployment.completed", "deployment.rolled_back", "deployment.aborted"})
        wanted = Filter(kinds=kinds, namespace=NAMESPACE, pipeline=PIPELINE)

        def look(connection: sqlite3.Connection) -> list[Event]:
            page = events.list_after(connection, wanted, 0, 100)
            return [event for event in page.items if event.data["deployment"] == number]

        return await self.scene.services.database.read(look)


@pytest.fixture
def trial(scene: Scene, clock: Time) -> Trial:
    return Trial(scene, clock)


async def test_it_is_promoted_after_as_many_runs_as_asked(trial: Trial) -> None:
    await trial.prepare()
    await trial.canary()
    in_flight = await trial.scene.start()
    assert await trial.passed(6) == [2, 1, 2, 1, 2, 1]
    assert (await trial.deployment()).status == "running"
    assert await trial.live() == 1
    assert await trial.passed(3) == [2, 2, 2]
    found = await trial.deployment()
    assert (found.status, found.reason, found.assigned, found.ended_by) == ("completed", "rule_met", 8, "")
    assert found.detail == (
        "4 of 4 runs of the new version succeeded, with a median duration of 1.0s; "
        "the old version's 100 % (3 of 3 runs), 1.0s."
    )
    assert found.figures == {
        "new": {"runs": 4, "successful": 4, "success_rate": 100.0, "median_ms": 1_000},
        "old": {"runs": 3, "successful": 3, "success_rate": 100.0, "median_ms": 1_000},
        "runs": 4,
        "success_margin": 5.0,
        "duration_factor": 1.5,
        "least_success_rate": 95.0,
        "longest_median_ms": 1_500,
    }
    (event,) = await trial.told()
    assert event.kind == "deployment.completed"
    assert event.data["figures"] == found.figures
    assert (event.data["reason"], event.data["detail"]) == (found.reason, found.detail)
    shown = await trial.scene.services.pipelines.get(NAMESPACE, PIPELINE)
    assert (shown.version, shown.name, shown.deployment) == (2, "new", None)
    # What was begun on the old version ends on it, and decides nothing any more.
    await trial.end(in_flight)
    assert (await trial.scene.run(in_flight)).version == 1
    assert (await trial.scene.run(10)).deployment is None
    assert len(await trial.told()) == 1


async def test_it_is_rolled_back_at_the_first_breach(trial: Trial) -> None:
    await trial.prepare(new=BAD)
    await trial.canary(runs=4, success_margin=25.0)
    assert await trial.passed(3) == [1, 2, 1]
    assert (await trial.deployment()).status == "running"  # one of four may fail
    assert await trial.passed(3) == [2, 1, 1]
    found = await trial.deployment()
    assert (found.status, found.reason) == ("rolled_back", "success_rate")
    assert found.detail == (
        "2 of 2 runs of the new version failed: of 4, at most 50 % can succeed, and at least 75 % have to, 25 points "
        "less than the old version's 100 % (2 of 2 runs)."
    )
    (event,) = await trial.told()
    assert (event.kind, event.data["figures"]) == ("deployment.rolled_back", found.figures)
    assert found.figures["new"] == {"runs": 2, "successful": 0, "success_rate": 0.0, "median_ms": 1_000}
    assert await trial.live() == 1
    # And another may follow.
    assert await trial.canary() == 3


async def test_it_is_rolled_back_when_it_is_too_slow(trial: Trial) -> None:
    await trial.prepare()
    await trial.canary()
    for _ in range(3):
        assert (await trial.pass_run(1_000)).version == 1
        assert (await trial.deployment()).status == "running"
        assert (await trial.pass_run(1_501)).version == 2
    found = await trial.deployment()
    assert (found.status, found.reason) == ("rolled_back", "duration")
    assert found.detail == (
        "3 of 3 runs of the new version took longer than 1.5s, 1.5 times the old version's median of 1.0s (3 runs): "
        "the median of 4 cannot be within that any more."
    )


async def test_runs_from_before_stand_in_for_the_old_version(trial: Trial) -> None:
    await trial.register("old", BAD)
    assert await trial.passed(5, 4_000) == [1] * 5
    await trial.register("new", BAD)
    trial.clock.ms += 1
    await trial.canary(every=2, runs=2)
    assert await trial.passed(4, 6_000) == [1, 2, 1, 2]
    found = await trial.deployment()
    # No worse than before, and one of the two old runs took as long.
    assert (found.status, found.figures["old"]["runs"]) == ("completed", 2)


async def test_without_an_old_run_it_is_held_against_a_hundred_percent(trial: Trial) -> None:
    await trial.prepare(new=BAD)
    await trial.canary(percent=99.0, every=None, runs=20, success_margin=5.0)
    assert (await trial.passed(1)) == [1]
    assert (await trial.passed(1)) == [2]
    assert (await trial.deployment()).status == "running"
    assert (await trial.passed(1)) == [2]
    found = await trial.deployment()
    assert (found.status, found.reason) == ("rolled_back", "success_rate")


async def test_only_runs_that_it_has_given_their_version_and_that_came_to_something_count(trial: Trial) -> None:
    await trial.prepare()
    await trial.canary(runs=1)
    services = trial.scene.services
    named = (await services.runs.start(NAMESPACE, PIPELINE, version=2, parameters={})).id
    await trial.end(named)
    assert (await trial.scene.run(named)).deployment is None
    retried = await trial.scene.retry(named)
    await trial.end(retried)
    assert ((await trial.scene.run(retried)).version, (await trial.scene.run(retried)).deployment) == (2, None)
    assert (await trial.pass_run()).version == 1
    cancelled = await trial.scene.start()
    await trial.scene.until("taskrun.running", cancelled, "a")
    await trial.scene.cancel(cancelled)
    assert (await trial.scene.ended(cancelled)).version == 2
    found = await trial.deployment()
    assert (found.status, found.assigned) == ("running", 2)
    assert await trial.passed(2) == [1, 2]
    assert (await trial.deployment()).status == "completed"


async def test_by_hand_nothing_is_decided(trial: Trial) -> None:
    await trial.prepare(new=BAD)
    await trial.canary(manual=True, runs=1)
    assert await trial.passed(6) == [1, 2, 1, 2, 1, 2]
    assert (await trial.deployment()).status == "running"
    services = trial.scene.services
    await services.deployments.promote(NAMESPACE, PIPELINE, 2, "for its colour")
    assert await trial.passed(1) == [2]
    assert (await trial.deployment()).status == "completed"


async def test_runs_that_start_and_end_at_the_same_instant(trial: Trial) -> None:
    await trial.prepare(new=BAD)
    await trial.canary(percent=30.0, every=None, runs=10, success_margin=50.0)
    runs = await asyncio.gather(*(trial.scene.start() for _ in range(50)))
    versions = [(await trial.scene.run(run)).version for run in runs]
    assert versions.count(2) == 15
    # All decisions are in the line of the one writer: of those that end at once, one decides.
    await asyncio.gather(*(trial.end(run) for run in runs))
    found = await trial.deployment()
    assert (found.status, found.reason, found.assigned) == ("rolled_back", "success_rate", 50)
    assert found.figures["new"]["runs"] == 6
    assert len(await trial.told()) == 1
    assert await trial.live() == 1


async def test_starts_race_with_the_promotion(trial: Trial) -> None:
    await trial.prepare()
    await trial.canary(runs=1)
    first, second = [await trial.scene.start() for _ in range(2)]
    await trial.scene.until("taskrun.running", second, "a")

    async def more() -> list[int]:
        return [await trial.scene.start() for _ in range(30)]

    started, _, _ = await asyncio.gather(more(), trial.end(second), trial.end(first))
    found = await trial.deployment()
    assert found.status == "completed"
    shown = [await trial.scene.run(run) for run in started]
    split = [run for run in shown if run.deployment == 2]
    # As many as it counted were given a version by it, in turn; all after them have the new one.
    assert len(split) == found.assigned - 2
    assert [run.version for run in split] == [1 + n % 2 for n in range(len(split))]
    assert all(run.version == 2 for run in shown[len(split) :])
    for run in started:
        await trial.end(run)


async def test_it_goes_on_after_a_restart(house: House, clock: Time) -> None:
    async with house.open() as scene:
        trial = Trial(scene, clock)
        await trial.prepare()
        await trial.canary(runs=3)
        assert await trial.passed(3) == [1, 2, 1]
        across = await scene.start()
        await scene.until("taskrun.running", across, "a")
    async with house.open() as scene:
        trial = Trial(scene, clock)
        assert (await trial.deployment()).assigned == 4
        await trial.end(across, 1_000)
        assert await trial.passed(2) == [1, 2]
        found = await trial.deployment()
        assert (found.status, found.figures["new"]["runs"]) == ("completed", 3)
        assert await trial.live() == 2


async def test_a_run_that_the_new_version_does_not_take_goes_to_the_old_one(trial: Trial) -> None:
    await trial.prepare(parameters=[Parameter(name="day", required=True)])
    await trial.canary(manual=True)
    assert await trial.passed(4) == [1, 1, 1, 1]
    assert (await trial.deployment()).assigned == 4
    with pytest.raises(InvalidInput, match='there is no parameter "dya"'):
        await trial.scene.start(dya="monday")
    await trial.scene.services.deployments.abort(NAMESPACE, PIPELINE, 2, "")
    await trial.canary()
    assert await trial.passed(3) == [1, 1, 1]
    found = await trial.deployment(3)
    assert (found.status, found.reason) == ("rolled_back", "parameters")
    assert found.detail == (
        "Version 2 refused the parameters of a run, which version 1 takes and was given instead: parameters.day. "
        f"See what is different with: gofer pipeline versions diff {PIPELINE} 1 2."
    )
    # Whoever asks for the new version is told, as always.
    request = Request(NAMESPACE, PIPELINE, {}, version=2)
    with pytest.raises(InvalidInput, match='the parameter "day" is required'):
        await trial.scene.services.runs.start_event(request, lambda *_: None)


async def test_what_a_run_was_given_is_not_told_with_its_deployment(trial: Trial) -> None:
    """Deployments and their events are seen by more people than the parameters of runs."""
    await trial.register("old", GOOD, parameters=[Parameter(name="day")])
    await trial.register("new", GOOD, parameters=[Parameter(name="day", choices=["friday"])])
    await trial.canary()
    await trial.pass_run()
    run = await trial.scene.start(day="hunter2")
    found = await trial.deployment()
    assert (found.status, found.reason, "parameters.day" in found.detail) == ("rolled_back", "parameters", True)
    assert "hunter2" not in found.detail
    await trial.end(run)


async def test_a_run_that_is_not_let_begin_decides_nothing(trial: Trial) -> None:
    limit = Parallelism(limit=1, on_limit="skip")
    await trial.prepare(parallelism=limit)
    await trial.canary(every=2, runs=1)
    assert await trial.passed(1) == [1]
    second = await trial.scene.start()
    third, fourth = await trial.scene.start(), await trial.scene.start()
    assert (await trial.scene.run(fourth)).status is RunStatus.CANCELLED
    assert (await trial.deployment()).status == "running"
    await trial.end(third)
    await trial.end(second)
    assert (await trial.deployment()).status == "completed"


async def test_subscriptions_follow_a_promotion_or_it_is_rolled_back(trial: Trial) -> None:
    services = trial.scene.services
    await services.triggers.install(InstallTrigger(id="interval", image="builtin:interval"))
    hourly = [Subscription(label="hourly", trigger="interval", settings={"every": "1h"})]
    daily = [Subscription(label="daily", trigger="interval", settings={"every": "24h"})]

    async def labels() -> list[str]:
        page = await services.subscriptions.list(NAMESPACE, PIPELINE, None, 10, 0)
        return sorted(one.label for one in page.items)

    manifest = Manifest(id=PIPELINE, tasks=[task("a", *GOOD)], subscriptions=hourly)
    await services.pipelines.register(NAMESPACE, manifest)
    await trial.register("new", GOOD, subscriptions=daily)
    await trial.canary(runs=2)
    await trial.passed(3)
    assert await labels() == ["hourly"]
    await trial.passed(1)
    assert await labels() == ["daily"]
    await trial.register("third", GOOD, subscriptions=[*daily, *hourly])
    await trial.canary(version=3, runs=1)
    wanted = AddSubscription(label="hourly", trigger="interval", settings={"every": "2h"})
    await services.subscriptions.add(NAMESPACE, PIPELINE, wanted)
    await trial.passed(1)
    last = await trial.pass_run()
    assert (last.version, last.status) == (3, RunStatus.SUCCESSFUL)
    found = await trial.deployment(3)
    assert (found.status, found.reason) == ("rolled_back", "cannot_go_live")
    assert found.detail == (
        'The rule is met, but the version cannot go live: The manifest has a subscription "hourly", and somebody has '
        "added another one with that label."
    )
    assert await labels() == ["daily", "hourly"]
    with pytest.raises(Conflict, match="has added another one"):
        await trial.canary(version=3)
