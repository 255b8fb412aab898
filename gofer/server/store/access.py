"""Rows of tokens, roles and sessions, all of which are in memory too."""

from __future__ import annotations

import sqlite3
from typing import NamedTuple

import msgspec

from gofer.models.access import Grant, Role, Token
from gofer.server.store.queries import load
from gofer.server.store.transaction import Readable

_SQL = load("access")
_TEXTS = msgspec.json.Decoder(list[str])
_GRANTS = msgspec.json.Decoder(list[Grant])


class StoredToken(NamedTuple):
    """A token and the SHA-256 digests by which it is known; `previous` is b"" where it was not rotated."""

    key: int
    token: Token
    digest: bytes
    previous: bytes


class StoredSession(NamedTuple):
    """A browser's login. `token`: the id of its token. Times in milliseconds since the epoch."""

    digest: bytes
    token: str
    created_at: int
    seen_at: int
    address: str
    agent: str


def tokens(connection: Readable) -> list[StoredToken]:
    """All of them, the oldest first."""
    return [_token(row) for row in connection.execute(_SQL.tokens)]


def roles(connection: Readable) -> list[Role]:
    """Those that somebody has made."""
    return [_role(row) for row in connection.execute(_SQL.roles)]


def sessions(connection: Readable) -> list[StoredSession]:
    """All of them."""
    return [StoredSession(*row) for row in connection.execute(_SQL.sessions)]


def _token(row: sqlite3.Row) -> StoredToken:
    token = Token(
        id=row["id"],
        kind=row["kind"],
        root=bool(row["root"]),
        description=row["description"],
        namespaces=_TEXTS.decode(row["namespaces"]),
        roles=_TEXTS.decode(row["roles"]),
        created_at=row["created_at"],
        created_by=row["created_by"],
        expires_at=row["expires_at"],
        disabled_at=row["disabled_at"],
        rotated_at=row["rotated_at"],
        previous_until=row["previous_until"],
        last_used_at=row["last_used_at"],
        last_used_from=row["last_used_from"],
    )
    return StoredToken(row["key"], token, row["hash"], row["previous_hash"] or b"")


def _role(row: sqlite3.Row) -> Role:
    return Role(
        id=row["id"],
        description=row["description"],
        permissions=_GRANTS.decode(row["permissions"]),
        created_at=row["created_at"],
        created_by=row["created_by"],
        modified_at=row["modified_at"],
        modified_by=row["modified_by"],
    )
