"""What changes: from one version of a pipeline to another, or to a manifest that somebody is about to register."""

from __future__ import annotations

import asyncio
import sqlite3
from typing import NamedTuple

import msgspec

from gofer.errors import InvalidInput, Problem
from gofer.models.diff import Change, Diff
from gofer.models.ids import shown
from gofer.models.manifest import Manifest
from gofer.server.pipelines.diff import diff
from gofer.server.pipelines.manifest_hash import manifest_hash
from gofer.server.pipelines.namespaces import require_namespace
from gofer.server.pipelines.validate import require_valid
from gofer.server.pipelines.versions import require_version
from gofer.server.pipelines.view import require_pipeline
from gofer.server.store import pipelines, versions
from gofer.server.store.database import Database
from gofer.server.store.pipelines import PipelineRow
from gofer.server.store.transaction import Readable


class Compared(NamedTuple):
    """The changes from the version of that number of the pipeline with that key; 0 and 0: from nothing."""

    key: int
    version: int
    changes: list[Change]


class _Stored(NamedTuple):
    """A version's number and its manifest as JSON; `same` is the version that has a content already."""

    number: int
    manifest_json: str = ""
    same: int = 0


class Diffs:
    """One method for each use case. The work is done in a thread: large manifests take their time."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of_manifest(self, namespace: str, pipeline: str, manifest: Manifest, version: int | None) -> Diff:
        """What registering the manifest would change, seen from `version` (None: from the live one, or the newest
        where none is live). There need be no such pipeline yet, where no version is named.

        Raises InvalidInput with all that is wrong with the manifest, and where it is another pipeline's; NotFound.
        """
        _require_own(pipeline, manifest)
        content = await asyncio.to_thread(_hash_of_valid, manifest)

        def work(connection: sqlite3.Connection) -> _Stored:
            row = pipelines.get(connection, namespace, pipeline)
            if row is None and version is None:
                require_namespace(connection, namespace)
                return _Stored(0)
            row = row or require_pipeline(connection, namespace, pipeline)
            stored = _stored(connection, row, version or base_of(connection, row))
            return stored._replace(same=versions.newest_with_hash(connection, row.key, content) or 0)

        before = await self._database.read(work)
        changes = await asyncio.to_thread(_changes, before.manifest_json, manifest)
        return Diff(
            namespace=namespace,
            pipeline=pipeline,
            from_version=before.number,
            to_version=before.same if changes else before.number,
            changes=changes,
        )

    async def of_versions(self, namespace: str, pipeline: str, before: int, after: int | None) -> Diff:
        """From one version to another (None: the live one, or the newest where none is live). Raises NotFound."""

        def work(connection: sqlite3.Connection) -> tuple[_Stored, _Stored]:
            row = require_pipeline(connection, namespace, pipeline)
            return _stored(connection, row, before), _stored(connection, row, after or base_of(connection, row))

        old, new = await self._database.read(work)
        changes = await asyncio.to_thread(_changes_between, old.manifest_json, new.manifest_json)
        return Diff(
            namespace=namespace, pipeline=pipeline, from_version=old.number, to_version=new.number, changes=changes
        )


def base_of(connection: Readable, row: PipelineRow) -> int:
    """The version that a change is seen from: the live one, or the newest where none is live; 0 if there is none."""
    return row.live_version or versions.newest(connection, row.key) or 0


def compare(connection: Readable, namespace: str, manifest: Manifest) -> Compared:
    """What a valid manifest changes of its pipeline, as things are now."""
    row = pipelines.get(connection, namespace, manifest.id)
    number = base_of(connection, row) if row is not None else 0
    if row is None or not number:
        return Compared(0, 0, diff(None, manifest))
    return Compared(row.key, number, _changes(_stored(connection, row, number).manifest_json, manifest))


def compare_again(connection: Readable, namespace: str, manifest: Manifest, known: Compared) -> Compared:
    """`known`, unless something has happened to the pipeline since: the long work is not for a transaction."""
    row = pipelines.get(connection, namespace, manifest.id)
    number = base_of(connection, row) if row is not None else 0
    now = (row.key, number) if row is not None and number else (0, 0)
    return known if now == (known.key, known.version) else compare(connection, namespace, manifest)


def _stored(connection: Readable, row: PipelineRow, number: int) -> _Stored:
    return _Stored(number, require_version(connection, row, number).manifest_json)


def _changes(before_json: str, after: Manifest) -> list[Change]:
    return diff(msgspec.json.decode(before_json, type=Manifest) if before_json else None, after)


def _changes_between(before_json: str, after_json: str) -> list[Change]:
    return _changes(before_json, msgspec.json.decode(after_json, type=Manifest))


def _hash_of_valid(manifest: Manifest) -> str:
    require_valid(manifest)
    return manifest_hash(manifest)


def _require_own(pipeline: str, manifest: Manifest) -> None:
    if manifest.id != pipeline:
        message = f"The manifest is of the pipeline {shown(manifest.id)}, not of {shown(pipeline)}"
        hint = "A manifest is compared with versions of its own pipeline."
        raise InvalidInput(message, hint, [Problem(place="id", message=message, hint=hint)])
