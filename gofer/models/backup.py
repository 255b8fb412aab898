"""What a backup says of itself."""

from __future__ import annotations

from typing import Literal

import msgspec

FORMAT = 2
"""Of the archive. A reader refuses one that is newer than it knows."""


class PartName(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One part of an archive: a SQLite database (one file of that name) or a folder (files below that name)."""

    name: str
    kind: Literal["sqlite", "folder"]


class Head(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The first file of an archive: what it is, and which parts follow in which order.

    `created_at` in milliseconds since the Unix epoch: the moment whose state the database has. `schema`: the version of
    the database's schema. `logs`: whether the logs of task runs are in it, `secrets` and `objects` likewise (never in
    format 1). `expected_bytes`: about how long the archive will be.
    """

    format: int
    gofer: str
    schema: int
    server_id: str
    created_at: int
    logs: bool
    parts: list[PartName]
    expected_bytes: int
    secrets: bool = False
    objects: bool = False


class Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was written of one part: how many files, their bytes together, and the SHA-256 of what is in them.

    Of a folder the digest is that of each file in turn: its name, a zero byte, its size in decimal, a zero byte, its
    bytes.
    """

    name: str
    files: int
    size: int
    sha256: str


class End(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The last file of an archive: an archive without it has broken off.

    `sha256`: of every byte of the archive before the one that begins this file's header.
    """

    parts: list[Part]
    sha256: str


class Backup(msgspec.Struct, frozen=True, kw_only=True):
    """A whole archive that was read and found right. `size` in bytes."""

    head: Head
    parts: list[Part]
    size: int
