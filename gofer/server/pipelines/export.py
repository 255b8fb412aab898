"""A pipeline as one document, for another server."""

from __future__ import annotations

import sqlite3

import msgspec

from gofer import __version__
from gofer.models.export import FORMAT, FORMAT_VERSION, ExportedPipeline, ExportedVersion
from gofer.models.manifest import Manifest, Subscription
from gofer.server.clock import Clock
from gofer.server.pipelines.versions import require_version
from gofer.server.pipelines.view import require_pipeline
from gofer.server.store import holds, subscriptions, versions
from gofer.server.store.database import Database
from gofer.server.store.pipelines import PipelineRow

_MANIFEST = msgspec.json.Decoder(Manifest)


class Exporter:
    """Reads, and changes nothing."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def export(self, namespace: str, pipeline: str, newest: int | None = None) -> ExportedPipeline:
        """The pipeline with all its versions, or the `newest` so many and the live one. Raises NotFound."""
        at = self._clock.now()

        def work(connection: sqlite3.Connection) -> ExportedPipeline:
            row = require_pipeline(connection, namespace, pipeline)
            held = holds.of_pipeline(connection, row.key)
            found = [require_version(connection, row, number) for number in _numbers(connection, row, newest)]
            return ExportedPipeline(
                format=FORMAT,
                format_version=FORMAT_VERSION,
                exported_from=namespace,
                exported_at=at,
                exported_by=__version__,
                pipeline=pipeline,
                enabled=row.enabled,
                live_version=row.live_version,
                holds=held.get(holds.PIPELINE, []),
                subscriptions=_added(connection, row),
                versions=[
                    ExportedVersion(
                        number=one.number,
                        hash=one.hash,
                        created_at=one.created_at,
                        registered_by=one.registered_by,
                        notes=one.notes,
                        holds=held.get(one.number, []),
                        manifest=_MANIFEST.decode(one.manifest_json),
                    )
                    for one in found
                ],
            )

        return await self._database.read(work)


def _numbers(connection: sqlite3.Connection, row: PipelineRow, newest: int | None) -> list[int]:
    """Oldest first."""
    limit = versions.LAST if newest is None else newest
    found = {one.number for one in versions.list_page(connection, row.key, versions.LAST, limit)}
    return sorted(found | {row.live_version} - {0})


def _added(connection: sqlite3.Connection, row: PipelineRow) -> list[Subscription]:
    return [
        Subscription(label=one.label, trigger=one.trigger, settings=one.settings, parameters=one.parameters)
        for one in subscriptions.of_pipeline(connection, row.key)
        if one.origin == "added"
    ]
