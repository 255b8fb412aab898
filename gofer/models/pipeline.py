"""Namespaces, pipelines and versions, as the API shows them."""

from __future__ import annotations

import msgspec

from gofer.models.diff import Change
from gofer.models.hold import Hold
from gofer.models.manifest import Manifest
from gofer.models.run import Run


class Namespace(msgspec.Struct, kw_only=True):
    id: str
    name: str = ""
    description: str = ""
    created_at: int
    modified_at: int


class CreateNamespace(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    id: str
    name: str = ""
    description: str = ""


class UpdateNamespace(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Fields left out stay as they are."""

    name: str | None = None
    description: str | None = None


class Pipeline(msgspec.Struct, kw_only=True):
    """A named DAG in a namespace. `version` is the live one (0: none was deployed yet), `versions` how many there are;
    `deployment` is the number of the deployment that is under way; `holds` says whether it is paused, frozen or
    deprecated."""

    namespace: str
    id: str
    name: str = ""
    description: str = ""
    enabled: bool = True
    version: int
    versions: int = 1
    runs: int = 0
    created_at: int
    modified_at: int
    last_run: Run | None = None
    deployment: int | None = None
    holds: list[Hold] = []


class UpdatePipeline(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    enabled: bool


class Version(msgspec.Struct, kw_only=True):
    """An immutable manifest. `hash` is the SHA-256 of its canonical JSON, in hex. `registered_by` says who has
    registered it, as far as that is known; `notes` are free text, and may change."""

    namespace: str
    pipeline: str
    number: int
    hash: str
    created_at: int
    registered_by: str = ""
    notes: str = ""
    live: bool = False
    holds: list[Hold] = []


class UpdateVersion(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Body of `PATCH …/versions/{version}`."""

    notes: str


class VersionDetail(Version, kw_only=True):
    manifest: Manifest


class Registered(msgspec.Struct, kw_only=True):
    """Answer to registering a manifest. `changed` is false where the same content was there already. `changes` are what
    differs from `compared_with`: the version that was live before, or the newest where none was; 0: there was none."""

    pipeline: Pipeline
    version: int
    hash: str
    created: bool
    changed: bool
    compared_with: int = 0
    changes: list[Change] = []
    warnings: list[str] = []
