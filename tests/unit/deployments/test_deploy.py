from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gofer.errors import Conflict, InvalidInput, NotFound
from gofer.models.common_task import CommonTask
from gofer.models.deployment import Deploy, Deployed, DeploymentSettings, Rollback
from gofer.models.event import Event
from gofer.models.manifest import Manifest, Task
from gofer.server.clock import Clock
from gofer.server.deployments.deploy import Deployments
from gofer.server.pipelines.register import Pipelines, Registering
from gofer.server.store import common_tasks
from gofer.server.store.database import Database

AT = ("default", "p")
STORED = Registering(deploy=False)


class Server:
    """The use cases on an empty store, and the events that they have caused."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.pipelines = Pipelines(database, Clock())
        self.deployments = Deployments(database, Clock())
        self.events: list[Event] = []
        database.on_commit = self.events.extend

    async def register(self, name: str, how: Registering = STORED) -> int:
        """A version whose content only `name` tells from others."""
        task = Task(id="a", image="busybox", command=["true"])
        registered = await self.pipelines.register("default", Manifest(id="p", name=name, tasks=[task]), how)
        return registered.version

    async def live(self) -> int:
        return (await self.pipelines.get(*AT)).version

    def told(self) -> list[tuple[str, int, int]]:
        """Of the events since the last call that are about deployments: kind, version before, version after."""
        found = [e for e in self.events if e.kind.startswith("deployment.")]
        self.events.clear()
        return [(e.kind.removeprefix("deployment."), e.data["from_version"], e.data["to_version"]) for e in found]


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    database = Database(tmp_path / "gofer.db")
    await database.open()
    yield Server(database)
    await database.close()


async def test_a_version_goes_live_when_it_is_deployed_and_not_before(server: Server) -> None:
    assert await server.register("one", Registering(deploy=False, notes="the first", by="user ann")) == 1
    pipeline = await server.pipelines.get(*AT)
    assert (pipeline.version, pipeline.deployment, pipeline.name) == (0, None, "one")
    assert server.told() == []
    done = await server.deployments.deploy(*AT, Deploy(notes="go"), by="user ann")
    made = done.deployment
    assert (made.number, made.strategy, made.cause, made.status) == (1, "instant", "deployed", "completed")
    assert (made.from_version, made.to_version, made.notes) == (0, 1, "go")
    assert (made.started_by, made.ended_by, made.started_at == made.ended_at) == ("user ann", "user ann", True)
    assert await server.live() == 1
    assert server.told() == [("completed", 0, 1)]
    await server.register("two")
    assert (await server.live(), (await server.pipelines.get(*AT)).name) == (1, "one")
    await server.deployments.deploy(*AT, Deploy(version=2))
    assert (await server.live(), (await server.pipelines.get(*AT)).name) == (2, "two")
    assert [d.number for d in (await server.deployments.list(*AT, None, 10)).items] == [2, 1]
    assert (await server.deployments.list(*AT, 2, 10)).items == [await server.deployments.get(*AT, 1)]


async def test_what_is_live_already_changes_nothing(server: Server) -> None:
    await server.register("one", Registering())
    server.events.clear()
    done = await server.deployments.deploy(*AT, Deploy(version=1))
    assert (done.changed, done.deployment.number, server.events) == (False, 1, [])
    with pytest.raises(Conflict, match="live already"):
        await server.deployments.deploy(*AT, Deploy(strategy="canary"))
    with pytest.raises(NotFound, match="no version 7"):
        await server.deployments.deploy(*AT, Deploy(version=7))


async def test_one_deployment_at_a_time_unless_it_is_forced(server: Server) -> None:
    await server.register("one", Registering())
    await server.register("two")
    await server.deployments.deploy(*AT, Deploy(strategy="canary", every=3))
    assert (await server.live(), (await server.pipelines.get(*AT)).deployment) == (1, 2)
    assert server.told() == [("completed", 0, 1), ("started", 1, 2)]
    said = "The deployment 2 .* is under way: canary of version 2, while version 1 is live"
    with pytest.raises(Conflict, match=said) as refused:
        await server.register("three", Registering())
    assert "gofer pipeline abort p" in refused.value.hint
    with pytest.raises(Conflict, match=said):
        await server.deployments.deploy(*AT, Deploy(version=2))
    with pytest.raises(Conflict, match=said):
        await server.deployments.rollback(*AT, Rollback(version=2))
    assert await server.register("one", Registering()) == 1
    assert server.told() == []
    assert (await server.pipelines.get(*AT)).versions == 2
    assert await server.register("three", Registering(force=True)) == 3
    assert server.told() == [("aborted", 1, 2), ("completed", 1, 3)]
    aborted = await server.deployments.get(*AT, 2)
    assert (aborted.status, aborted.reason, await server.live()) == ("aborted", "forced", 3)


async def test_of_many_at_once_one_is_started(server: Server) -> None:
    await server.register("one", Registering())
    await server.register("two")
    asked = [server.deployments.deploy(*AT, Deploy(strategy="canary", version=2)) for _ in range(8)]
    asked += [server.deployments.rollback(*AT, Rollback(version=2)) for _ in range(8)]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    done = [one for one in answers if isinstance(one, Deployed)]
    assert [(one.deployment.number, one.deployment.status) for one in done] == [(2, "running")]
    assert sum(isinstance(one, Conflict) for one in answers) == 15
    assert [d.number for d in (await server.deployments.list(*AT, None, 10)).items] == [2, 1]


async def test_going_back_from_what_is_only_tried_is_to_abort_it(server: Server) -> None:
    for name in ("one", "two"):
        await server.register(name, Registering())
    await server.register("three")
    await server.deployments.deploy(*AT, Deploy(strategy="canary"))
    with pytest.raises(Conflict, match="is under way") as refused:
        await server.deployments.rollback(*AT, Rollback())
    assert "gofer pipeline abort p; version 2 gets every new run then" in refused.value.hint
    assert "version 1 goes live" in refused.value.hint
    await server.deployments.rollback(*AT, Rollback(force=True))
    assert await server.live() == 1
    assert (await server.deployments.get(*AT, 3)).status == "aborted"


async def test_promoting_and_aborting(server: Server) -> None:
    await server.register("one", Registering())
    await server.register("two")
    await server.deployments.deploy(*AT, Deploy(strategy="ab"))
    aborted = await server.deployments.abort(*AT, 2, "no good", by="user ann")
    assert (aborted.deployment.status, aborted.deployment.detail, await server.live()) == ("aborted", "no good", 1)
    with pytest.raises(Conflict, match="has ended: aborted"):
        await server.deployments.promote(*AT, 2, "")
    await server.deployments.deploy(*AT, Deploy(strategy="blue_green"))
    server.events.clear()
    promoted = await server.deployments.promote(*AT, 3, "good", by="user bob")
    made = promoted.deployment
    assert (made.status, made.reason, made.detail, made.ended_by) == ("completed", "promoted", "good", "user bob")
    assert (await server.live(), server.told()) == (2, [("completed", 1, 2)])
    with pytest.raises(NotFound, match="no deployment 9"):
        await server.deployments.abort(*AT, 9, "")


async def test_going_back(server: Server) -> None:
    for name in ("one", "two", "three"):
        await server.register(name, Registering())
    first = await server.deployments.rollback(*AT, Rollback(reason="slow"))
    assert (first.deployment.cause, first.deployment.notes) == ("rollback", "slow")
    assert (first.deployment.from_version, first.deployment.to_version, await server.live()) == (3, 2, 2)
    await server.deployments.rollback(*AT, Rollback())
    assert await server.live() == 1
    with pytest.raises(Conflict, match=r"No version .* was live before version 1"):
        await server.deployments.rollback(*AT, Rollback())
    await server.deployments.rollback(*AT, Rollback(version=3))
    assert await server.live() == 3


async def test_nothing_can_share_the_runs_while_nothing_is_live(server: Server) -> None:
    await server.register("one")
    for strategy in ("canary", "ab"):
        with pytest.raises(Conflict, match=r"No version of the pipeline .* is live"):
            await server.deployments.deploy(*AT, Deploy(strategy=strategy))
    with pytest.raises(Conflict, match="was live so far"):
        await server.deployments.rollback(*AT, Rollback())


@pytest.mark.parametrize(
    ("asked", "settings"),
    [
        (Deploy(), DeploymentSettings()),
        (
            Deploy(strategy="canary"),
            DeploymentSettings(percent=10.0, runs=20, success_margin=5.0, duration_factor=1.5),
        ),
        (
            Deploy(strategy="canary", every=2, runs=3, success_margin=0, duration_factor=2, manual=True),
            DeploymentSettings(every=2, runs=3, success_margin=0, duration_factor=2, manual=True),
        ),
        (Deploy(strategy="ab"), DeploymentSettings(percent=50.0)),
        (Deploy(strategy="ab", percent=0.0001), DeploymentSettings(percent=0.0001)),
        (Deploy(strategy="ab", percent=99.9999), DeploymentSettings(percent=99.9999)),
        (Deploy(strategy="blue_green"), DeploymentSettings(smoke=1)),
    ],
)
async def test_the_settings_that_count(server: Server, asked: Deploy, settings: DeploymentSettings) -> None:
    await server.register("one", Registering())
    await server.register("two")
    done = await server.deployments.deploy(*AT, asked)
    assert done.deployment.settings == settings
    assert (await server.deployments.get(*AT, 2)).settings == settings


@pytest.mark.parametrize(
    ("asked", "place"),
    [
        (Deploy(percent=10), "percent"),
        (Deploy(strategy="ab", manual=True), "manual"),
        (Deploy(strategy="canary", smoke=1), "smoke"),
        (Deploy(strategy="blue_green", every=4), "every"),
        (Deploy(strategy="ab", percent=10, every=4), "every"),
        (Deploy(strategy="ab", percent=0), "percent"),
        (Deploy(strategy="ab", percent=100), "percent"),
        (Deploy(strategy="ab", percent=99.99999), "percent"),
        (Deploy(strategy="ab", percent=12.34567), "percent"),
        (Deploy(strategy="ab", percent=float("nan")), "percent"),
        (Deploy(strategy="canary", every=1), "every"),
        (Deploy(strategy="canary", runs=0), "runs"),
        (Deploy(strategy="canary", success_margin=101), "success_margin"),
        (Deploy(strategy="canary", duration_factor=0), "duration_factor"),
        (Deploy(strategy="blue_green", smoke=0), "smoke"),
        (Deploy(strategy="blue_green", parameters={"x": 1}), "parameters.x"),
    ],
)
async def test_settings_that_make_no_sense_are_refused(server: Server, asked: Deploy, place: str) -> None:
    await server.register("one", Registering())
    await server.register("two")
    with pytest.raises(InvalidInput) as refused:
        await server.deployments.deploy(*AT, asked)
    assert [problem.place for problem in refused.value.problems] == [place]
    assert (await server.pipelines.get(*AT)).deployment is None


async def test_common_tasks_that_are_not_there(server: Server) -> None:
    """What would fail its runs is not deployed; who goes back is told, and goes back."""
    task = CommonTask(id="tool", image="builtin:debug", namespaces=["*"], enabled=True, created_at=1, modified_at=1)
    await server.database.write(lambda tx: common_tasks.insert(tx, task, ()))
    uses = Manifest(id="p", tasks=[Task(id="a", common_task="tool")])
    await server.pipelines.register("default", uses)
    await server.register("two")
    assert await server.database.read(lambda c: common_tasks.users(c, "tool")) == ["default/p"]
    await server.deployments.deploy(*AT, Deploy(version=2))
    assert await server.database.read(lambda c: common_tasks.users(c, "tool")) == []
    await server.deployments.deploy(*AT, Deploy(version=1, strategy="canary"))
    assert await server.database.read(lambda c: common_tasks.users(c, "tool")) == ["default/p"]
    await server.deployments.abort(*AT, 3, "")
    await server.database.write(lambda tx: common_tasks.delete(tx, "tool", 2))
    with pytest.raises(InvalidInput, match="common task"):
        await server.deployments.deploy(*AT, Deploy(version=1))
    back = await server.deployments.rollback(*AT, Rollback())
    assert (back.deployment.to_version, await server.live()) == (1, 1)
    assert [warning.partition(":")[0] for warning in back.warnings] == ["tasks[0].common_task"]
