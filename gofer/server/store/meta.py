"""Facts about the store itself."""

from __future__ import annotations

import secrets

from gofer.server.store.queries import load
from gofer.server.store.transaction import Readable, Transaction

_SQL = load("meta")
SERVER_ID = "server_id"
RESTORED = "restored"


def get(connection: Readable, name: str) -> str | None:
    row = connection.execute(_SQL.get, (name,)).fetchone()
    return row[0] if row else None


def put(transaction: Transaction, name: str, value: str) -> None:
    transaction.execute(_SQL.put, (name, value))


def remove(transaction: Transaction, name: str) -> None:
    transaction.execute(_SQL.remove, (name,))


def server_id(transaction: Transaction) -> str:
    """The store's random id, eight hex digits, made at the first call. It tells whose containers are whose."""
    known = get(transaction, SERVER_ID)
    if known is None:
        known = secrets.token_hex(4)
        put(transaction, SERVER_ID, known)
    return known
