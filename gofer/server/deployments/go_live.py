"""Making a version the live one: the only place that does."""

from __future__ import annotations

import msgspec

from gofer.models.manifest import Manifest
from gofer.server.pipelines.subscriptions import Followed, follow
from gofer.server.pipelines.versions import require_version
from gofer.server.store import pipelines
from gofer.server.store.database import Transaction
from gofer.server.store.pipelines import PipelineRow
from gofer.server.store.transaction import Readable

_MANIFEST = msgspec.json.Decoder(Manifest)


def go_live(tx: Transaction, row: PipelineRow, version: int, at: int) -> Followed:
    """Make `version` the live one of the pipeline, whose name, description and subscriptions become the version's.

    It belongs into the transaction that stores the deployment's end. `row` is what was read before, and is old
    afterwards. Whoever can, waits for the triggers with `Asking.settled(followed.keys)` after the commit. Raises
    NotFound if there is no such version, or Conflict for a subscription whose label was taken; nothing was written
    then.
    """
    manifest = manifest_of(tx, row, version)
    followed = follow(tx, row, manifest, at)
    pipelines.set_version(tx, row.key, version=version, name=manifest.name, description=manifest.description, at=at)
    return followed


def manifest_of(connection: Readable, row: PipelineRow, version: int) -> Manifest:
    """The version's content. Raises NotFound."""
    return _MANIFEST.decode(require_version(connection, row, version).manifest_json)
