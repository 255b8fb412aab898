"""What may be done with pipelines."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from typing import NamedTuple

from gofer.models.deployment import DeploymentSettings
from gofer.models.event import Kind
from gofer.models.manifest import Manifest
from gofer.models.page import Page
from gofer.models.pipeline import Pipeline, Registered
from gofer.server.clock import Clock
from gofer.server.deployments.begin import begin
from gofer.server.deployments.clear_way import clear_way
from gofer.server.pipelines.advice import advice
from gofer.server.pipelines.common_tasks import require_common_tasks
from gofer.server.pipelines.compare import compare, compare_again
from gofer.server.pipelines.delete import Deleter
from gofer.server.pipelines.holds import require_unfrozen
from gofer.server.pipelines.holds import warnings as held_warnings
from gofer.server.pipelines.manifest_hash import canonical, hash_of
from gofer.server.pipelines.namespaces import require_namespace
from gofer.server.pipelines.subscriptions import Asking, Followed, changed_ones, follow
from gofer.server.pipelines.validate import require_valid
from gofer.server.pipelines.view import pipeline_model, require_pipeline
from gofer.server.store import pipelines, subscriptions, versions
from gofer.server.store.database import Database, Transaction
from gofer.server.store.deployments import NewDeployment
from gofer.server.store.patterns import Patterns
from gofer.server.store.pipelines import PipelineRow
from gofer.server.store.subscriptions import SubscriptionRow

Also = Callable[[Transaction, Registered], None]
"""More that belongs into the transaction, such as the answer kept for an Idempotency-Key."""


class _Content(NamedTuple):
    """A valid manifest as it is stored."""

    manifest: Manifest
    json: str
    hash: str
    warnings: list[str]


class Registering(NamedTuple):
    """How a manifest is registered: its version goes live at once with `deploy`, and has to be deployed else; `force`
    aborts the deployment that is under way. `notes` are the version's; `by` says who does it."""

    deploy: bool = True
    force: bool = False
    notes: str = ""
    by: str = ""


_PLAIN = Registering()


class Pipelines:
    """One method for each use case. Each change is one transaction with its events.

    `triggers` are asked about subscriptions; None: there are none to ask.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        triggers: Asking | None = None,
        reached: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._triggers = triggers
        self._reached = reached

    async def register(
        self, namespace: str, manifest: Manifest, how: Registering = _PLAIN, *, also: Also | None = None
    ) -> Registered:
        """Make the manifest's content a version of its pipeline, which is created if there is none, and, unless `how`
        says otherwise, the live one.

        Content that a version has already makes no new one: if that is the live version nothing changes at all, else
        it becomes the live one again. The live version's subscriptions are those of the pipeline. `also` is done in
        the same transaction. Raises InvalidInput with all problems, also for a common task that it cannot use, NotFound
        for the namespace, or Conflict for a subscription whose label was taken, and while a deployment is under way or
        the pipeline, or the version, is held.
        """
        content = await asyncio.to_thread(_content, manifest)
        content.warnings.extend(await self._check(namespace, manifest))
        compared = await self._database.read(lambda c: compare(c, namespace, manifest))

        def work(tx: Transaction) -> tuple[Registered, Sequence[int]]:
            before = compare_again(tx, namespace, manifest, compared)
            registered, keys = self._register(tx, namespace, content, how)
            registered.compared_with, registered.changes = before.version, before.changes
            if also is not None:
                also(tx, registered)
            self._reached("deploying")
            return registered, keys

        registered, keys = await self._database.write(work)
        self._reached("deployed")
        if keys and self._triggers is not None:
            await self._triggers.settled(keys)
        return registered

    async def set_enabled(self, namespace: str, pipeline: str, enabled: bool) -> Pipeline:
        """A disabled pipeline starts no runs; those under way go on. Raises NotFound, or Conflict if it is frozen."""
        at = self._clock.now()

        def work(tx: Transaction) -> Pipeline:
            row = require_pipeline(tx, namespace, pipeline)
            if row.enabled == enabled:
                return pipeline_model(tx.connection, row)
            require_unfrozen(tx, row)
            pipelines.set_enabled(tx, row.key, enabled, at)
            kind = Kind.PIPELINE_ENABLED if enabled else Kind.PIPELINE_DISABLED
            tx.emit(kind, at, namespace=namespace, pipeline=pipeline)
            return pipeline_model(tx.connection, require_pipeline(tx, namespace, pipeline))

        return await self._database.write(work)

    async def delete(self, namespace: str, pipeline: str) -> None:
        """Delete the pipeline with its versions and runs; log files are left to the caller.

        Raises NotFound, or Conflict while a run has not ended.
        """
        await Deleter(self._database, self._clock).delete(namespace, pipeline)

    async def get(self, namespace: str, pipeline: str) -> Pipeline:
        """Raises NotFound."""
        return await self._database.read(lambda c: pipeline_model(c, require_pipeline(c, namespace, pipeline)))

    async def list(self, namespace: str, cursor: str | None, limit: int, seen: Patterns = None) -> Page[Pipeline]:
        """Those that match `seen`, in the order of ids; the cursor is the last id of the page before. Raises NotFound
        for the namespace."""

        def work(connection: sqlite3.Connection) -> Page[Pipeline]:
            rows = pipelines.list_page(connection, namespace, cursor or "", limit + 1, seen)
            if not rows:
                require_namespace(connection, namespace)
            following = rows[limit - 1].id if len(rows) > limit else None
            return Page(items=[pipeline_model(connection, row) for row in rows[:limit]], next=following)

        return await self._database.read(work)

    async def _check(self, namespace: str, manifest: Manifest) -> Sequence[str]:
        """Ask the triggers about the subscriptions that are new to them. Raises as `register`."""
        if self._triggers is None or not manifest.subscriptions:
            return []

        def known(connection: sqlite3.Connection) -> Sequence[SubscriptionRow]:
            require_namespace(connection, namespace)
            row = pipelines.get(connection, namespace, manifest.id)
            return subscriptions.of_pipeline(connection, row.key) if row else []

        asked = changed_ones(manifest, await self._database.read(known))
        return await self._triggers.check(namespace, manifest.id, asked) if asked else []

    def _register(
        self, tx: Transaction, namespace: str, content: _Content, how: Registering
    ) -> tuple[Registered, Sequence[int]]:
        """What is answered, and the keys of the subscriptions that are others now."""
        require_namespace(tx, namespace)
        require_common_tasks(tx, namespace, content.manifest)
        at = self._clock.now()
        row = pipelines.get(tx, namespace, content.manifest.id)
        if row is None:
            number, changed, followed = _create(tx, namespace, content, how, at)
        else:
            number, changed, followed = _change(tx, row, content, how, at)
        after = require_pipeline(tx, namespace, content.manifest.id)
        warnings = [*content.warnings, *followed.warnings, *held_warnings(tx, after, number)]
        stored = versions.get(tx, after.key, number)
        if how.notes and stored is not None and stored.notes != how.notes:
            words = f"gofer pipeline versions note {after.id} {number} TEXT"
            warnings.append(f"Version {number} was there before and keeps its notes; to change them: {words}.")
        if not after.enabled:
            warnings.append(f"The pipeline is disabled: no run starts before gofer pipeline enable {after.id}.")
        registered = Registered(
            pipeline=pipeline_model(tx.connection, after),
            version=number,
            hash=content.hash,
            created=row is None,
            changed=changed,
            warnings=warnings,
        )
        return registered, followed.keys


def _content(manifest: Manifest) -> _Content:
    require_valid(manifest)
    text = canonical(manifest)
    return _Content(manifest, text.decode(), hash_of(text), advice(manifest))


class _Outcome(NamedTuple):
    """The version that has the content, and whether that is new to the pipeline: as a version, or as the live one."""

    number: int
    changed: bool
    followed: Followed = Followed([], [])


def _create(tx: Transaction, namespace: str, content: _Content, how: Registering, at: int) -> _Outcome:
    manifest = content.manifest
    pipelines.insert(
        tx, namespace=namespace, pipeline=manifest.id, name=manifest.name, description=manifest.description, at=at
    )
    tx.emit(Kind.PIPELINE_CREATED, at, namespace=namespace, pipeline=manifest.id)
    row = require_pipeline(tx, namespace, manifest.id)
    _insert(tx, row, 1, content, how, at)
    _tell(tx, row, {"version": 1, "hash": content.hash}, how, at)
    return _Outcome(1, True, _deploy(tx, row, 1, how, at) if how.deploy else Followed([], []))


def _change(tx: Transaction, row: PipelineRow, content: _Content, how: Registering, at: int) -> _Outcome:
    known = versions.newest_with_hash(tx, row.key, content.hash)
    if known is not None and known == row.live_version:
        return _Outcome(known, False, follow(tx, row, content.manifest, at))
    if known is not None and not how.deploy:
        return _Outcome(known, False)
    require_unfrozen(tx, row)
    number = row.last_version + 1 if known is None else known
    if known is None:
        _insert(tx, row, number, content, how, at)
        pipelines.set_last_version(tx, row.key, number, at)
    data: dict[str, object] = {"version": number, "hash": content.hash, "previous": row.live_version}
    if known is not None:
        data["again"] = True
    _tell(tx, row, data, how, at)
    return _Outcome(number, True, _deploy(tx, row, number, how, at) if how.deploy else Followed([], []))


def _insert(tx: Transaction, row: PipelineRow, number: int, content: _Content, how: Registering, at: int) -> None:
    versions.insert(
        tx, row.key, number=number, manifest_hash=content.hash, manifest_json=content.json, at=at, notes=how.notes,
        registered_by=how.by,
    )  # fmt: skip


def _deploy(tx: Transaction, row: PipelineRow, number: int, how: Registering, at: int) -> Followed:
    clear_way(tx, row, force=how.force, by=how.by, at=at)
    new = NewDeployment(
        row.key, "instant", "registered", row.live_version, number, DeploymentSettings(), "completed", "", at, how.by
    )
    return begin(tx, row, new).followed


def _tell(tx: Transaction, row: PipelineRow, data: dict[str, object], how: Registering, at: int) -> None:
    if how.by:
        data["by"] = how.by
    tx.emit(Kind.VERSION_REGISTERED, at, namespace=row.namespace, pipeline=row.id, data=data)
