"""What may be done with deployments."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from typing import NamedTuple

from gofer.errors import Conflict, InvalidInput
from gofer.models.deployment import Deploy, Deployed, Deployment, DeploymentSettings, DeploymentStatus, Rollback
from gofer.models.ids import shown
from gofer.models.manifest import Manifest
from gofer.models.page import Page
from gofer.server.clock import Clock
from gofer.server.deployments.begin import begin
from gofer.server.deployments.clear_way import clear_way, described
from gofer.server.deployments.end import end
from gofer.server.deployments.go_live import go_live, manifest_of
from gofer.server.deployments.settings import settings_of
from gofer.server.deployments.view import deployment_model, require_deployment
from gofer.server.pipelines.common_tasks import require_common_tasks
from gofer.server.pipelines.holds import warnings as held_warnings
from gofer.server.pipelines.parameters import resolve_parameters
from gofer.server.pipelines.subscriptions import Asking, changed_ones, require_free_labels
from gofer.server.pipelines.view import require_pipeline
from gofer.server.store import deployments, subscriptions, versions
from gofer.server.store.database import Database, Transaction
from gofer.server.store.deployments import DeploymentRow, Ended, NewDeployment
from gofer.server.store.pipelines import PipelineRow
from gofer.server.store.transaction import Readable

Also = Callable[[Transaction, Deployed], None]
"""More that belongs into the transaction, such as the answer kept for an Idempotency-Key."""

_COMPARING = ("canary", "ab")


class _Done(NamedTuple):
    """What is answered, and the keys of the subscriptions that are others now."""

    answer: Deployed
    keys: Sequence[int] = ()


class Deployments:
    """One method for each use case. Each change is one transaction with its events.

    `triggers` are asked about subscriptions; None: there are none to ask. `by`, in all of them, says who does it.
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

    async def deploy(
        self, namespace: str, pipeline: str, asked: Deploy, *, by: str = "", also: Also | None = None
    ) -> Deployed:
        """Make a version live, at once or after it was tried.

        Raises NotFound (pipeline, version), InvalidInput (settings, parameters, subscriptions that a trigger refuses,
        common tasks that are not there), or Conflict: another is under way, or the strategy is not possible.
        """
        settings = settings_of(asked)
        warnings = await self._check(namespace, pipeline, asked.version)

        def work(tx: Transaction) -> _Done:
            row = require_pipeline(tx, namespace, pipeline)
            version = _newest(tx, row) if asked.version is None else asked.version
            _require_fit(tx, row, version, asked, settings)
            at = self._clock.now()
            aborted = clear_way(tx, row, force=asked.force, by=by, at=at)
            if version == row.live_version:
                return _unchanged(tx, row, asked, aborted)
            status: DeploymentStatus = "completed" if asked.strategy == "instant" else "running"
            new = NewDeployment(
                row.key, asked.strategy, "deployed", row.live_version, version, settings, status, asked.notes, at, by
            )  # fmt: skip
            return _begun(tx, row, new, aborted)

        return await self._write(work, also, warnings)

    async def rollback(
        self, namespace: str, pipeline: str, asked: Rollback, *, by: str = "", also: Also | None = None
    ) -> Deployed:
        """Make the version live at once that was so before, or the one that is named. Raises NotFound or Conflict.

        What a trigger says against its subscriptions, or common tasks that are not there, is a warning here: it was
        live, and is wanted back now.
        """

        def target(connection: Readable) -> tuple[PipelineRow, int]:
            row = require_pipeline(connection, namespace, pipeline)
            return row, _before(connection, row, asked) if asked.version is None else asked.version

        def known(connection: sqlite3.Connection) -> int:
            return target(connection)[1]

        warnings: Sequence[str]
        try:
            warnings = await self._check(namespace, pipeline, await self._database.read(known))
        except InvalidInput as error:
            warnings = _words(error)

        def work(tx: Transaction) -> _Done:
            row, version = target(tx)
            lacking = _lacking(tx, row, version)
            at = self._clock.now()
            if not asked.force:
                _require_none_tried(tx, row, version)
            aborted = clear_way(tx, row, force=asked.force, by=by, at=at)
            if version == row.live_version:
                return _unchanged(tx, row, Deploy(), aborted)
            new = NewDeployment(
                row.key, "instant", "rollback", row.live_version, version, DeploymentSettings(), "completed",
                asked.reason, at, by,
            )  # fmt: skip
            done = _begun(tx, row, new, aborted)
            done.answer.warnings += lacking
            return done

        return await self._write(work, also, warnings)

    async def promote(
        self, namespace: str, pipeline: str, number: int, reason: str, *, by: str = "", also: Also | None = None
    ) -> Deployed:
        """End a deployment that is under way: its new version goes live now. Raises NotFound or Conflict."""

        def work(tx: Transaction) -> _Done:
            row, found = _under_way(tx, namespace, pipeline, number)
            at = self._clock.now()
            followed = go_live(tx, row, found.to_version, at)
            end(tx, row, found, Ended("completed", at, by, "promoted", reason))
            return _Done(Deployed(deployment=_shown(tx, row, number), warnings=followed.warnings), followed.keys)

        return await self._write(work, also)

    async def abort(
        self, namespace: str, pipeline: str, number: int, reason: str, *, by: str = "", also: Also | None = None
    ) -> Deployed:
        """End a deployment that is under way: the old version stays live. Raises NotFound or Conflict."""

        def work(tx: Transaction) -> _Done:
            row, found = _under_way(tx, namespace, pipeline, number)
            end(tx, row, found, Ended("aborted", self._clock.now(), by, "aborted", reason))
            return _Done(Deployed(deployment=_shown(tx, row, number)))

        return await self._write(work, also)

    async def get(self, namespace: str, pipeline: str, number: int) -> Deployment:
        """Raises NotFound."""

        def work(connection: sqlite3.Connection) -> Deployment:
            row = require_pipeline(connection, namespace, pipeline)
            return deployment_model(row, require_deployment(connection, row, number))

        return await self._database.read(work)

    async def list(self, namespace: str, pipeline: str, cursor: int | None, limit: int) -> Page[Deployment]:
        """Newest first; the cursor is the last number of the page before. Raises NotFound."""

        def work(connection: sqlite3.Connection) -> Page[Deployment]:
            row = require_pipeline(connection, namespace, pipeline)
            before = deployments.LAST if cursor is None else cursor
            found = deployments.list_page(connection, row.key, before, limit + 1)
            items = [deployment_model(row, one) for one in found[:limit]]
            return Page(items=items, next=str(items[-1].number) if len(found) > limit else None)

        return await self._database.read(work)

    async def _write(
        self, work: Callable[[Transaction], _Done], also: Also | None, warnings: Sequence[str] = ()
    ) -> Deployed:
        def whole(tx: Transaction) -> _Done:
            done = work(tx)
            done.answer.warnings = [*warnings, *done.answer.warnings]
            if also is not None:
                also(tx, done.answer)
            self._reached("deploying")
            return done

        done = await self._database.write(whole)
        self._reached("deployed")
        if done.keys and self._triggers is not None:
            await self._triggers.settled(done.keys)
        return done.answer

    async def _check(self, namespace: str, pipeline: str, version: int | None) -> Sequence[str]:
        """Ask the triggers about the version's subscriptions that are new to them. Raises as `deploy`."""
        if self._triggers is None:
            return []

        def known(connection: sqlite3.Connection) -> tuple[Manifest, Sequence[subscriptions.SubscriptionRow]]:
            row = require_pipeline(connection, namespace, pipeline)
            manifest = manifest_of(connection, row, _newest(connection, row) if version is None else version)
            return manifest, subscriptions.of_pipeline(connection, row.key)

        asked = changed_ones(*await self._database.read(known))
        return await self._triggers.check(namespace, pipeline, asked) if asked else []


def _require_fit(tx: Transaction, row: PipelineRow, version: int, asked: Deploy, settings: DeploymentSettings) -> None:
    """Whether the version can be deployed as is asked. Raises as `Deployments.deploy`."""
    manifest = manifest_of(tx, row, version)
    require_common_tasks(tx, row.namespace, manifest)
    require_free_labels(tx, row, manifest)
    if asked.strategy in _COMPARING and row.live_version == 0:
        raise Conflict(
            f"No version of the pipeline {shown(row.id)} is live, which the new one could share the runs with",
            f"Make it live at once with: gofer pipeline deploy {row.id} --version {version}.",
        )
    if asked.strategy == "blue_green":
        resolve_parameters(manifest, settings.parameters)


def _begun(tx: Transaction, row: PipelineRow, new: NewDeployment, aborted: int | None) -> _Done:
    begun = begin(tx, row, new)
    warnings = [*begun.followed.warnings, *held_warnings(tx, row, new.to_version)]
    if not row.enabled:
        warnings.append(f"The pipeline is disabled: no run starts before gofer pipeline enable {row.id}.")
    answer = Deployed(deployment=deployment_model(row, begun.deployment), aborted=aborted, warnings=warnings)
    return _Done(answer, begun.followed.keys)


def _unchanged(tx: Transaction, row: PipelineRow, asked: Deploy, aborted: int | None) -> _Done:
    """What is answered where the version is live already."""
    made = deployments.made_live(tx, row.key, row.live_version)
    if asked.strategy != "instant" or made is None:
        raise Conflict(
            f"Version {row.live_version} of the pipeline {shown(row.id)} is live already",
            "Name another one with --version.",
        )
    return _Done(Deployed(deployment=deployment_model(row, made), changed=False, aborted=aborted))


def _lacking(tx: Transaction, row: PipelineRow, version: int) -> list[str]:
    """What is said of the version's common tasks that are not there. Raises NotFound for the version."""
    manifest = manifest_of(tx, row, version)
    try:
        require_common_tasks(tx, row.namespace, manifest)
    except InvalidInput as error:
        return _words(error)
    return []


def _words(error: InvalidInput) -> list[str]:
    return [f"{problem.place}: {problem.message}" for problem in error.problems] or [error.message]


def _require_none_tried(tx: Transaction, row: PipelineRow, version: int) -> None:
    """To go back from what is only tried is to abort it: what is live is so still."""
    found = deployments.under_way(tx, row.key)
    if found is not None and found.from_version:
        raise _tried(row, found, f" With --force it is aborted, and version {version} goes live in place of both.")


def _tried(row: PipelineRow, found: DeploymentRow, more: str = "") -> Conflict:
    then = f"version {found.from_version} gets every new run" if found.from_version else "no version is live"
    return Conflict(
        f"The deployment {found.number} of the pipeline {shown(row.id)} is under way: {described(found)}",
        f"To go back from version {found.to_version}, end it: gofer pipeline abort {row.id}; {then} then.{more}",
    )


def _before(connection: Readable, row: PipelineRow, asked: Rollback) -> int:
    """The version that was live before. Raises Conflict where none was: who goes back from what is only tried is told
    how to end that."""
    if (found := deployments.live_before(connection, row.key, row.live_version)) is not None:
        return found
    if not asked.force and (tried := deployments.under_way(connection, row.key)) is not None:
        raise _tried(row, tried)
    before = f" before version {row.live_version}" if row.live_version else " so far"
    raise Conflict(
        f"No version of the pipeline {shown(row.id)} was live{before}",
        f"Name the one to go to with --version; list them with: gofer pipeline versions list {row.id}.",
    )


def _under_way(tx: Transaction, namespace: str, pipeline: str, number: int) -> tuple[PipelineRow, DeploymentRow]:
    row = require_pipeline(tx, namespace, pipeline)
    found = require_deployment(tx, row, number)
    if found.status != "running":
        raise Conflict(
            f"The deployment {number} of the pipeline {shown(pipeline)} has ended: {found.status}",
            f"See what is live with: gofer pipeline status {pipeline}.",
        )
    return row, found


def _shown(tx: Transaction, row: PipelineRow, number: int) -> Deployment:
    return deployment_model(row, require_deployment(tx, row, number))


def _newest(connection: Readable, row: PipelineRow) -> int:
    return versions.newest(connection, row.key) or row.last_version
