"""The runs that are on their way, each with its supervisor."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable, Sequence

from gofer.server import correlation
from gofer.server.runs.active import ActiveRun, Ticket
from gofer.server.runs.context import Context
from gofer.server.runs.queue import Queue
from gofer.server.runs.supervise import Supervisor


class Launcher:
    """Owns the task group of all supervisors. One that dies of a fault of Gofer's own stops the server loudly.

    `on_ended` are told the pipeline's key after each run's end.
    """

    def __init__(self, context: Context, on_ended: Sequence[Callable[[int], None]]) -> None:
        self._context = context
        self._on_ended = on_ended
        self._supervisors: dict[int, Supervisor] = {}
        self._group: asyncio.TaskGroup | None = None
        self.queue = Queue(context.settings.run_parallelism_limit, self._launch)

    async def run(self, started: asyncio.Event) -> None:
        """Works until it is cancelled. Ending it ends no container."""
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                started.set()
                await asyncio.get_running_loop().create_future()
        finally:
            self._group = None

    def find(self, key: int) -> Supervisor | None:
        """The supervisor of a run that is on its way."""
        return self._supervisors.get(key)

    def tell_ended(self, pipeline_key: int) -> None:
        """A run of the pipeline has ended, and that is on disk."""
        for told in self._on_ended:
            told(pipeline_key)

    def _launch(self, ticket: Ticket) -> None:
        assert self._group is not None, "runs are launched only while the launcher runs"
        supervisor = self._supervisors[ticket.key] = Supervisor(self._context, ActiveRun(ticket))
        name = f"run {ticket.namespace}/{ticket.pipeline}/{ticket.number}"
        # Not in the context of whoever made room for it, which may be another run's end.
        context = contextvars.Context()
        self._group.create_task(self._supervise(ticket, supervisor), name=name, context=context)

    async def _supervise(self, ticket: Ticket, supervisor: Supervisor) -> None:
        correlation.bind(ticket.correlation_id, f"{ticket.namespace}/{ticket.pipeline}/{ticket.number}")
        await supervisor.supervise()
        del self._supervisors[ticket.key]
        self.queue.ended(ticket.pipeline_key)
        self.tell_ended(ticket.pipeline_key)
