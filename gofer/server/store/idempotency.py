"""What writes with an Idempotency-Key were answered."""

from __future__ import annotations

from typing import NamedTuple

from gofer.server.store.queries import load
from gofer.server.store.transaction import Readable, Transaction

_SQL = load("idempotency")


class IdempotencyRow(NamedTuple):
    """`fingerprint` tells whether it is the same request again; `status` and `body` are what it was answered."""

    fingerprint: str
    status: int
    body: bytes
    created_at: int


def insert(transaction: Transaction, key: str, fingerprint: str, status: int, body: bytes, at: int) -> bool:
    """False if the key is known already; what was stored with it stays."""
    return transaction.execute(_SQL.insert, (key, fingerprint, status, body, at)).rowcount == 1


def get(connection: Readable, key: str) -> IdempotencyRow | None:
    row = connection.execute(_SQL.get, (key,)).fetchone()
    return IdempotencyRow(*row) if row else None


def delete_older(transaction: Transaction, before: int, limit: int) -> int:
    """Delete at most `limit` rows made before the time `before`, oldest first; returns how many there were."""
    return transaction.execute(_SQL.delete_older, (before, limit)).rowcount
