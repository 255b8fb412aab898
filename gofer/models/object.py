"""Objects: bytes by name, kept for a pipeline or for one run."""

from __future__ import annotations

import msgspec


class Object(msgspec.Struct, kw_only=True):
    """What is known of an object. `run` is None at pipeline level.

    `size` in bytes; `sha256` in 64 lower-case hexadecimal digits; times in milliseconds since the epoch. `created_by`:
    who has put it, such as `run 12, task build`; empty where that is not known.
    """

    namespace: str
    pipeline: str
    run: int | None = None
    key: str
    size: int
    sha256: str
    content_type: str
    created_at: int
    modified_at: int
    created_by: str = ""


class StoredObject(Object, kw_only=True):
    """The answer to a put. `created`: there was none of that key."""

    created: bool
