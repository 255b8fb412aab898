"""Rows of objects, and of the contents that they have in the object store."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import NamedTuple

from gofer.models.status import RunStatus
from gofer.server.store.queries import load
from gofer.server.store.transaction import Readable, Transaction

_SQL = load("objects")


class Spot(NamedTuple):
    """Where an object belongs; `run_key` and `run` (its number) are None at pipeline level."""

    pipeline_key: int
    run_key: int | None = None
    run: int | None = None


class RunState(NamedTuple):
    """`old`: more than so many further runs were started since."""

    key: int
    status: RunStatus
    old: bool


class ObjectRow(NamedTuple):
    key: int
    name: str
    digest: str
    size: int
    content_type: str
    created_at: int
    modified_at: int
    created_by: str


class New(NamedTuple):
    """What an object is from now on; `at` in milliseconds."""

    name: str
    digest: str
    size: int
    content_type: str
    by: str
    at: int


class Evicted(NamedTuple):
    name: str
    size: int


class Expired(NamedTuple):
    """Objects of one run that went."""

    namespace: str
    pipeline: str
    run: int
    run_key: int
    objects: int
    bytes: int


class Totals(NamedTuple):
    """Of all objects, and of the contents that any of them has: identical ones count once."""

    objects: int
    bytes: int
    contents: int
    content_bytes: int


def run_state(connection: Readable, pipeline_key: int, number: int, keep: int) -> RunState | None:
    """The run of that number, None if there is none; `old` after `keep` further runs."""
    row = connection.execute(_SQL.run, {"pipeline_key": pipeline_key, "number": number, "keep": keep}).fetchone()
    return RunState(row["key"], RunStatus(row["status"]), bool(row["old"])) if row else None


def get(connection: Readable, spot: Spot, name: str) -> ObjectRow | None:
    if spot.run_key is None:
        row = connection.execute(_SQL.of_pipeline, (spot.pipeline_key, name)).fetchone()
    else:
        row = connection.execute(_SQL.of_run, (spot.run_key, name)).fetchone()
    return _row(row) if row else None


def list_page(connection: Readable, spot: Spot, after: str, limit: int) -> list[ObjectRow]:
    """At most `limit` objects in the order of their names, from behind the name `after` ("": from the first)."""
    if spot.run_key is None:
        rows = connection.execute(_SQL.list_of_pipeline, (spot.pipeline_key, after, limit))
    else:
        rows = connection.execute(_SQL.list_of_run, (spot.run_key, after, limit))
    return [_row(row) for row in rows]


def take_over(tx: Transaction, from_run: int, spot: Spot) -> None:
    """Give a new run, at `spot`, every object of another one, which may be another pipeline's. No content is written:
    what an object has, two may have."""
    tx.execute(_SQL.take_over, {"from": from_run, **spot._asdict()})


def insert(tx: Transaction, spot: Spot, new: New) -> ObjectRow:
    """Raises sqlite3.IntegrityError if there is one of that name."""
    return _row(tx.execute(_SQL.insert, {**spot._asdict(), **new._asdict()}).fetchone())


def replace(tx: Transaction, key: int, new: New) -> ObjectRow:
    """Give an object that there is another content."""
    return _row(tx.execute(_SQL.replace, {"key": key, **new._asdict()}).fetchone())


def delete(tx: Transaction, key: int) -> None:
    tx.execute(_SQL.delete, (key,))


def evict(tx: Transaction, pipeline_key: int, limit: int, spare: str, most: int) -> list[Evicted]:
    """Delete a pipeline's oldest objects, not `spare`, until it has `limit`; no more than `most` at once."""
    count: int = tx.execute(_SQL.count_of_pipeline, (pipeline_key,)).fetchone()[0]
    if count <= limit:
        return []
    rows = tx.execute(_SQL.oldest_of_pipeline, (pipeline_key, spare, min(count - limit, most))).fetchall()
    tx.executemany(_SQL.delete, [(row["key"],) for row in rows])
    return [Evicted(row["name"], row["size"]) for row in rows]


def delete_some(tx: Transaction, pipeline_key: int, most: int) -> int:
    """Delete some of a pipeline's objects, at either level; how many."""
    return tx.execute(_SQL.delete_some, (pipeline_key, most)).rowcount


def any_of(connection: Readable, pipeline_key: int) -> bool:
    """Whether a pipeline has any object, at either level."""
    return connection.execute(_SQL.any_of, (pipeline_key,)).fetchone() is not None


def expire(tx: Transaction, pipeline_key: int, keep: int, most: int) -> list[Expired]:
    """Delete objects of ended runs of a pipeline since which more than `keep` were started, oldest first, no more than
    `most` at once; told by run."""
    rows = tx.execute(_SQL.expirable, {"pipeline_key": pipeline_key, "keep": keep, "limit": most}).fetchall()
    found: dict[int, Expired] = {}
    for row in rows:
        run = row["run_key"]
        known = found.get(run) or Expired(row["namespace"], row["pipeline"], row["run"], run, 0, 0)
        found[run] = known._replace(objects=known.objects + 1, bytes=known.bytes + row["size"])
    tx.executemany(_SQL.delete, [(row["key"],) for row in rows])
    return list(found.values())


def pipelines_with_expirable(connection: Readable, keep: int) -> list[int]:
    """The keys of the pipelines that have objects as `expire` deletes them."""
    return [row[0] for row in connection.execute(_SQL.pipelines_with_expirable, (keep,))]


def loose(connection: Readable, after: str, limit: int) -> list[str]:
    """Contents that no object has any more, by digest, from behind the digest `after`."""
    return [row[0] for row in connection.execute(_SQL.loose, (after, limit))]


def unknown(connection: Readable, digests: Sequence[str]) -> list[str]:
    """Those of which no row tells."""
    return [digest for digest in digests if connection.execute(_SQL.uses, (digest,)).fetchone() is None]


def in_use(connection: Readable, digest: str) -> bool:
    """Whether any object has this content."""
    row = connection.execute(_SQL.uses, (digest,)).fetchone()
    return row is not None and row[0] > 0


def forget(tx: Transaction, digest: str) -> None:
    """The content is not in the store any more. Nothing, if an object has it."""
    tx.execute(_SQL.forget, (digest,))


def totals(connection: Readable) -> Totals:
    """A single row, however many objects there are."""
    return Totals(*connection.execute(_SQL.totals).fetchone())


def _row(row: sqlite3.Row) -> ObjectRow:
    return ObjectRow(
        key=row["key"],
        name=row["name"],
        digest=row["digest"],
        size=row["size"],
        content_type=row["content_type"],
        created_at=row["created_at"],
        modified_at=row["modified_at"],
        created_by=row["created_by"],
    )
