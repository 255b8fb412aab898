"""The versions of a pipeline: look them up, note something of them, delete them."""

from __future__ import annotations

import sqlite3

import msgspec

from gofer.errors import NotFound
from gofer.models.event import Kind
from gofer.models.hold import Hold
from gofer.models.ids import shown
from gofer.models.manifest import Manifest
from gofer.models.page import Page
from gofer.models.pipeline import Version, VersionDetail
from gofer.server.clock import Clock
from gofer.server.pipelines.delete_version import delete_version, require_unused
from gofer.server.pipelines.holds import require_removable, require_unfrozen
from gofer.server.pipelines.notes import require_notes
from gofer.server.pipelines.view import require_pipeline
from gofer.server.store import holds, versions
from gofer.server.store.database import Database, Readable, Transaction
from gofer.server.store.pipelines import PipelineRow
from gofer.server.store.versions import VersionRow, VersionSummary

_MANIFEST = msgspec.json.Decoder(Manifest)


class Versions:
    """One method for each use case. Each change is one transaction with its events."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def list(self, namespace: str, pipeline: str, cursor: int | None, limit: int) -> Page[Version]:
        """Newest first; the cursor is the last number of the page before. Raises NotFound."""

        def work(connection: sqlite3.Connection) -> Page[Version]:
            row = require_pipeline(connection, namespace, pipeline)
            before = versions.LAST if cursor is None else cursor
            found = versions.list_page(connection, row.key, before, limit + 1)
            held = holds.of_pipeline(connection, row.key)
            items = [version_model(row, one, held.get(one.number, [])) for one in found[:limit]]
            return Page(items=items, next=str(items[-1].number) if len(found) > limit else None)

        return await self._database.read(work)

    async def get(self, namespace: str, pipeline: str, number: int | None) -> VersionDetail:
        """A version with its manifest; None means the live one, or the newest where none was deployed yet. Raises
        NotFound."""

        def work(connection: sqlite3.Connection) -> VersionDetail:
            row = require_pipeline(connection, namespace, pipeline)
            wanted = number or row.live_version or versions.newest(connection, row.key) or 0
            found = require_version(connection, row, wanted)
            manifest = _MANIFEST.decode(found.manifest_json)
            return VersionDetail(**msgspec.structs.asdict(_model(connection, row, found)), manifest=manifest)

        return await self._database.read(work)

    async def set_notes(self, namespace: str, pipeline: str, number: int, notes: str) -> Version:
        """The version, with other notes; also where its pipeline is frozen, as they change nothing of what it does.
        Raises NotFound or InvalidInput."""
        require_notes(notes)
        at = self._clock.now()

        def work(tx: Transaction) -> Version:
            row = require_pipeline(tx, namespace, pipeline)
            found = require_version(tx, row, number)
            if found.notes != notes:
                versions.set_notes(tx, row.key, number, notes)
                tx.emit(Kind.VERSION_NOTED, at, namespace=namespace, pipeline=pipeline, data={"version": number})
            return _model(tx, row, found._replace(notes=notes))

        return await self._database.write(work)

    async def delete(self, namespace: str, pipeline: str, number: int) -> None:
        """Its number is not given again. Raises NotFound, or Conflict where something needs it, or it is frozen."""
        at = self._clock.now()

        def work(tx: Transaction) -> None:
            row = require_pipeline(tx, namespace, pipeline)
            require_version(tx, row, number)
            require_unfrozen(tx, row)
            require_removable(tx, row, number)
            require_unused(tx, row, number)
            delete_version(tx, row, number, at)

        await self._database.write(work)


def require_version(connection: Readable, row: PipelineRow, number: int) -> VersionRow:
    """The version's row, with its manifest. Raises NotFound."""
    found = versions.get(connection, row.key, number)
    if found is None:
        raise no_version(row, number)
    return found


def no_version(row: PipelineRow, number: int) -> NotFound:
    """What is said where there is no version of that number."""
    message = f"The pipeline {shown(row.id)} has no version {number}"
    if 0 < number <= row.last_version:
        message += " any more"
    return NotFound(message, f"List those that there are with: gofer pipeline versions list {row.id}.")


def version_model(row: PipelineRow, version: VersionRow | VersionSummary, held: list[Hold]) -> Version:
    """As the API shows it; `held` are the holds on it."""
    return Version(
        namespace=row.namespace,
        pipeline=row.id,
        number=version.number,
        hash=version.hash,
        created_at=version.created_at,
        registered_by=version.registered_by,
        notes=version.notes,
        live=version.number == row.live_version,
        holds=held,
    )


def _model(connection: Readable, row: PipelineRow, version: VersionRow) -> Version:
    return version_model(row, version, holds.of_pipeline(connection, row.key).get(version.number, []))
