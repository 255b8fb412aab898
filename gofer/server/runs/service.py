"""What the rest of the server may do with runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gofer.engines.scheduler.base import Session
from gofer.errors import Conflict, InvalidInput, Refused
from gofer.models.manifest import ParameterValue
from gofer.models.page import Page
from gofer.models.run import Initiator, Run, RunGraph, StartedRun, TaskAttempt, TaskRun, TaskRunDetail
from gofer.models.status import RunStatus, TaskStatus
from gofer.server.runs.cancel import Canceller
from gofer.server.runs.context import Context
from gofer.server.runs.launch import Launcher
from gofer.server.runs.read import Reader
from gofer.server.runs.retry import Retrier
from gofer.server.runs.start import Also, Request, Starter
from gofer.server.store.patterns import Patterns


class Runs:
    """One method for each use case; each raises NotFound for what does not exist."""

    def __init__(self, context: Context, launcher: Launcher) -> None:
        self._context = context
        self._launcher = launcher
        self._canceller = Canceller(context, launcher)
        self._starter = Starter(context, launcher, self._canceller)
        self._retrier = Retrier(context, self._starter)
        self._reader = Reader(context)

    @property
    def queued(self) -> int:
        """How many runs wait for their admission."""
        return self._launcher.queue.queued

    @property
    def running(self) -> int:
        """How many runs are on their way."""
        return self._launcher.queue.running

    async def start(
        self,
        namespace: str,
        pipeline: str,
        *,
        parameters: Mapping[str, ParameterValue],
        version: int | None = None,
        initiator: Initiator = Initiator(),  # noqa: B008  (immutable)
        correlation_id: str = "",
        also: Also | None = None,
    ) -> StartedRun:
        """Start a run; `also` is done in the transaction that stores it.

        `correlation_id`: of the request that wants it.
        """
        request = Request(namespace, pipeline, parameters, version, initiator, correlation_id=correlation_id)
        return await self._starter.start(request, also)

    async def start_event(self, request: Request, also: Also) -> StartedRun:
        """The same for what Gofer itself makes of something: a trigger's event, a deployment's smoke run."""
        return await self._starter.start(request, also)

    async def retry(
        self,
        namespace: str,
        pipeline: str,
        run: int,
        *,
        from_failed: bool = False,
        correlation_id: str = "",
        also: Also | None = None,
    ) -> StartedRun:
        """Run an ended run again; with `from_failed` only what was not successful in it."""
        return await self._retrier.retry(
            namespace, pipeline, run, from_failed=from_failed, correlation_id=correlation_id, also=also
        )

    async def cancel(self, namespace: str, pipeline: str, run: int) -> Run:
        """Ask a run to end; returns it as it is then."""
        await self._canceller.cancel(namespace, pipeline, run)
        return await self.get(namespace, pipeline, run)

    async def cancel_all(self, namespace: str, pipeline: str) -> list[int]:
        """Ask every run of a pipeline to end; returns their numbers."""
        return await self._canceller.cancel_all(namespace, pipeline)

    async def cancel_task(self, namespace: str, pipeline: str, run: int, task: str) -> TaskRun:
        """Ask one task run to end; returns it as it is then."""
        await self._canceller.cancel_task(namespace, pipeline, run, task)
        return await self.task_run(namespace, pipeline, run, task)

    async def get(self, namespace: str, pipeline: str, run: int) -> Run:
        return await self._reader.run(namespace, pipeline, run)

    async def list(
        self,
        namespace: str,
        pipeline: str | None,
        status: RunStatus | None,
        cursor: int | None,
        limit: int,
        correlation_id: str | None = None,
        seen: Patterns = None,
    ) -> Page[Run]:
        """Runs of a pipeline, or where `pipeline` is None of those of the namespace that match `seen`, newest first."""
        return await self._reader.runs(namespace, pipeline, status, cursor, limit, correlation_id, seen)

    async def task_runs(self, namespace: str, pipeline: str, run: int, cursor: int | None, limit: int) -> Page[TaskRun]:
        """The task runs of a run in the order of its graph."""
        return await self._reader.task_runs(namespace, pipeline, run, cursor, limit)

    async def attempts(
        self, namespace: str, pipeline: str, run: int, cursor: int | None, limit: int
    ) -> Page[TaskAttempt]:
        """All attempts of a run, in the order of its graph and of their numbers."""
        return await self._reader.attempts(namespace, pipeline, run, cursor, limit)

    async def graph(self, namespace: str, pipeline: str, run: int) -> RunGraph:
        """The tasks of a run and what each depends on."""
        return await self._reader.graph(namespace, pipeline, run)

    async def task_run(self, namespace: str, pipeline: str, run: int, task: str) -> TaskRunDetail:
        return await self._reader.task_run(namespace, pipeline, run, task)

    async def exec(
        self,
        namespace: str,
        pipeline: str,
        run: int,
        task: str,
        command: Sequence[str],
        *,
        terminal: bool,
        columns: int = 80,
        rows: int = 24,
    ) -> Session:
        """Run a command beside a running task's own. Raises Conflict when the task run is not running."""
        if not command:
            raise InvalidInput("no command was given", 'Name one, such as "sh".')
        found = await self.task_run(namespace, pipeline, run, task)
        if found.status is not TaskStatus.RUNNING or not found.attempts:
            raise Conflict(
                f'the task run "{task}" is {found.status}, not running', "Only a running container can be entered."
            )
        if found.common_task:
            raise Refused(
                f'the task run "{task}" runs the common task "{found.common_task}", into which nobody can look',
                "It holds what an administrator has given it. Its log tells what it does.",
            )
        container = found.attempts[-1].container
        return await self._context.scheduler.exec(container, command, terminal=terminal, columns=columns, rows=rows)
