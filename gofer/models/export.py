"""A pipeline as one document, which one server writes and another one reads. No secret is in it: references to them
stay as they were written."""

from __future__ import annotations

import msgspec

from gofer.models.hold import Hold
from gofer.models.manifest import Manifest, Subscription
from gofer.models.pipeline import Pipeline

FORMAT = "gofer-pipeline"
FORMAT_VERSION = 1
"""Counts up when an older program could misunderstand a newer document."""


class ExportedVersion(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A version; `hash` is the SHA-256 of its manifest's canonical JSON, in hex, and is compared when it is read. Times
    are milliseconds since the Unix epoch."""

    number: int
    hash: str
    created_at: int
    registered_by: str = ""
    notes: str = ""
    holds: list[Hold] = []
    manifest: Manifest


class ExportedPipeline(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The document. `live_version` 0: none was deployed. `subscriptions` are those that somebody has added beside the
    manifest's own. `versions` go from the oldest to the newest. `exported_from` (the namespace), `exported_at` and
    `exported_by` (the program's version) only say where it comes from."""

    format: str
    format_version: int
    exported_from: str = ""
    exported_at: int = 0
    exported_by: str = ""
    pipeline: str
    enabled: bool = True
    live_version: int
    holds: list[Hold] = []
    subscriptions: list[Subscription] = []
    versions: list[ExportedVersion]


class ImportedVersion(msgspec.Struct, kw_only=True):
    """The version that was `exported` has the number `version` here. `created`: it was not there before."""

    exported: int
    version: int
    created: bool


class Imported(msgspec.Struct, kw_only=True):
    """Answer to an import. `created`: there was no such pipeline before. `deployed`: its live version is another one
    now than before."""

    pipeline: Pipeline
    created: bool
    deployed: bool
    versions: list[ImportedVersion]
    warnings: list[str] = []
