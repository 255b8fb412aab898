"""The canonical form of a manifest and its hash: equal content, however it was written, is one version."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from gofer.models.manifest import Manifest


def canonical(manifest: Manifest) -> bytes:
    """JSON with sorted keys and without what equals its default; the schema's version is always there."""
    same = normal(manifest)
    content = _without_empty(msgspec.to_builtins(same))
    if "tasks" in content:
        content["tasks"] = [_without_empty(task) for task in content["tasks"]]
    content["schema_version"] = same.schema_version
    return msgspec.json.encode(content, order="sorted")


def normal(manifest: Manifest) -> Manifest:
    """The same manifest with its values of the types that its fields have."""
    # Through builtins and back, so that 1 and 1.0 are one where a field is a number.
    return msgspec.convert(msgspec.to_builtins(manifest), Manifest)


def _without_empty(part: dict[str, Any]) -> dict[str, Any]:
    """A part that was given with nothing in it means what its absence means."""
    return {key: value for key, value in part.items() if value != {}}


def manifest_hash(manifest: Manifest) -> str:
    """SHA-256 of the canonical form, in hex."""
    return hash_of(canonical(manifest))


def hash_of(content: bytes) -> str:
    """The hash of a canonical form."""
    return hashlib.sha256(content).hexdigest()
