"""Export and import: what comes back is what was there, and what is wrong is said at once."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gofer.errors import BadRequest, Conflict, InvalidInput, NotFound
from gofer.models.deployment import Deploy
from gofer.models.export import ExportedPipeline, Imported
from gofer.models.hold import Hold
from gofer.models.manifest import Manifest, Parameter, Subscription
from gofer.models.pipeline import CreateNamespace
from gofer.server.clock import Clock
from gofer.server.deployments.deploy import Deployments
from gofer.server.pipelines.decode_export import decode_export
from gofer.server.pipelines.export import Exporter
from gofer.server.pipelines.importing import Importer, Importing
from gofer.server.pipelines.manifest_hash import manifest_hash
from gofer.server.pipelines.register import Registering
from gofer.server.pipelines.subscriptions import add
from gofer.server.pipelines.view import require_pipeline
from gofer.server.store import holds, versions
from gofer.server.store.database import Database, Transaction
from tests.unit.pipelines.building import manifest, task
from tests.unit.pipelines.conftest import Server

ONE = manifest(task("a"), name="One", subscriptions=[Subscription(label="often", trigger="interval")])
TWO = manifest(task("a"), task("b", "a"), name="Two", parameters=[Parameter(name="day")])
THREE = manifest(task("c"), name="Three")
ADDED = Subscription(
    label="by-hand", trigger="cron", settings={"token": "secret{{key}}", "n": [1, 2.5]}, parameters={"day": "monday"}
)
FROZEN = Hold(kind="frozen", reason="the audit", at=17, by="token tok-1")


@pytest.fixture
async def other(tmp_path: Path) -> AsyncIterator[Server]:
    """A second server."""
    database = Database(tmp_path / "other.db")
    await database.open()
    yield Server(database)
    await database.close()


def importer_of(server: Server) -> Importer:
    async def applied() -> None:
        """There is no queue here."""

    return Importer(server.database, Clock(), applied)


async def register(server: Server, *manifests: Manifest, deploy: bool = True) -> None:
    for number, one in enumerate(manifests, 1):
        how = Registering(deploy=deploy, notes=f"note {number}", by=f"user u{number}")
        await server.pipelines.register("default", one, how)


async def export(server: Server, newest: int | None = None) -> ExportedPipeline:
    return await Exporter(server.database, Clock()).export("default", "nightly", newest)


async def take(server: Server, document: ExportedPipeline, how: Importing | None = None) -> Imported:
    # As it comes in a request.
    read = decode_export(msgspec.json.format(msgspec.json.encode(document), indent=2), "application/json")
    return await importer_of(server).take("default", read, how or Importing(by="user ann"))


async def settle(server: Server) -> None:
    """Give the pipeline one of everything that an export takes along."""

    def work(tx: Transaction) -> None:
        row = require_pipeline(tx, "default", "nightly")
        add(tx, row, ADDED, "added", 5)
        holds.put(tx, row.key, holds.PIPELINE, FROZEN)
        holds.put(tx, row.key, 1, Hold(kind="deprecated", at=18))

    await server.database.write(work)


def same(document: ExportedPipeline) -> dict[str, Any]:
    """All but where and when it was written."""
    return {**msgspec.to_builtins(document), "exported_at": 0, "exported_from": ""}


async def test_a_new_pipeline_is_just_as_it_was(server: Server, other: Server) -> None:
    await register(server, ONE, THREE, TWO)
    await server.database.write(lambda tx: versions.delete(tx, require_pipeline(tx, "default", "nightly").key, 2))
    await server.pipelines.set_enabled("default", "nightly", False)
    await settle(server)
    document = await export(server)
    assert [one.number for one in document.versions] == [1, 3]
    assert b"secret{{key}}" in msgspec.json.encode(document)

    imported = await take(other, document)

    assert (imported.created, imported.deployed, imported.pipeline.version) == (True, True, 3)
    assert [(one.exported, one.version, one.created) for one in imported.versions] == [(1, 1, True), (3, 3, True)]
    assert any("disabled" in warning for warning in imported.warnings)
    assert same(await export(other)) == same(document)
    listed = (await other.versions.list("default", "nightly", None, 10)).items
    assert [(one.number, one.registered_by, one.notes) for one in listed] == [
        (3, "user u3", "note 3"),
        (1, "user u1", "note 1"),
    ]
    kinds = other.told()
    assert kinds.count("version.registered") == 2
    assert kinds.count("hold.set") == 2
    assert kinds.count("subscription.created") == 1
    assert kinds.count("deployment.completed") == 1
    # The next version's number is no old one.
    assert (await other.pipelines.get("default", "nightly")).versions == 2


async def test_one_that_is_there_gets_what_it_lacks(server: Server, other: Server) -> None:
    await register(server, ONE, TWO, THREE)
    await register(other, TWO)
    document = await export(server)
    imported = await take(other, document)
    assert (imported.created, imported.deployed) == (False, True)
    assert [(one.exported, one.version, one.created) for one in imported.versions] == [
        (1, 2, True),
        (2, 1, False),
        (3, 3, True),
    ]
    assert imported.pipeline.version == 3
    found = await other.versions.get("default", "nightly", 2)
    assert (found.manifest, found.notes, found.registered_by) == (ONE, "note 1", "user ann")
    other.told()
    again = await take(other, document)
    assert not again.deployed
    assert not any(one.created for one in again.versions)
    assert other.told() == []


async def test_what_is_its_own_stays_and_is_told(server: Server, other: Server) -> None:
    await register(server, TWO)
    await server.pipelines.set_enabled("default", "nightly", False)
    await settle(server)
    await register(other, TWO)
    imported = await take(other, await export(server))
    assert imported.pipeline.enabled
    assert len(imported.warnings) == 3
    assert "by-hand" in " ".join(imported.warnings)


async def test_without_deploying(server: Server, other: Server) -> None:
    await register(server, ONE, TWO)
    imported = await take(other, await export(server), Importing(deploy=False))
    assert (imported.pipeline.version, imported.deployed, len(imported.versions)) == (0, False, 2)
    assert (await other.pipelines.get("default", "nightly")).name == "Two"


async def test_only_the_newest_versions_and_the_live_one(server: Server) -> None:
    await register(server, ONE)
    await register(server, TWO, THREE, deploy=False)
    document = await export(server, 1)
    assert ([one.number for one in document.versions], document.live_version) == ([1, 3], 1)


async def test_a_deployment_under_way(server: Server, other: Server) -> None:
    await register(server, ONE, TWO, THREE)
    await register(other, ONE)
    await register(other, TWO, deploy=False)
    deploys = Deployments(other.database, Clock())
    await deploys.deploy("default", "nightly", Deploy(version=2, strategy="canary"))
    other.told()
    with pytest.raises(Conflict, match="under way"):
        await take(other, await export(server))
    assert other.told() == []
    assert (await other.pipelines.get("default", "nightly")).versions == 2
    taken = await take(other, await export(server), Importing(deploy=False))
    assert (taken.pipeline.version, taken.pipeline.deployment, len(taken.versions)) == (1, 2, 3)
    forced = await take(other, await export(server), Importing(force=True))
    assert (forced.pipeline.version, forced.pipeline.deployment) == (3, None)
    assert (await deploys.get("default", "nightly", 2)).status == "aborted"


async def test_a_frozen_one_takes_nothing(server: Server) -> None:
    await register(server, TWO)
    document = await export(server)
    await settle(server)
    with pytest.raises(Conflict, match="token tok-1") as caught:
        await take(server, document)
    assert "unfreeze" in caught.value.hint


async def test_a_namespace_or_pipeline_that_is_not_there(server: Server) -> None:
    with pytest.raises(NotFound):
        await export(server)
    await register(server, ONE)
    document = await export(server)
    with pytest.raises(NotFound):
        await importer_of(server).take("nobody", document, Importing())
    await server.namespaces.create(CreateNamespace(id="team"))
    taken = await importer_of(server).take("team", document, Importing())
    assert (taken.pipeline.namespace, taken.pipeline.version) == ("team", 1)


def document(**fields: Any) -> dict[str, Any]:
    """One that is right, as JSON has it."""
    versions = [
        {"number": number, "hash": manifest_hash(one), "created_at": 1, "manifest": msgspec.to_builtins(one)}
        for number, one in ((1, ONE), (2, TWO))
    ]
    right = {"format": "gofer-pipeline", "format_version": 1, "pipeline": "nightly", "live_version": 2}
    return json.loads(json.dumps({**right, "versions": versions, **fields}))  # type: ignore[no-any-return]  # JSON


async def refused(server: Server, content: dict[str, Any]) -> dict[str, str]:
    """The messages, by their places."""
    read = decode_export(json.dumps(content).encode(), "")
    with pytest.raises(InvalidInput) as caught:
        await importer_of(server).take("default", read, Importing())
    assert caught.value.hint
    return {problem.place: problem.message for problem in caught.value.problems}


async def test_every_problem_is_said_at_once(server: Server) -> None:
    bad = document(live_version=9, holds=[{"kind": "paused", "at": 1}] * 2)
    first, second = bad["versions"]
    first["manifest"]["tasks"][0]["timeout"] = "soon"
    second["manifest"]["name"] = "Other"
    second["number"] = 1
    second["created_at"] = -1
    bad["subscriptions"] = [
        {"label": "a b", "trigger": "cron"},
        {"label": "x", "trigger": "cron", "settings": {"y": "run{{z}}"}},
    ]
    found = await refused(server, bad)
    assert set(found) == {
        "versions[0].manifest.tasks[0].timeout",
        "versions[1].hash",
        "versions[1].number",
        "versions[1].created_at",
        "live_version",
        "holds[1].kind",
        "subscriptions[0].label",
        "subscriptions[1].settings.y",
    }
    assert manifest_hash(TWO) in found["versions[1].hash"]
    assert server.told() == []
    with pytest.raises(NotFound):
        await server.pipelines.get("default", "nightly")


async def test_of_another_pipeline_or_without_versions(server: Server) -> None:
    assert set(await refused(server, document(pipeline="other"))) == {
        "versions[0].manifest.id",
        "versions[1].manifest.id",
    }
    assert set(await refused(server, document(versions=[], live_version=0))) == {"versions"}
    twice = document()
    twice["versions"].append({**twice["versions"][0], "number": 3})
    assert set(await refused(server, twice)) == {"versions[2].hash"}
    # The version after that could not be asked for, nor this one be exported and imported again.
    last = document(live_version=0)
    last["versions"][1]["number"] = 2**53 - 1
    assert set(await refused(server, last)) == {"versions[1].number"}


async def test_what_is_live_is_not_paused(server: Server) -> None:
    bad = document()
    bad["versions"][1]["holds"] = [{"kind": "paused", "at": 1}]
    assert await refused(server, bad) == {"versions[1].holds": "the live version is paused"}


async def test_labels_meet(server: Server) -> None:
    bad = document(live_version=1, subscriptions=[{"label": "often", "trigger": "cron"}])
    assert set(await refused(server, bad)) == {"subscriptions[0].label"}


@pytest.mark.parametrize(
    ("content", "place", "message"),
    [
        ({"id": "x", "tasks": []}, "format", "no export"),
        (document(format="gofer-backup"), "format", "gofer-backup"),
        (document(format_version=2), "format_version", "reads version 1"),
        ({**document(format_version=2), "later": 1}, "format_version", "reads version 1"),
        (document(later=1), "later", "unknown field"),
        (document(versions="all"), "versions", "expected a list"),
        (document(versions=[{"number": "x"}]), "versions[0].number", "expected an integer"),
        ([1], "", "expected an object"),
    ],
)
def test_what_is_no_export(content: Any, place: str, message: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        decode_export(json.dumps(content).encode(), "application/json")
    problems = {problem.place: problem.message for problem in caught.value.problems}
    assert message in problems[place]
    assert caught.value.hint


def test_what_is_no_json() -> None:
    for body, kind in ((b"{", ""), (b"[" * 100_000, ""), (b"{}", "text/csv")):
        with pytest.raises(BadRequest) as caught:
            decode_export(body, kind)
        assert caught.value.hint
