"""One attempt: from the engine's start of a container to its end and its last log line."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from functools import partial
from itertools import count
from typing import NamedTuple

from gofer.engines.scheduler.base import Chunk, Container, ContainerSpec, Exit, Files, Position, PullProgress
from gofer.errors import EngineUnavailable, GoferError, Refused, StartFailed
from gofer.models.event import Kind
from gofer.models.status import Reason, TaskStatus
from gofer.models.units import format_duration
from gofer.server.auth.tokens import digest_of
from gofer.server.common_tasks.usable import NotUsable
from gofer.server.logs.logs import LogId
from gofer.server.logs.mask import Masks
from gofer.server.own_log import get_logger
from gofer.server.pipelines.interpolation import SECRET_KINDS
from gofer.server.runs.active import ActiveRun, TaskState
from gofer.server.runs.artifacts import Artifacts, InputMissing, artifacts_for
from gofer.server.runs.container import attempt_uid, build_spec, container_name, labels
from gofer.server.runs.context import Context
from gofer.server.runs.journal import Journal
from gofer.server.runs.variables import Origin, Unresolved, resolve
from gofer.server.store import attempts, run_tokens, task_runs
from gofer.server.store.database import Transaction


class Outcome(NamedTuple):
    """How an attempt, and with its last one a task run, has ended. `log`: lines and bytes of the attempt's log.

    `final`: to try again cannot end otherwise.
    """

    status: TaskStatus
    reason: Reason = Reason.NONE
    detail: str = ""
    exit_code: int | None = None
    log: tuple[int, int] = (0, 0)
    final: bool = False


class _Interrupted(Exception):
    """The attempt is to end. Not a TimeoutError, which libraries raise too."""


class AttemptRunner:
    """Takes attempt number `state.attempt` through `starting → running → end`.

    Its beginning has been recorded before (`starting_step`); its end is recorded by the caller (`ended_step`). `token`
    is what the task finds in GOFER_API_TOKEN, empty if it asked for none.
    """

    def __init__(self, context: Context, run: ActiveRun, state: TaskState, journal: Journal, starting_at: int) -> None:
        self._context = context
        self._run = run
        self._state = state
        self._journal = journal
        self._starting_at = starting_at
        ticket = run.ticket
        self._timed_out = False
        self._masks = Masks(())
        self._key = attempts.AttemptKey(ticket.key, state.position, state.attempt)
        self._log = LogId(ticket.namespace, ticket.pipeline, ticket.number, state.id, state.attempt)
        if state.adopted is not None:
            self._uid, self.container = state.adopted.uid, state.adopted.container
        else:
            self._uid = attempt_uid(context.database.server_id, *self._key, starting_at)
            self.container = container_name(ticket, state.id, state.attempt, self._uid)

        self._task = state.planned.node.task
        self.token = context.access.token(self._uid) if self._task.inject_api_token else ""

    def starting_step(self, tx: Transaction) -> None:
        """Record the attempt before the engine hears of it."""
        at = self._starting_at
        attempts.insert(tx, self._key, self._uid, self.container, at)
        if self.token:
            run_tokens.insert(tx, digest_of(self.token), self._key.run_key, self._state.id, at)
        task_runs.set_starting(tx, self._key.run_key, self._key.position, self._key.number, at)
        self._run.emit(tx, Kind.TASKRUN_STARTING, at, self._state.id, {"attempt": self._key.number})

    def ended_step(self, tx: Transaction, outcome: Outcome, at: int) -> None:
        """Record the attempt's end."""
        attempts.set_ended(
            tx, self._key, outcome.status, outcome.reason, outcome.detail, outcome.exit_code, at, outcome.log
        )

    async def run(self) -> Outcome:
        """Everything between. Never raises for what a container or an engine does."""
        try:
            outcome = await self._run_container()
        except (Unresolved, Refused, NotUsable) as error:
            outcome = await self._explained(_reason_of(error), error)
        except StartFailed as error:
            outcome = await self._explained(Reason(error.reason), error)
        size = await self._context.logs.finish(self._log)
        return outcome._replace(detail=self._masks.text(outcome.detail), log=(size.lines, size.bytes))

    async def broken(self, error: Exception) -> Outcome:
        """The outcome when `run` has raised: a fault of Gofer's own. What of the log can be saved is."""
        detail = f"Gofer itself failed: {type(error).__name__}; its log has the details"
        outcome = Outcome(TaskStatus.FAILED, Reason.INTERNAL_ERROR, detail)
        try:
            await self._context.logs.note(self._log, detail)
            size = await self._context.logs.finish(self._log)
        except Exception:
            get_logger("gofer.runs").exception("log not finished", container=self.container)
            return outcome
        return outcome._replace(log=(size.lines, size.bytes))

    def forget(self) -> None:
        """Nothing more is said of the attempt."""
        self._context.values.in_use.release(self._masks)
        self._masks = Masks(())

    async def _explained(self, reason: Reason, error: GoferError) -> Outcome:
        message = error.message.removesuffix(".")
        await self._context.logs.note(self._log, f"{message}. {error.hint}" if error.hint else message)
        return Outcome(TaskStatus.FAILED, reason, message, final=isinstance(error, InputMissing))

    async def _run_container(self) -> Outcome:
        if self._state.status is TaskStatus.RUNNING:
            await self._protect_begun()
            if await self._context.watch.call(partial(self._context.scheduler.inspect, self.container)) is None:
                return self._decide(None)
            return await self._end(adopted=True)
        container = await self._begin()
        if container is None:
            return self._decide_unstarted()
        self._context.reached("started")
        self._note_running(container)
        return await self._end(adopted=self._state.adopted is not None)

    async def _end(self, *, adopted: bool) -> Outcome:
        """Of a container that was started."""
        exited = await self._observe(adopted=adopted)
        outcome = self._decide(exited)
        artifacts = self._artifacts()
        if exited is None or self._state.stop or artifacts is None:
            return outcome
        try:
            # Its own time is for the container; only a cancel or the end of the run's time ends the collecting.
            async with self._interruptible(timed=False):
                fault = await artifacts.collect(successful=outcome.status is TaskStatus.SUCCESSFUL)
        except _Interrupted:
            return self._decide(exited)
        self._context.reached("collected")
        if fault is None or outcome.status is not TaskStatus.SUCCESSFUL:
            return outcome
        return Outcome(TaskStatus.FAILED, fault.reason, fault.detail, exited.exit_code)

    def _artifacts(self) -> Artifacts | None:
        return artifacts_for(self._context, self._run.ticket, self._state.planned.node, self.container, self._log)

    async def _begin(self) -> Container | None:
        """The started container, or None when the attempt is to end before it was."""
        if self._state.adopted is not None:
            # It may have begun already, with values that are others by now.
            await self._protect_begun()
            if (container := await self._begun()) is not None:
                return container
        try:
            async with self._interruptible():
                spec = await self._spec()
        except _Interrupted:
            return None
        return await self._start(spec)

    async def _begun(self) -> Container | None:
        """The container, if the engine has started it though nobody was told."""
        inspect = partial(self._context.scheduler.inspect, self.container)
        found = await self._context.watch.call(inspect)
        return found if found is not None and found.status != "created" else None

    async def _spec(self) -> ContainerSpec:
        ticket, state, values = self._run.ticket, self._state, self._context.values
        api_url, bind = self._context.api_url, None
        if self.token:
            api_url, bind = self._context.access.way()
        origin = Origin(
            ticket.namespace, ticket.pipeline, ticket.version, ticket.number, state.attempt, api_url, self.token
        )
        marks = labels(self._context.database.server_id, ticket, state.id, state.attempt, self._uid)
        stored, provided = await values.find(ticket, self._task), await values.provided(ticket, self._task)
        # The values themselves as well: one may have been replaced just after it was looked up.
        secrets = [value for reference, value in stored.items() if reference.kind in SECRET_KINDS]
        await self._protect([*secrets, *(provided.secrets if provided is not None else ())])
        task, variables = resolve(origin, state.planned.node, ticket.parameters, stored, ticket.variables, provided)
        return build_spec(self.container, marks, task, variables, self._context.settings, bind)

    async def _protect(self, more: Collection[str] = ()) -> None:
        """Before anything is written of what might have a secret in it. `more`: what is to be hidden as well."""
        masks = await self._context.values.masks(self._run.ticket, self._task, self.token, more)
        self._context.values.in_use.hold(masks)
        self._context.values.in_use.release(self._masks)
        self._masks = masks
        self._context.logs.protect(self._log, masks)

    async def _protect_begun(self) -> None:
        """The same for a container that may run: while it is not known what to hide, it can be ended all the same."""
        try:
            # It may have ended long before its time was up.
            async with self._interruptible(timed=False):
                await self._protect()
        except _Interrupted:
            if await self._begun() is not None:
                await self._stop()
            await self._protect()

    async def _start(self, spec: ContainerSpec) -> Container | None:
        """The started container, or None when the attempt is to end before it was."""
        scheduler, watch = self._context.scheduler, self._context.watch
        artifacts = self._artifacts()
        place = None if artifacts is None else partial(self._place, artifacts)
        try:
            async with self._interruptible():
                return await watch.call(partial(scheduler.start, spec, self._on_pull, place))
        except _Interrupted:
            return await self._begun()

    async def _place(self, artifacts: Artifacts, files: Files) -> None:
        await artifacts.place(files)
        self._context.reached("placed")

    async def _on_pull(self, progress: PullProgress) -> None:
        kind = Kind.IMAGE_PULLED if progress.done else Kind.IMAGE_PULLING
        data: dict[str, object] = {"image": progress.image, "detail": progress.detail}
        at = self._context.clock.now()
        await self._journal.record(lambda tx: self._run.emit(tx, kind, at, self._state.id, data))

    def _note_running(self, container: Container) -> None:
        at = self._context.clock.now()
        self._state.status = TaskStatus.RUNNING

        def step(tx: Transaction) -> None:
            attempts.set_running(tx, self._key, at, container.image_digest)
            task_runs.set_running(tx, self._key.run_key, self._key.position, at)
            self._run.emit(tx, Kind.TASKRUN_RUNNING, at, self._state.id, {"attempt": self._key.number})

        self._journal.post(step)

    async def _observe(self, *, adopted: bool) -> Exit | None:
        """Wait for the end while the log is captured to its last byte. None: the container vanished."""
        since = await self._context.logs.position(self._log) if adopted else Position()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._capture(since), name=f"capture {self.container}")
            exited = await self._wait()
            self._context.reached("exited")
        self._context.reached("drained")
        return exited

    async def _wait(self) -> Exit | None:
        wait = partial(self._context.watch.call, partial(self._context.scheduler.wait, self.container))
        try:
            async with self._interruptible():
                return await wait()
        except _Interrupted:
            await self._stop()
            return await wait()

    async def _stop(self) -> None:
        grace = self._state.planned.stop_timeout
        if grace is None:
            grace = self._context.settings.task_run_stop_timeout
        stop = partial(self._context.scheduler.stop, self.container, grace / 1000)
        await self._context.watch.call(stop)

    async def _capture(self, since: Position) -> None:
        logs, scheduler = self._context.logs, self._context.scheduler
        for failures in count():
            try:
                chunks: AsyncIterator[Chunk] = scheduler.logs(self.container, since)
                await logs.capture(self._log, chunks)
                return
            except EngineUnavailable as error:
                await self._context.watch.outage(error, failures)
                since = await logs.position(self._log)

    @asynccontextmanager
    async def _interruptible(self, *, timed: bool = True) -> AsyncIterator[None]:
        """Raises _Interrupted when the attempt is to end: its time is up (if `timed`), or `state.stop` says why."""
        loop = asyncio.get_running_loop()
        timed = timed and self._state.planned.timeout is not None
        scope = asyncio.timeout_at(loop.time() + self._time_left() if timed else None)
        try:
            async with scope:
                self._state.scope = scope
                if self._state.stop:
                    scope.reschedule(loop.time())
                    await asyncio.sleep(0)
                try:
                    yield
                finally:
                    self._state.scope = None
        except TimeoutError:
            if not scope.expired():
                raise
            raise _Interrupted from None
        finally:
            self._timed_out = self._timed_out or (scope.expired() and not self._state.stop)

    def _time_left(self) -> float:
        timeout = self._state.planned.timeout or 0
        # A clock that was set back while Gofer was away must not lengthen the task's time.
        passed = max(0, self._context.clock.now() - self._starting_at)
        return max(0.0, (timeout - passed) / 1000)

    def _decide_unstarted(self) -> Outcome:
        if self._state.stop:
            return Outcome(TaskStatus.CANCELLED, self._state.stop, "ended before its container was started")
        return self._out_of_time(None)

    def _decide(self, exited: Exit | None) -> Outcome:
        if self._state.stop:
            return Outcome(TaskStatus.CANCELLED, self._state.stop, "", exited.exit_code if exited else None)
        if self._timed_out:
            return self._out_of_time(exited.exit_code if exited else None)
        if exited is None:
            return Outcome(TaskStatus.FAILED, Reason.LOST, "the container vanished; its exit code is not known")
        if exited.oom_killed:
            return Outcome(TaskStatus.FAILED, Reason.OOM_KILLED, "killed: out of memory", exited.exit_code)
        if exited.exit_code == 0:
            return Outcome(TaskStatus.SUCCESSFUL, exit_code=0)
        detail = exited.error or f"exited with code {exited.exit_code}"
        return Outcome(TaskStatus.FAILED, Reason.EXIT_CODE, detail, exited.exit_code)

    def _out_of_time(self, exit_code: int | None) -> Outcome:
        limit = format_duration(self._state.planned.timeout or 0)
        return Outcome(TaskStatus.FAILED, Reason.TIMEOUT, f"took longer than its timeout of {limit}", exit_code)


def _reason_of(error: Unresolved | Refused | NotUsable) -> Reason:
    if isinstance(error, NotUsable):
        return Reason.COMMON_TASK_UNAVAILABLE
    return Reason.NOT_ALLOWED if isinstance(error, Refused) else Reason.INTERPOLATION_FAILED
