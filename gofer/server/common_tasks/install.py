"""What may be done with common tasks."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from gofer.engines.secret_store.base import SecretName
from gofer.errors import Conflict, NotFound, Refused
from gofer.models.access import ANY
from gofer.models.common_task import (
    CommonTask,
    CommonTaskChanged,
    CommonTaskDeleted,
    InstallCommonTask,
    UpgradeCommonTask,
)
from gofer.models.event import Kind
from gofer.models.ids import shown
from gofer.models.page import Page
from gofer.server.auth.caller import Caller
from gofer.server.auth.rights import matches
from gofer.server.clock import Clock
from gofer.server.common_tasks.check import doubts, normal_image, normal_registry, require_valid, secrets_of
from gofer.server.common_tasks.provide import HIDDEN
from gofer.server.secrets.secrets import Secrets
from gofer.server.secrets.told import told
from gofer.server.store import common_tasks, namespaces
from gofer.server.store.database import Database, Transaction

Also = Callable[[Transaction, Any], None]
"""More that belongs into the transaction, such as the answer kept for an Idempotency-Key."""

_READ, _WRITE = "common_tasks:read", "common_tasks:write"
_SHOWN = 10
_ALL_NAMESPACES = 100_000
_LIST = "List them with: gofer common-task list."


class CommonTasks:
    """One method for each use case. Each change is one transaction with its event. `by` says who does it."""

    def __init__(self, database: Database, secrets: Secrets, clock: Clock) -> None:
        self._database = database
        self._secrets = secrets
        self._clock = clock

    async def install(self, wanted: InstallCommonTask, *, by: str = "", also: Also | None = None) -> CommonTaskChanged:
        """Raises InvalidInput, or Conflict if there is one of that id."""
        at = self._clock.now()
        task = CommonTask(
            id=wanted.id, description=wanted.description, image=normal_image(wanted.image),
            entrypoint=wanted.entrypoint or None, command=wanted.command or None, variables=wanted.variables,
            registry=normal_registry(wanted.registry), pull=wanted.pull, enabled=True,
            namespaces=[ANY] if wanted.namespaces is None else wanted.namespaces,
            created_at=at, created_by=by, modified_at=at, modified_by=by,
        )  # fmt: skip
        require_valid(task)
        answer = CommonTaskChanged(common_task=task, warnings=[*await self._warnings(task)])

        def work(tx: Transaction) -> None:
            if not common_tasks.insert(tx, task, secrets_of(task)):
                raise Conflict(
                    f"There is a common task {shown(task.id)} already",
                    f"Change it: gofer common-task upgrade {task.id}; or choose another id.",
                )
            tx.emit(Kind.COMMON_TASK_INSTALLED, at, data=_data(task, by))
            if also is not None:
                also(tx, answer)

        await self._database.write(work)
        return answer

    async def upgrade(self, common_task: str, wanted: UpgradeCommonTask, *, by: str = "") -> CommonTaskChanged:
        """Holds for all containers that start from now on. Raises InvalidInput or NotFound."""

        def work(tx: Transaction) -> CommonTask:
            before = _require(tx.connection, common_task)
            after = _changed(before, wanted)
            require_valid(after)
            if after == before:
                return before
            return self._store(tx, after, Kind.COMMON_TASK_UPGRADED, by)

        task = await self._database.write(work)
        return CommonTaskChanged(common_task=task, warnings=[*await self._warnings(task)])

    async def set_enabled(self, common_task: str, enabled: bool, *, by: str = "") -> CommonTask:
        """While it is disabled nothing of it starts; what runs goes on. Raises NotFound."""

        def work(tx: Transaction) -> CommonTask:
            before = _require(tx.connection, common_task)
            if before.enabled == enabled:
                return before
            kind = Kind.COMMON_TASK_ENABLED if enabled else Kind.COMMON_TASK_DISABLED
            return self._store(tx, msgspec.structs.replace(before, enabled=enabled), kind, by)

        return await self._database.write(work)

    async def uninstall(self, common_task: str, *, force: bool = False, by: str = "") -> CommonTaskDeleted:
        """`force`: also where pipelines use it. Raises NotFound, or Conflict."""
        at = self._clock.now()

        def work(tx: Transaction) -> CommonTaskDeleted:
            task = _require(tx.connection, common_task)
            users = common_tasks.users(tx, common_task)
            if users and not force:
                raise _in_use(common_task, users)
            common_tasks.delete(tx, common_task, at)
            tx.emit(Kind.COMMON_TASK_UNINSTALLED, at, data=_data(task, by))
            return CommonTaskDeleted(pipelines=users)

        return await self._database.write(work)

    async def get(self, common_task: str, caller: Caller) -> CommonTask:
        """As the caller may see it. Raises NotFound, or Refused for what they may not see, be it there or not."""

        def work(connection: sqlite3.Connection) -> tuple[CommonTask | None, list[str]]:
            return common_tasks.get(connection, common_task), _namespaces(connection)

        found, known = await self._database.read(work)
        if found is None or not _sees(caller, found, known):
            if caller.may(_READ, None, (common_task,)):
                raise _missing(common_task)
            raise Refused(
                f"The token shows no common task {shown(common_task)} (common_tasks:read).",
                "It shows those that the pipelines of its namespaces may use: gofer common-task list.",
            )
        return _shown_to(caller, found)

    async def list(self, caller: Caller, cursor: str | None, limit: int) -> Page[CommonTask]:
        """Those that the caller may see, in the order of ids; the cursor is the last id of the page before."""

        def work(connection: sqlite3.Connection) -> tuple[list[CommonTask], list[str]]:
            return common_tasks.all_of_them(connection), _namespaces(connection)

        everything, known = await self._database.read(work)
        found = [one for one in everything if one.id > (cursor or "") and _sees(caller, one, known)]
        items = [_shown_to(caller, one) for one in found[:limit]]
        return Page(items=items, next=items[-1].id if len(found) > limit else None)

    def _store(self, tx: Transaction, task: CommonTask, kind: Kind, by: str) -> CommonTask:
        at = self._clock.now()
        after = msgspec.structs.replace(task, modified_at=at, modified_by=by)
        common_tasks.update(tx, after, secrets_of(after))
        tx.emit(kind, at, data=_data(after, by))
        return after

    async def _warnings(self, task: CommonTask) -> Sequence[str]:
        unset = [key for key in secrets_of(task) if await self._secrets.store.entry(SecretName(key)) is None]
        known = await self._database.read(_namespaces)
        strangers = [one for one in task.namespaces if not any(matches(one, name) for name in known)]
        return [
            *doubts(task),
            *(
                f"There is no global secret {key} yet: until there is, what uses the common task fails. "
                f"Set it with: gofer secret put {key} --global."
                for key in unset
            ),
            *(f"There is no namespace {shown(one)} yet." for one in strangers),
        ]


def _changed(before: CommonTask, wanted: UpgradeCommonTask) -> CommonTask:
    given: dict[str, Any] = {
        field: value for field in ("description", "pull", "namespaces") if (value := getattr(wanted, field)) is not None
    }
    if wanted.image is not None:
        given["image"] = normal_image(wanted.image)
    if wanted.registry is not None:
        given["registry"] = normal_registry(wanted.registry)
    for field in ("entrypoint", "command"):
        if (words := getattr(wanted, field)) is not None:
            given[field] = words or None
    variables = before.variables | wanted.variables
    given["variables"] = {name: value for name, value in variables.items() if value is not None}
    return msgspec.structs.replace(before, **given)


def _require(connection: sqlite3.Connection, common_task: str) -> CommonTask:
    found = common_tasks.get(connection, common_task)
    if found is None:
        raise _missing(common_task)
    return found


def _missing(common_task: str) -> NotFound:
    return NotFound(f"There is no common task {shown(common_task)}", _LIST)


def _namespaces(connection: sqlite3.Connection) -> list[str]:
    return [one.id for one in namespaces.list_page(connection, "", _ALL_NAMESPACES)]


def _sees(caller: Caller, task: CommonTask, known: list[str]) -> bool:
    """Who sees everything, and who may look at common tasks in a namespace whose pipelines may use it."""
    return caller.may(_READ, None, (task.id,)) or any(
        caller.may(_READ, name, (task.id,)) and any(matches(pattern, name) for pattern in task.namespaces)
        for name in known
    )


def _shown_to(caller: Caller, task: CommonTask) -> CommonTask:
    if caller.may(_WRITE, None, (task.id,)):
        return task
    return msgspec.structs.replace(task, variables=dict.fromkeys(task.variables, HIDDEN), registry=None)


def _in_use(common_task: str, users: list[str]) -> Conflict:
    more = f" and {len(users) - _SHOWN} more" if len(users) > _SHOWN else ""
    who = "1 pipeline uses" if len(users) == 1 else f"{len(users)} pipelines use"
    return Conflict(
        f"{who} the common task {shown(common_task)}: {', '.join(users[:_SHOWN])}{more}",
        f"What they do with it would fail. All the same: gofer common-task uninstall {common_task} --force "
        "(in the API force=true).",
    )


def _data(task: CommonTask, by: str) -> dict[str, Any]:
    """Of an event: never a value."""
    return {
        "common_task": task.id,
        "image": task.image,
        "variables": sorted(task.variables),
        "namespaces": task.namespaces,
        **told(by),
    }
