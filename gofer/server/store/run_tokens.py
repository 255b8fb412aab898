"""Rows of the tokens of runs that have not ended."""

from __future__ import annotations

import sqlite3

from gofer.server.store.database import Transaction
from gofer.server.store.queries import load

_SQL = load("run_tokens")


def insert(tx: Transaction, digest: bytes, run_key: int, task: str, at: int) -> None:
    """Store the SHA-256 digest of a new token."""
    tx.execute(_SQL.insert, (digest, run_key, task, at))


def get(connection: sqlite3.Connection, digest: bytes) -> tuple[str, str, int, str] | None:
    """Namespace, pipeline, run and task of a token whose run has not ended."""
    row = connection.execute(_SQL.get, (digest,)).fetchone()
    return None if row is None else tuple(row)


def delete_of_run(tx: Transaction, run_key: int) -> None:
    """With the run's end its tokens are dead."""
    tx.execute(_SQL.delete_of_run, (run_key,))


def delete_of_ended_runs(tx: Transaction) -> int:
    """Remove what should not be there; returns how many."""
    return tx.execute(_SQL.delete_of_ended_runs).rowcount
