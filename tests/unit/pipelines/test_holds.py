"""What holds refuse, and what stands in their way."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from gofer.errors import Conflict, InvalidInput, NotFound
from gofer.models.deployment import Deploy, Rollback
from gofer.models.event import Event
from gofer.models.hold import HoldKind
from gofer.models.manifest import Manifest, Task
from gofer.server.clock import Clock
from gofer.server.deployments.deploy import Deployments
from gofer.server.pipelines.hold import Holds
from gofer.server.pipelines.register import Pipelines, Registering
from gofer.server.pipelines.versions import Versions
from gofer.server.store.database import Database

AT = ("default", "p")
STORED = Registering(deploy=False)


class Server:
    """The use cases on a store that has three versions of a pipeline, of which the second is live."""

    def __init__(self, database: Database) -> None:
        self.pipelines = Pipelines(database, Clock())
        self.versions = Versions(database, Clock())
        self.deployments = Deployments(database, Clock())
        self.holds = Holds(database, Clock(), self._applied)
        self.applied = 0
        self.events: list[Event] = []
        database.on_commit = self.events.extend

    async def _applied(self) -> None:
        self.applied += 1

    async def register(self, name: str, how: Registering = STORED) -> list[str]:
        """A version whose content only `name` tells from others; returns the warnings."""
        task = Task(id="a", image="busybox", command=["true"])
        return (await self.pipelines.register("default", Manifest(id="p", name=name, tasks=[task]), how)).warnings

    async def put(self, kind: HoldKind, version: int | None = None, reason: str = "why") -> None:
        await self.holds.put(*AT, version, kind, reason, by="user ann")

    async def lift(self, kind: HoldKind, version: int | None = None) -> bool:
        return (await self.holds.lift(*AT, version, kind, by="user bob")).lifted


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    database = Database(tmp_path / "gofer.db")
    await database.open()
    server = Server(database)
    await server.register("one", Registering())
    await server.register("two", Registering())
    await server.register("three")
    server.events.clear()
    yield server
    await database.close()


CHANGES: dict[str, Callable[[Server], Awaitable[object]]] = {
    "register": lambda s: s.register("four", Registering()),
    "store a version": lambda s: s.register("four"),
    "make a known version live": lambda s: s.register("one", Registering()),
    "deploy": lambda s: s.deployments.deploy(*AT, Deploy(version=3)),
    "try": lambda s: s.deployments.deploy(*AT, Deploy(version=3, strategy="canary")),
    "go back": lambda s: s.deployments.rollback(*AT, Rollback()),
    "disable": lambda s: s.pipelines.set_enabled(*AT, False),
    "delete a version": lambda s: s.versions.delete(*AT, 3),
    "delete": lambda s: s.pipelines.delete(*AT),
}


@pytest.mark.parametrize("change", CHANGES)
async def test_a_frozen_pipeline_refuses_changes_until_it_is_unfrozen(server: Server, change: str) -> None:
    await server.put("frozen", reason="month's end")
    server.events.clear()
    with pytest.raises(Conflict, match=r"is frozen.*by user ann on \d{4}-\d\d-\d\d .* UTC, for: \"month's end\"") as no:
        await CHANGES[change](server)
    assert no.value.hint.endswith("gofer pipeline unfreeze p.")
    assert server.events == []
    assert await server.lift("frozen")
    await CHANGES[change](server)
    assert server.events


async def test_what_changes_nothing_is_not_refused(server: Server) -> None:
    await server.put("frozen")
    server.events.clear()
    assert await server.register("two", Registering()) == []
    await server.register("one")
    await server.deployments.deploy(*AT, Deploy(version=2))
    await server.pipelines.set_enabled(*AT, True)
    assert server.events == []
    await server.put("paused")
    await server.put("deprecated", 1)
    assert [hold.kind for hold in (await server.pipelines.get(*AT)).holds] == ["frozen", "paused"]


async def test_each_hold_is_told_of_once(server: Server) -> None:
    await server.put("frozen")
    await server.put("frozen")
    await server.put("deprecated", 3, "slow")
    await server.put("frozen", reason="other")
    assert await server.lift("frozen")
    assert not await server.lift("frozen")
    assert not await server.lift("paused", 3)
    assert await server.lift("deprecated", 3)
    assert [(event.kind, event.data) for event in server.events] == [
        ("hold.set", {"hold": "frozen", "reason": "why", "by": "user ann"}),
        ("hold.set", {"hold": "deprecated", "reason": "slow", "version": 3, "by": "user ann"}),
        ("hold.set", {"hold": "frozen", "reason": "other", "by": "user ann"}),
        ("hold.lifted", {"hold": "frozen", "by": "user bob"}),
        ("hold.lifted", {"hold": "deprecated", "version": 3, "by": "user bob"}),
    ]
    assert server.applied == 8


async def test_who_has_frozen_it_is_not_forgotten_for_one_who_freezes_it_again(server: Server) -> None:
    first = await server.holds.put(*AT, None, "frozen", "a", by="user ann")
    again = await server.holds.put(*AT, None, "frozen", "a", by="user ann")
    other = await server.holds.put(*AT, None, "frozen", "b", by="user bob")
    assert again == first
    assert (other.by, other.reason) == ("user bob", "b")


@pytest.mark.parametrize("strategy", ["canary", "ab", "blue_green"])
async def test_nothing_is_held_that_a_deployment_under_way_would_need(server: Server, strategy: str) -> None:
    await server.deployments.deploy(*AT, Deploy(version=3, strategy=strategy))  # type: ignore[arg-type]
    with pytest.raises(Conflict, match="cannot be frozen while its deployment 3 of version 3 is under way"):
        await server.put("frozen")
    for version in (2, 3):
        with pytest.raises(Conflict, match=f"Version {version} .* cannot be paused while the deployment 3"):
            await server.put("paused", version)
    await server.put("paused", 1)
    await server.put("frozen", 3)
    await server.put("paused")
    await server.deployments.promote(*AT, 3, "")
    await server.put("frozen")
    await server.put("paused", 2)


async def test_a_version_that_is_live_is_not_paused_and_one_that_is_paused_does_not_go_live(server: Server) -> None:
    with pytest.raises(Conflict, match="cannot be paused while it is live") as no:
        await server.put("paused", 2)
    assert "gofer pipeline pause p" in no.value.hint
    await server.put("paused", 1, "wrong totals")
    said = re.compile(r"Version 1 .* is paused, so it cannot be deployed: by user ann on .*, for: \"wrong totals\"")
    for change in ("make a known version live", "go back"):
        with pytest.raises(Conflict, match=said):
            await CHANGES[change](server)
    await server.register("one")
    assert await server.lift("paused", 1)
    await CHANGES["go back"](server)


async def test_a_frozen_version_is_deleted_neither_alone_nor_with_its_pipeline(server: Server) -> None:
    await server.put("frozen", 3, "audited")
    for change in ("delete a version", "delete"):
        with pytest.raises(Conflict, match=r"Version 3 .* is frozen, so it stays: .*audited"):
            await CHANGES[change](server)
    await CHANGES["register"](server)
    await server.lift("frozen", 3)
    await CHANGES["delete a version"](server)


async def test_who_deploys_or_registers_what_is_deprecated_is_warned(server: Server) -> None:
    await server.put("deprecated", None, "use q")
    await server.put("deprecated", 3, "slow")
    deployed = await server.deployments.deploy(*AT, Deploy(version=3))
    assert len(deployed.warnings) == 2
    assert re.match(r"The pipeline p is deprecated: by user ann on .*, for: \"use q\"\.$", deployed.warnings[0])
    assert re.match(r"Version 3 of it is deprecated: by user ann on .*, for: \"slow\"\.$", deployed.warnings[1])
    assert len(await server.register("five", Registering())) == 1
    await server.put("paused")
    assert "new runs wait until gofer pipeline resume p." in (await server.register("six", Registering()))[1]


async def test_what_is_not_there_or_cannot_be_kept(server: Server) -> None:
    for version in (9, 2**53):
        with pytest.raises(NotFound, match=f"no version {version}"):
            await server.put("paused", version)
        with pytest.raises(NotFound, match=f"no version {version}"):
            await server.lift("paused", version)
    with pytest.raises(NotFound, match="no pipeline"):
        await server.holds.put("default", "q", None, "paused", "")
    for reason in ("x" * 10_001, "a\x00b"):
        with pytest.raises(InvalidInput, match="reason has"):
            await server.put("paused", None, reason)
    assert server.events == []
