"""Rows of tokens, roles and sessions, all of which are in memory too."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from gofer.models.access import Grant, Role, Token
from gofer.server.store.queries import load
from gofer.server.store.transaction import Readable, Transaction

_SQL = load("access")
_TEXTS = msgspec.json.Decoder(list[str])
_GRANTS = msgspec.json.Decoder(list[Grant])
_JSON = msgspec.json.Encoder()


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


def insert_token(transaction: Transaction, token: Token, digest: bytes) -> StoredToken:
    """A new one. Neither its id nor its digest is in use."""
    lists = _JSON.encode(token.namespaces).decode(), _JSON.encode(token.roles).decode()
    row = (token.id, digest, token.kind, token.root, token.description, *lists, token.created_at, token.created_by)
    key = transaction.execute(_SQL.insert_token, (*row, token.expires_at)).lastrowid
    assert key is not None
    return StoredToken(key, token, digest, b"")


def update_token(transaction: Transaction, stored: StoredToken) -> None:
    """Store what of a token may change, but for its use."""
    token = stored.token
    digests = stored.digest, stored.previous or None, token.previous_until
    row = (*digests, token.description, token.disabled_at, token.rotated_at, stored.key)
    transaction.execute(_SQL.update_token, row)


def delete_token(transaction: Transaction, key: int) -> None:
    """Its sessions go with it."""
    transaction.execute(_SQL.delete_token, (key,))


def note_token_uses(transaction: Transaction, uses: Iterable[tuple[int, str, str]]) -> None:
    """`uses`: when and from where each was used last, and its id. One that is gone is passed over."""
    transaction.executemany(_SQL.note_token_use, uses)


def roles(connection: Readable) -> list[Role]:
    """Those that somebody has made."""
    return [_role(row) for row in connection.execute(_SQL.roles)]


def insert_role(transaction: Transaction, role: Role) -> None:
    """A new one. There is none of that id."""
    row = (role.id, role.description, _JSON.encode(role.permissions).decode(), role.created_at, role.created_by)
    transaction.execute(_SQL.insert_role, (*row, role.modified_at, role.modified_by))


def update_role(transaction: Transaction, role: Role) -> None:
    """Store what of a role may change."""
    permissions = _JSON.encode(role.permissions).decode()
    row = (role.description, permissions, role.modified_at, role.modified_by, role.id)
    transaction.execute(_SQL.update_role, row)


def delete_role(transaction: Transaction, role: str) -> None:
    transaction.execute(_SQL.delete_role, (role,))


def set_roles(transaction: Transaction, key: int, roles: list[str]) -> None:
    """Give the token of that key other roles."""
    transaction.execute(_SQL.set_roles, (_JSON.encode(roles).decode(), key))


def sessions(connection: Readable) -> list[StoredSession]:
    """All of them."""
    return [StoredSession(*row) for row in connection.execute(_SQL.sessions)]


def insert_session(tx: Transaction, session: StoredSession) -> bool:
    """Store a new one; False if its token is gone."""
    return tx.execute(_SQL.insert_session, session._asdict()).rowcount == 1


def see_sessions(tx: Transaction, seen: Iterable[StoredSession]) -> None:
    """Store when each of them was used last."""
    tx.executemany(_SQL.see_session, [(session.seen_at, session.digest) for session in seen])


def delete_all_sessions(tx: Transaction) -> None:
    """Everybody has to sign in again."""
    tx.execute(_SQL.delete_all_sessions)


def delete_sessions(tx: Transaction, digests: Iterable[bytes]) -> None:
    """Those that are gone already are no matter."""
    tx.executemany(_SQL.delete_session, [(digest,) for digest in digests])


def delete_sessions_before(tx: Transaction, key: int, before: int) -> None:
    """Those of the token of that key that were opened before a time, in milliseconds since the epoch."""
    tx.execute(_SQL.delete_sessions_before, (key, before))


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
