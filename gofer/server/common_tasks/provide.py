"""What an installation gives a container that is about to start."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from gofer.models.common_task import CommonTask
from gofer.models.manifest import PullPolicy, Registry
from gofer.server.common_tasks.check import secrets_of
from gofer.server.common_tasks.usable import NotUsable, require_usable
from gofer.server.pipelines.interpolation import Kind, interpolate
from gofer.server.secrets.secrets import OVERLAP, Secrets
from gofer.server.store import common_tasks
from gofer.server.store.database import Database

HIDDEN = "…"
"""Shown in place of a value to those who may not set it."""


class Provided(NamedTuple):
    """The installation as it is now, with secrets in their places. `registry` has the password itself; `secrets` are
    the values that nobody may see."""

    image: str
    entrypoint: Sequence[str] | None
    command: Sequence[str] | None
    variables: Mapping[str, str]
    registry: Registry | None
    pull: PullPolicy
    secrets: Sequence[str]


def hidden(task: CommonTask | None) -> Provided:
    """The installation (None: there is none any more) for people who look at a task run: names, and no values."""
    variables = dict.fromkeys(task.variables, HIDDEN) if task is not None else {}
    return Provided(HIDDEN, None, None, variables, None, "if_not_present", ())


class Provider:
    """Looks installations up, and what their containers must not show."""

    def __init__(self, database: Database, secrets: Secrets) -> None:
        self._database = database
        self._secrets = secrets

    async def provide(self, namespace: str, common_task: str) -> Provided:
        """For a pipeline of that namespace. Raises NotUsable, also for a secret that is not there; and as
        `Secrets.value` does."""
        task = await self._database.read(lambda connection: require_usable(connection, namespace, common_task))
        values: dict[str, str] = {}
        for key in secrets_of(task):
            value = await self._secrets.value(key)
            if value is None:
                raise NotUsable(
                    f'the common task "{common_task}" needs the global secret "{key}", which there is not',
                    f"An administrator sets it with: gofer secret put {key} --global.",
                )
            values[key] = value
        return _provided(task, values)

    async def seen(self, common_task: str, since: int) -> Sequence[str]:
        """Every value of a secret that a container of the common task may have got at `since` (milliseconds) or later.
        Raises as `Secrets.values_since` does."""
        keys = await self._database.read(
            lambda connection: common_tasks.secrets_since(connection, common_task, since - OVERLAP)
        )
        return await self._secrets.values_since(keys, since)


def _provided(task: CommonTask, values: Mapping[str, str]) -> Provided:
    def lookup(_: Kind, key: str) -> str:
        return values[key]

    registry = task.registry
    if registry is not None:
        registry = Registry(user=registry.user, password_secret=interpolate(registry.password_secret, lookup))
    return Provided(
        task.image,
        task.entrypoint,
        task.command,
        {name: interpolate(value, lookup) for name, value in task.variables.items()},
        registry,
        task.pull,
        list(values.values()),
    )
