"""What interpolations stand for: looked up in the stores when a task starts, and hidden from its log."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from functools import partial
from typing import TypeVar

from gofer.engines.object_store.base import DamagedContent
from gofer.engines.secret_store.base import DamagedSecret
from gofer.errors import Conflict, GoferError, InvalidInput, NotFound, Unavailable
from gofer.models.manifest import Task
from gofer.server.common_tasks.provide import Provided, Provider
from gofer.server.common_tasks.usable import NotUsable
from gofer.server.logs.mask import Masks
from gofer.server.logs.mask_cache import MaskCache
from gofer.server.logs.mask_registry import MaskRegistry
from gofer.server.objects.objects import Objects
from gofer.server.objects.place import Place
from gofer.server.own_log import get_logger
from gofer.server.pipelines.interpolation import SECRET_KINDS, Reference, stored_references
from gofer.server.runs.active import Ticket
from gofer.server.runs.variables import Stored, Unresolved
from gofer.server.secrets.secrets import Secrets

T = TypeVar("T")

_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 2.0


class Values:
    """Looks values up for task runs. While a store does not answer, it waits: whoever calls may be cancelled."""

    def __init__(self, secrets: Secrets, objects: Objects, provider: Provider, in_use: MaskRegistry) -> None:
        """`in_use`: what Gofer's own log hides."""
        self._secrets = secrets
        self._objects = objects
        self._provider = provider
        self.in_use = in_use
        self._masks = MaskCache()

    async def find(self, ticket: Ticket, task: Task) -> Stored:
        """What every secret and object that the task names stands for now. Raises Unresolved, naming the key."""
        found: dict[Reference, str] = {}
        for reference in stored_references(task):
            found[reference] = await _patiently(partial(self._one, ticket, reference))
        return found

    async def provided(self, ticket: Ticket, task: Task) -> Provided | None:
        """What the installation of the task's common task has for it now; None for a task with an image of its own.
        Raises NotUsable."""
        if not task.common_task:
            return None
        provide = partial(self._provider.provide, ticket.namespace, task.common_task)
        try:
            return await _patiently(provide)
        except (Conflict, DamagedSecret) as error:
            message = f'a secret of the common task "{task.common_task}" cannot be read: {error.message}'
            raise NotUsable(message, error.hint) from error

    async def masks(self, ticket: Ticket, task: Task, token: str = "", more: Collection[str] = ()) -> Masks:
        """What the logs of an attempt must not show: its token, each secret that any task of its run uses or its common
        task does, with every value that it has had since the run was created, and `more`. Raises Unresolved for one
        that does not decrypt.
        """
        values = [*more]
        if self._secrets.store.encrypts:
            try:
                values += await self._seen(ticket, task)
            except DamagedSecret as error:
                raise Unresolved(f"what the log must not show is not known: {error.message}", error.hint) from error
        # No other attempt has that token.
        return await self._masks.of([*values, token] if token else values, keep=not token)

    async def _seen(self, ticket: Ticket, task: Task) -> Sequence[str]:
        values: list[str] = []
        names = ticket.plan.secrets
        if task.settings:
            # A notifier's are none of the run's tasks'.
            own = [one for one in stored_references(task) if one.kind in SECRET_KINDS]
            names = tuple(dict.fromkeys([*names, *own]))
        if names:
            of_run = partial(self._secrets.seen, ticket.namespace, ticket.pipeline, names, ticket.created_at)
            values += await _patiently(of_run)
        if task.common_task:
            values += await _patiently(partial(self._provider.seen, task.common_task, ticket.created_at))
        return values

    async def _one(self, ticket: Ticket, reference: Reference) -> str:
        try:
            if reference.kind in ("secret", "global_secret"):
                return await self._secret(ticket, reference)
            run = ticket.number if reference.kind == "run" else None
            return await self._objects.text(Place(ticket.namespace, ticket.pipeline, run), reference.key)
        except (NotFound, InvalidInput, Conflict, DamagedContent, DamagedSecret) as error:
            raise _unresolved(reference, error) from error

    async def _secret(self, ticket: Ticket, reference: Reference) -> str:
        value = await self._secrets.resolve(ticket.namespace, ticket.pipeline, reference.kind, reference.key)
        if value is not None:
            return value
        if reference.kind == "secret":
            raise NotFound(
                f'the pipeline "{ticket.pipeline}" has no secret "{reference.key}"',
                f"Set it with: gofer secret put {reference.key} --pipeline {ticket.pipeline} "
                f"--namespace {ticket.namespace}.",
            )
        raise NotFound(
            f'there is no global secret "{reference.key}" that the namespace "{ticket.namespace}" may use',
            "See whether there is one for others: gofer secret list --global. "
            f"If not, set it with: gofer secret put {reference.key} --global --namespaces {ticket.namespace}.",
        )


def _unresolved(reference: Reference, error: GoferError) -> Unresolved:
    return Unresolved(f"{reference}: {error.message}", error.hint)


async def _patiently(look: Callable[[], Awaitable[T]]) -> T:
    pause = _FIRST_PAUSE
    while True:
        try:
            return await look()
        except Unavailable as error:
            get_logger("gofer.runs").warning("a task waits for a store", problem=error.message)
        await asyncio.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE)
