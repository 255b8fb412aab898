"""Taking over an exported pipeline, which another server may have written."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from gofer.models.deployment import DeploymentSettings
from gofer.models.event import Kind
from gofer.models.export import ExportedPipeline, Imported, ImportedVersion
from gofer.models.hold import Hold
from gofer.models.ids import shown
from gofer.models.manifest import Manifest
from gofer.server.clock import Clock
from gofer.server.deployments.begin import begin
from gofer.server.deployments.clear_way import clear_way
from gofer.server.pipelines.check_export import CheckedVersion, check_export, live_manifest
from gofer.server.pipelines.common_tasks import require_common_tasks
from gofer.server.pipelines.holds import require_unfrozen, warnings
from gofer.server.pipelines.namespaces import require_namespace
from gofer.server.pipelines.subscriptions import Asked, Asking, Followed, add, changed_ones
from gofer.server.pipelines.view import pipeline_model, require_pipeline
from gofer.server.store import holds, pipelines, subscriptions, versions
from gofer.server.store.database import Database, Transaction
from gofer.server.store.deployments import NewDeployment
from gofer.server.store.pipelines import PipelineRow

Also = Callable[[Transaction, Imported], None]
"""More that belongs into the transaction, such as the answer kept for an Idempotency-Key."""


class Importing(NamedTuple):
    """How it is imported: with `deploy` the document's live version goes live at once; `force` aborts the deployment
    that is under way. `by` says who does it."""

    deploy: bool = True
    force: bool = False
    by: str = ""


class _Done(NamedTuple):
    """What is answered, and the keys of the subscriptions that are others now."""

    answer: Imported
    keys: Sequence[int]


class Importer:
    """`applied` is awaited when a pipeline has come with holds: it returns when runs wait accordingly. `triggers` are
    asked about subscriptions; None: there are none to ask."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        applied: Callable[[], Awaitable[None]],
        triggers: Asking | None = None,
        reached: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._applied = applied
        self._triggers = triggers
        self._reached = reached

    async def take(
        self, namespace: str, document: ExportedPipeline, how: Importing, *, also: Also | None = None
    ) -> Imported:
        """Make the pipeline, or add to the one that is there, in one transaction.

        A new pipeline gets everything as the document has it: the versions with their numbers, notes, who and when;
        whether it is enabled, its holds, the subscriptions that were added. One that is there keeps what is its own:
        versions whose content it has are recognised, and the others become new ones, registered now by `how.by`, with
        their notes. Raises InvalidInput with all problems, NotFound for the namespace, Conflict where the pipeline is
        frozen, the version to deploy is paused, a deployment is under way or a subscription's label is taken.
        """
        checked = await asyncio.to_thread(check_export, document)
        said = await self._check(namespace, document, how)

        def work(tx: Transaction) -> _Done:
            done = self._import(tx, namespace, document, checked, how)
            done.answer.warnings[:0] = said
            if also is not None:
                also(tx, done.answer)
            self._reached("importing")
            return done

        done = await self._database.write(work)
        self._reached("imported")
        if done.answer.pipeline.holds:
            await self._applied()
        if done.keys and self._triggers is not None:
            await self._triggers.settled(done.keys)
        return done.answer

    async def _check(self, namespace: str, document: ExportedPipeline, how: Importing) -> Sequence[str]:
        """Ask the triggers about the subscriptions that would be new to them."""

        def look(connection: sqlite3.Connection) -> list[Asked]:
            require_namespace(connection, namespace)
            row = pipelines.get(connection, namespace, document.pipeline)
            return _asked(connection, row, document, how)

        asked = await self._database.read(look)
        return await self._triggers.check(namespace, document.pipeline, asked) if asked and self._triggers else []

    def _import(
        self,
        tx: Transaction,
        namespace: str,
        document: ExportedPipeline,
        checked: Sequence[CheckedVersion],
        how: Importing,
    ) -> _Done:
        require_namespace(tx, namespace)
        at = self._clock.now()
        row = pipelines.get(tx, namespace, document.pipeline)
        created = row is None
        if row is None:
            row, taken, keys = _create(tx, namespace, document, checked, how, at)
        else:
            require_unfrozen(tx, row)
            taken, keys = _append(tx, row, checked, how, at), []
        said: list[str] = [] if created else _kept(tx, row, document)
        followed = _deploy(tx, namespace, row, document, taken, how, at)
        if followed is not None:
            keys, said = [*keys, *followed.keys], [*said, *followed.warnings]
        if created:
            # Last, as a frozen one is not changed.
            _hold(tx, row, document, how, at)
        after = require_pipeline(tx, namespace, document.pipeline)
        said += warnings(tx, after, after.live_version)
        if not after.enabled:
            said.append(f"The pipeline is disabled: no run starts before gofer pipeline enable {after.id}.")
        answer = Imported(
            pipeline=pipeline_model(tx.connection, after),
            created=created,
            deployed=followed is not None,
            versions=taken,
            warnings=said,
        )
        return _Done(answer, keys)


def _asked(
    connection: sqlite3.Connection, row: PipelineRow | None, document: ExportedPipeline, how: Importing
) -> list[Asked]:
    known = subscriptions.of_pipeline(connection, row.key) if row else []
    live = live_manifest(document) if how.deploy else None
    asked = []
    if live is not None:
        place = f"versions[{live[0]}].manifest."
        asked = [Asked(place + one.place, one.subscription) for one in changed_ones(live[1], known)]
    if row is None:
        asked += [Asked(f"subscriptions[{i}]", one) for i, one in enumerate(document.subscriptions)]
    return asked


def _create(
    tx: Transaction,
    namespace: str,
    document: ExportedPipeline,
    checked: Sequence[CheckedVersion],
    how: Importing,
    at: int,
) -> tuple[PipelineRow, list[ImportedVersion], list[int]]:
    live = live_manifest(document)
    newest = checked[-1].exported
    manifest: Manifest = live[1] if live else newest.manifest
    key = pipelines.insert(
        tx, namespace=namespace, pipeline=manifest.id, name=manifest.name, description=manifest.description, at=at
    )
    tx.emit(Kind.PIPELINE_CREATED, at, namespace=namespace, pipeline=manifest.id)
    pipelines.set_last_version(tx, key, newest.number, at)
    if not document.enabled:
        pipelines.set_enabled(tx, key, False, at)
        tx.emit(Kind.PIPELINE_DISABLED, at, namespace=namespace, pipeline=manifest.id, data={"reason": "imported"})
    row = require_pipeline(tx, namespace, manifest.id)
    for one in checked:
        _insert(tx, row, one, one.exported.number, one.exported.created_at, one.exported.registered_by, how, at)
    keys = [add(tx, row, one, "added", at) for one in document.subscriptions]
    numbers = [one.exported.number for one in checked]
    return row, [ImportedVersion(exported=number, version=number, created=True) for number in numbers], keys


def _append(
    tx: Transaction, row: PipelineRow, checked: Sequence[CheckedVersion], how: Importing, at: int
) -> list[ImportedVersion]:
    """Which version has become which."""
    taken = []
    last = row.last_version
    for one in checked:
        known = versions.newest_with_hash(tx, row.key, one.exported.hash)
        if known is None:
            last += 1
            _insert(tx, row, one, last, at, how.by, how, at)
        taken.append(ImportedVersion(exported=one.exported.number, version=known or last, created=known is None))
    if last != row.last_version:
        pipelines.set_last_version(tx, row.key, last, at)
    return taken


def _insert(
    tx: Transaction,
    row: PipelineRow,
    checked: CheckedVersion,
    number: int,
    registered_at: int,
    registered_by: str,
    how: Importing,
    at: int,
) -> None:
    one = checked.exported
    versions.insert(
        tx,
        row.key,
        number=number,
        manifest_hash=one.hash,
        manifest_json=checked.json,
        at=registered_at,
        registered_by=registered_by,
        notes=one.notes,
    )
    data = {"version": number, "hash": one.hash, "imported": True}
    _tell(tx, Kind.VERSION_REGISTERED, row, data, how, at)


def _deploy(
    tx: Transaction,
    namespace: str,
    row: PipelineRow,
    document: ExportedPipeline,
    taken: Sequence[ImportedVersion],
    how: Importing,
    at: int,
) -> Followed | None:
    """Make the document's live version the live one; None: it is already, or none is to be."""
    live = live_manifest(document) if how.deploy else None
    if live is None:
        return None
    version = next(one.version for one in taken if one.exported == document.live_version)
    if version == row.live_version:
        return None
    require_common_tasks(tx, namespace, live[1])
    clear_way(tx, row, force=how.force, by=how.by, at=at)
    new = NewDeployment(
        pipeline_key=row.key,
        strategy="instant",
        cause="registered",
        from_version=row.live_version,
        to_version=version,
        settings=DeploymentSettings(),
        status="completed",
        notes="imported",
        at=at,
        by=how.by,
    )
    return begin(tx, row, new).followed


def _hold(tx: Transaction, row: PipelineRow, document: ExportedPipeline, how: Importing, at: int) -> None:
    """Take over the holds, on the pipeline and on its versions."""
    _put(tx, row, holds.PIPELINE, document.holds, how, at)
    for one in document.versions:
        _put(tx, row, one.number, one.holds, how, at)


def _put(tx: Transaction, row: PipelineRow, version: int, found: Sequence[Hold], how: Importing, at: int) -> None:
    for hold in found:
        holds.put(tx, row.key, version, hold)
        data: dict[str, object] = {"hold": hold.kind, "reason": hold.reason, "imported": True}
        data |= {"version": version} if version != holds.PIPELINE else {}
        _tell(tx, Kind.HOLD_SET, row, data, how, at)


def _kept(tx: Transaction, row: PipelineRow, document: ExportedPipeline) -> list[str]:
    """What the document says otherwise of a pipeline that is there."""
    said = []
    if row.enabled != document.enabled:
        words = ("enabled", "disabled") if row.enabled else ("disabled", "enabled")
        said.append(f"The pipeline is {words[0]} here and {words[1]} in the document: that stays so.")
    here = {one.label for one in subscriptions.of_pipeline(tx, row.key)}
    missing = [one.label for one in document.subscriptions if one.label not in here]
    if missing:
        labels = ", ".join(shown(label, 64) for label in missing)
        said.append(f"Subscriptions that were added there are not added here: {labels}.")
    kinds = {one.kind for one in holds.of_pipeline(tx, row.key).get(holds.PIPELINE, [])}
    others = [hold.kind for hold in document.holds if hold.kind not in kinds]
    return said + [f"The pipeline is {kind} in the document, and is not so here: that stays so." for kind in others]


def _tell(tx: Transaction, kind: Kind, row: PipelineRow, data: dict[str, object], how: Importing, at: int) -> None:
    if how.by:
        data["by"] = how.by
    tx.emit(kind, at, namespace=row.namespace, pipeline=row.id, data=data)
