"""Notes of versions, and what keeps a version from being deleted."""

from __future__ import annotations

import pytest

from gofer.errors import Conflict, InvalidInput, NotFound
from gofer.models.deployment import DeploymentSettings
from gofer.models.hold import Hold
from gofer.models.run import Initiator
from gofer.models.status import Reason, RunStatus
from gofer.server.pipelines.register import Registering
from gofer.server.store import deployments, holds, pipelines, runs, versions
from gofer.server.store.database import Transaction
from gofer.server.store.deployments import Ended, NewDeployment
from gofer.server.store.pipelines import PipelineRow
from tests.unit.pipelines.building import manifest, task
from tests.unit.pipelines.conftest import Server

NIGHTLY = ("default", "nightly")


async def register(server: Server, count: int) -> PipelineRow:
    """That many versions, of which the last is live."""
    for number in range(1, count + 1):
        await server.pipelines.register("default", manifest(task("a"), name=str(number)))
    server.events.clear()
    return await row(server)


async def row(server: Server) -> PipelineRow:
    found = await server.database.read(lambda c: pipelines.get(c, *NIGHTLY))
    assert found is not None
    return found


async def numbers(server: Server) -> list[int]:
    return [one.number for one in (await server.versions.list(*NIGHTLY, None, 100)).items]


async def test_notes_change_and_are_told_once(server: Server) -> None:
    at = await register(server, 2)
    await server.database.write(
        lambda tx: holds.put(tx, at.key, holds.PIPELINE, Hold(kind="frozen", reason="audit", at=1, by="user ann"))
    )
    first = await server.versions.set_notes(*NIGHTLY, 1, "The old\nbucket")
    assert (first.number, first.notes, first.live) == (1, "The old\nbucket", False)
    assert await server.versions.set_notes(*NIGHTLY, 1, "The old\nbucket") == first
    [event] = server.events
    assert (event.kind, event.pipeline, event.data) == ("version.noted", "nightly", {"version": 1})
    assert [one.notes for one in (await server.versions.list(*NIGHTLY, None, 9)).items] == ["", "The old\nbucket"]
    assert (await server.versions.get(*NIGHTLY, 1)).notes == "The old\nbucket"
    with pytest.raises(NotFound, match="has no version 3"):
        await server.versions.set_notes(*NIGHTLY, 3, "x")
    with pytest.raises(InvalidInput, match="notes"):
        await server.versions.set_notes(*NIGHTLY, 1, "x" * 10_001)
    with pytest.raises(InvalidInput, match="notes"):
        await server.versions.set_notes(*NIGHTLY, 1, "\x00")


async def test_notes_that_come_too_late_are_not_dropped_in_silence(server: Server) -> None:
    said = [
        (await server.pipelines.register("default", manifest(task("a")), Registering(notes=notes))).warnings
        for notes in ("first", "first", "", "second")
    ]
    assert said[:3] == [[], [], []]
    assert ["gofer pipeline versions note nightly 1" in warning for warning in said[3]] == [True]
    assert (await server.versions.get(*NIGHTLY, 1)).notes == "first"


async def test_a_deleted_version_is_gone_with_its_holds_and_its_number(server: Server) -> None:
    at = await register(server, 3)
    await server.database.write(lambda tx: holds.put(tx, at.key, 1, Hold(kind="deprecated", at=1)))
    await server.versions.delete(*NIGHTLY, 1)
    [event] = server.events
    assert (event.kind, event.data) == ("version.deleted", {"version": 1})
    assert await numbers(server) == [3, 2]
    assert await server.database.read(lambda c: holds.of_pipeline(c, at.key)) == {}
    with pytest.raises(NotFound, match="has no version 1 any more") as caught:
        await server.versions.get(*NIGHTLY, 1)
    assert "gofer pipeline versions list nightly" in caught.value.hint
    with pytest.raises(NotFound, match="has no version 1 any more"):
        await server.versions.delete(*NIGHTLY, 1)
    with pytest.raises(NotFound, match=r"has no version 9$"):
        await server.versions.delete(*NIGHTLY, 9)
    again = await server.pipelines.register("default", manifest(task("a"), name="1"))
    assert again.version == 4


async def test_the_live_version_stays(server: Server) -> None:
    await register(server, 2)
    with pytest.raises(Conflict, match=r"Version 2 .*: it is live") as caught:
        await server.versions.delete(*NIGHTLY, 2)
    assert "gofer pipeline deploy nightly" in caught.value.hint


async def test_a_version_of_a_run_stays(server: Server) -> None:
    at = await register(server, 3)

    def add(tx: Transaction) -> None:
        runs.insert(tx, runs.NewRun(at.key, "default", 1, RunStatus.SUCCESSFUL, Reason.NONE, "", Initiator(), {},
                                    None, 1, 1_000))  # fmt: skip

    await server.database.write(add)
    with pytest.raises(Conflict, match="run 1 is of it"):
        await server.versions.delete(*NIGHTLY, 1)
    assert await numbers(server) == [3, 2, 1]


async def test_both_versions_of_a_deployment_stay_until_it_has_ended(server: Server) -> None:
    at = await register(server, 4)

    def start(tx: Transaction) -> int:
        new = NewDeployment(at.key, "canary", "deployed", 4, 1, DeploymentSettings(percent=10), "running", "", 1, "")
        return deployments.insert(tx, new)

    number = await server.database.write(start)
    with pytest.raises(Conflict, match=f"the deployment {number}, which is under way") as caught:
        await server.versions.delete(*NIGHTLY, 1)
    assert "gofer pipeline abort nightly" in caught.value.hint

    def end(tx: Transaction) -> None:
        under_way = deployments.under_way(tx, at.key)
        assert under_way is not None
        deployments.end(tx, under_way.key, Ended("aborted", 2))

    await server.database.write(end)
    await server.versions.delete(*NIGHTLY, 1)
    assert await numbers(server) == [4, 3, 2]


async def test_the_version_that_a_rollback_leads_to_stays(server: Server) -> None:
    at = await register(server, 3)

    def deployed(tx: Transaction) -> None:
        new = NewDeployment(at.key, "instant", "deployed", 1, 3, DeploymentSettings(), "completed", "", 1, "")
        deployments.insert(tx, new)

    await server.database.write(deployed)
    with pytest.raises(Conflict, match="it was live before"):
        await server.versions.delete(*NIGHTLY, 1)


async def test_the_only_version_stays(server: Server) -> None:
    at = await register(server, 1)
    await server.database.write(lambda tx: tx.execute("UPDATE pipelines SET live_version = 0 WHERE key = ?", (at.key,)))
    assert (await server.versions.get(*NIGHTLY, None)).number == 1
    with pytest.raises(Conflict, match="it is the only one") as caught:
        await server.versions.delete(*NIGHTLY, 1)
    assert "gofer pipeline delete nightly" in caught.value.hint


@pytest.mark.parametrize("version", [0, 1])
async def test_what_is_frozen_stays(server: Server, version: int) -> None:
    at = await register(server, 3)
    hold = Hold(kind="frozen", reason="the audit", at=1_000, by="user ann")
    await server.database.write(lambda tx: holds.put(tx, at.key, version, hold))
    with pytest.raises(Conflict, match=r"frozen.*by user ann on 1970-01-01.*the audit"):
        await server.versions.delete(*NIGHTLY, 1)
    await server.database.write(lambda tx: holds.delete(tx, at.key, version, "frozen"))
    await server.versions.delete(*NIGHTLY, 1)
    assert not await server.database.read(lambda c: versions.exists(c, at.key, 1))
