"""Rows of common tasks. Functions that write take the transaction that they are part of."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from gofer.models.common_task import CommonTask
from gofer.models.manifest import PullPolicy, Registry
from gofer.server.store.queries import load
from gofer.server.store.transaction import Readable, Transaction

_SQL = load("common_tasks")
_JSON = msgspec.json.Encoder()


class _Options(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What the column of that name holds."""

    entrypoint: list[str] | None = None
    command: list[str] | None = None
    registry: Registry | None = None
    pull: PullPolicy = "if_not_present"


_OPTIONS = msgspec.json.Decoder(_Options)
_VARIABLES = msgspec.json.Decoder(dict[str, str])
_NAMESPACES = msgspec.json.Decoder(list[str])


def insert(tx: Transaction, task: CommonTask, secrets: Iterable[str]) -> bool:
    """False if there is one of that id already; it stays as it is. `secrets`: the keys of those that it uses."""
    if tx.execute(_SQL.insert, _row(task)).rowcount != 1:
        return False
    _use(tx, task, secrets)
    return True


def update(tx: Transaction, task: CommonTask, secrets: Iterable[str]) -> None:
    """Everything but how it came to be."""
    tx.execute(_SQL.update, _row(task))
    _use(tx, task, secrets)


def delete(tx: Transaction, common_task: str, at: int) -> None:
    """What its containers must not show is known further on."""
    tx.execute(_SQL.retire_secrets, (at, common_task))
    tx.execute(_SQL.delete, (common_task,))


def get(connection: Readable, common_task: str) -> CommonTask | None:
    row = connection.execute(_SQL.get, (common_task,)).fetchone()
    return _model(row) if row else None


def all_of_them(connection: Readable) -> list[CommonTask]:
    """In the order of ids. An administrator installs each by hand: there are few."""
    return [_model(row) for row in connection.execute(_SQL.all)]


def secrets_since(connection: Readable, common_task: str, since: int) -> list[str]:
    """The keys of the global secrets that it has used at `since` (milliseconds) or later, be it installed or not."""
    return [row[0] for row in connection.execute(_SQL.secrets_since, (common_task, since))]


def users(connection: Readable, common_task: str) -> list[str]:
    """The pipelines whose live version uses it, or the one that is tried, as `namespace/pipeline`. Reads every such
    manifest."""
    return [f"{namespace}/{pipeline}" for namespace, pipeline in connection.execute(_SQL.users, {"id": common_task})]


def _use(tx: Transaction, task: CommonTask, secrets: Iterable[str]) -> None:
    tx.execute(_SQL.retire_secrets, (task.modified_at, task.id))
    tx.executemany(_SQL.use_secret, [(task.id, secret) for secret in secrets])


def _row(task: CommonTask) -> dict[str, Any]:
    options = _Options(entrypoint=task.entrypoint, command=task.command, registry=task.registry, pull=task.pull)
    return {
        "id": task.id,
        "description": task.description,
        "image": task.image,
        "variables": _JSON.encode(task.variables).decode(),
        "options": _JSON.encode(options).decode(),
        "namespaces": _JSON.encode(task.namespaces).decode(),
        "enabled": task.enabled,
        "created_at": task.created_at,
        "created_by": task.created_by,
        "modified_at": task.modified_at,
        "modified_by": task.modified_by,
    }


def _model(row: Any) -> CommonTask:
    options = _OPTIONS.decode(row["options"])
    return CommonTask(
        id=row["id"],
        description=row["description"],
        image=row["image"],
        entrypoint=options.entrypoint,
        command=options.command,
        variables=_VARIABLES.decode(row["variables"]),
        registry=options.registry,
        pull=options.pull,
        namespaces=_NAMESPACES.decode(row["namespaces"]),
        enabled=bool(row["enabled"]),
        created_at=row["created_at"],
        created_by=row["created_by"],
        modified_at=row["modified_at"],
        modified_by=row["modified_by"],
    )
