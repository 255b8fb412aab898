"""One try to tell of a run's end: from the installation of the common task to the end of its container."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from itertools import count
from typing import NamedTuple

from gofer.engines.scheduler.base import ContainerSpec, Exit
from gofer.errors import EngineUnavailable, GoferError
from gofer.models.manifest import Task
from gofer.models.units import format_duration
from gofer.server.logs.mask import Masks
from gofer.server.notifiers.facts import Facts, Found, find, with_logs
from gofer.server.notifiers.tail import Tail
from gofer.server.notifiers.tell import told
from gofer.server.pipelines.graph import Node
from gofer.server.pipelines.interpolation import SECRET_KINDS
from gofer.server.runs.active import Ticket
from gofer.server.runs.container import build_spec
from gofer.server.runs.context import Context
from gofer.server.runs.variables import Origin, resolve
from gofer.server.store.notifications import NotificationRow

LABEL = "gofer.notifications-of"
"""With the id of the server: the label by which the containers of notifiers are found again."""

TIMEOUT = 120_000
"""Milliseconds that a try may take from its container's start on."""
_GRACE = 5.0


class Try(NamedTuple):
    """What came of it. `detail` says why not; `output` is the end of what was printed, with secrets hidden."""

    sent: bool
    detail: str = ""
    output: str = ""


GONE = Try(False, "the run is gone")


def container_name(server_id: str, row: NotificationRow, ticket: Ticket) -> str:
    """The same for the same try, whenever it is asked for, and no other's."""
    unique = f"{server_id}{row.key:x}-{row.attempt:x}-{row.created_at:x}"
    return f"gofer-notification.{ticket.pipeline[:32]}.{ticket.number}.{row.label[:32]}.{row.attempt}.{unique}"


class Deliverer:
    """Makes tries. `run_url` says where a run is to be seen."""

    def __init__(self, context: Context, run_url: Callable[[Ticket], str]) -> None:
        self._context = context
        self._run_url = run_url

    async def name(self, row: NotificationRow) -> str | None:
        """What the container of a try is called; None if the run is gone."""
        found = await self._find(row)
        return None if found is None else container_name(self._context.database.server_id, row, found.ticket)

    async def deliver(self, row: NotificationRow, *, adopted: bool) -> Try:
        """Never raises for what a container or an engine does. `adopted`: it may have been started before."""
        context, found = self._context, await self._find(row)
        if found is None:
            return GONE
        masks = [Masks(())]
        try:
            return await self._deliver(row, await with_logs(found, context.logs), masks, adopted=adopted)
        except GoferError as error:
            if isinstance(error, EngineUnavailable):
                raise
            return Try(False, masks[0].text(error.message.removesuffix(".")))
        finally:
            context.values.in_use.release(masks[0])

    async def _find(self, row: NotificationRow) -> Found | None:
        # Through the writer, as that one waits a fault of the store out.
        plans = self._context.plans
        return await self._context.database.write_patiently(lambda tx: find(tx.connection, plans, row))

    async def _deliver(self, row: NotificationRow, facts: Facts, masks: list[Masks], *, adopted: bool) -> Try:
        context, task = self._context, Task(id=row.label, common_task=row.common_task, settings=dict(row.settings))
        name = container_name(context.database.server_id, row, facts.ticket)
        there = None
        if adopted:
            there = await context.watch.call(partial(context.scheduler.inspect, name))
        if there is not None and there.status != "created":
            await self._protect(masks, facts.ticket, task, ())
        else:
            spec = await self._spec(name, row, facts, task, masks)
            await context.watch.call(partial(context.scheduler.start, spec))
            context.reached("notifier_started")
        return await self._observe(name, row, masks[0])

    async def _protect(self, masks: list[Masks], ticket: Ticket, task: Task, more: list[str] | tuple[()]) -> None:
        context = self._context
        masks[0] = await context.values.masks(ticket, task, "", more)
        context.values.in_use.hold(masks[0])

    async def _spec(
        self, name: str, row: NotificationRow, facts: Facts, task: Task, masks: list[Masks]
    ) -> ContainerSpec:
        context, ticket = self._context, facts.ticket
        stored, provided = await context.values.find(ticket, task), await context.values.provided(ticket, task)
        assert provided is not None
        secrets = [value for reference, value in stored.items() if reference.kind in SECRET_KINDS]
        await self._protect(masks, ticket, task, [*secrets, *provided.secrets])
        origin = Origin(ticket.namespace, ticket.pipeline, ticket.version, ticket.number, row.attempt, context.api_url)
        node = Node(0, row.label, task, (), {})
        made, variables = resolve(origin, node, ticket.parameters, stored, ticket.variables, provided)
        variables += told(row, facts, self._run_url(ticket))
        return build_spec(name, self._labels(row, ticket), made, variables, context.settings)

    def _labels(self, row: NotificationRow, ticket: Ticket) -> dict[str, str]:
        return {
            LABEL: self._context.database.server_id,
            "gofer.namespace": ticket.namespace,
            "gofer.pipeline": ticket.pipeline,
            "gofer.run": str(ticket.number),
            "gofer.notifier": row.label,
        }

    async def _observe(self, name: str, row: NotificationRow, masks: Masks) -> Try:
        """Wait for the container's end, for as long as it may take."""
        scheduler, call = self._context.scheduler, self._context.watch.call
        passed = self._context.clock.now() - (row.started_at or 0)
        late = False
        async with asyncio.TaskGroup() as group:
            output = group.create_task(self._output(name, masks), name=f"output of {name}")
            try:
                async with asyncio.timeout(max(0, TIMEOUT - max(0, passed)) / 1000):
                    exited = await call(partial(scheduler.wait, name))
            except TimeoutError:
                late = True
                await call(partial(scheduler.stop, name, _GRACE))
                exited = await call(partial(scheduler.wait, name))
        return _judge(exited, output.result(), late=late)

    async def _output(self, name: str, masks: Masks) -> str:
        tail = Tail(masks)
        for failures in count():
            try:
                async for chunk in self._context.scheduler.logs(name, tail.position):
                    tail.take(chunk)
                break
            except EngineUnavailable as error:
                await self._context.watch.outage(error, failures)
        return tail.text()


def _judge(exited: Exit | None, output: str, *, late: bool) -> Try:
    if late:
        return Try(False, f"took longer than {format_duration(TIMEOUT)}", output)
    if exited is None:
        return Try(False, "the container vanished; whether anybody was told is not known", output)
    if exited.exit_code == 0:
        return Try(True, "", output)
    last = output.strip().rpartition("\n")[2].strip()
    code = exited.error or f"exited with code {exited.exit_code}"
    return Try(False, f"{code}: {last}" if last else code, output)
