"""Follows one run to its end: events tell what happens, one stream for each attempt tells its log."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing
from functools import partial
from typing import TypeVar

from gofer.cli.follow.board import Board
from gofer.cli.follow.log_pump import pump_log
from gofer.cli.follow.view import View
from gofer.cli.interrupts import in_thread
from gofer.client import paths
from gofer.client.http import Client, Query, QueryValue
from gofer.client.patience import Link, reconnecting
from gofer.client.websocket import events
from gofer.errors import ClientError
from gofer.models.event import Event, Kind
from gofer.models.log import Line
from gofer.models.manifest import Manifest
from gofer.models.page import MAX_LIMIT
from gofer.models.pipeline import VersionDetail
from gofer.models.run import Run, TaskRun

T = TypeVar("T")

MOST_LOGS = 16
"""Logs that are open at once; more wait for their turn and are then shown from their first line."""

_FORBIDDEN = 403
_REFRESH = 0.1
_LOG_PATIENCE = 0.5
_ENDS = frozenset({Kind.TASKRUN_ENDED, Kind.TASKRUN_RETRYING})


class Follower:
    """Shows a run in a view. `client` is used by nobody else meanwhile."""

    def __init__(self, client: Client, run: Run, view: View, *, logs: bool, reconnect_timeout: float) -> None:
        """`logs`: whether logs are shown too. `reconnect_timeout` in seconds."""
        self._client = client
        self._run = run
        self._view = view
        self._logs = logs
        self._path = paths.run(run.namespace, run.pipeline, run.id)
        self._filter: dict[str, QueryValue] = {"namespace": run.namespace, "pipeline": run.pipeline, "run": run.id}
        self._link = Link(reconnect_timeout, self._lost, self._restored)
        self._slots = asyncio.Semaphore(MOST_LOGS)
        self._pumps: dict[tuple[str, int], asyncio.Task[None]] = {}
        self._announcements: asyncio.Queue[tuple[Event, asyncio.Task[None] | None]] = asyncio.Queue()
        self._requests = asyncio.Lock()

    async def follow(self) -> Board:
        """Follow the run until it has ended and every log is complete; returns what is known of it then.

        Raises ClientError where the server is lost for too long. Cancelling is safe at any time.
        """
        board = await self._load()
        self._view.open(board)
        try:
            async with asyncio.TaskGroup() as group:
                refreshing = group.create_task(self._refresh(), name="refresh")
                if board.ended:
                    await self._replay(board)
                else:
                    await self._watch(group, board)
                refreshing.cancel()
            return await self._load()
        except BaseExceptionGroup as errors:
            raise _first(errors) from None
        finally:
            self._view.close()

    async def _load(self) -> Board:
        """The run as the server knows it now."""
        run = self._run
        found = await self._ask(lambda: self._client.get(self._path, Run))
        tasks = await self._ask(self._task_runs)
        version = f"{paths.pipeline(run.namespace, run.pipeline)}/versions/{found.version}"
        return Board(found, tasks, await self._ask(lambda: self._manifest(version)))

    def _manifest(self, version: str) -> Manifest | None:
        """It only sets the tasks in order: who may not look at pipelines follows their runs without."""
        try:
            return self._client.get(version, VersionDetail).manifest
        except ClientError as error:
            if error.problem_status != _FORBIDDEN:
                raise
            return None

    def _task_runs(self) -> list[TaskRun]:
        pages = self._client.pages(f"{self._path}/tasks", TaskRun, {"limit": MAX_LIMIT})
        return [task for page in pages for task in page.items]

    async def _ask(self, request: Callable[[], T]) -> T:
        """The answer of a request, made beside the event loop, and again while the server is away."""
        async with self._requests:
            return await self._link.call(lambda: in_thread(request))

    async def _replay(self, board: Board) -> None:
        """Show a run that has ended, in order: each log before the end of its attempt."""
        shown: set[tuple[str, int]] = set()
        async for event in self._history():
            attempt = int(event.data.get("attempt", 0))
            if event.kind in _ENDS and attempt:
                await self._pump(board, event.task, attempt)
                shown.add((event.task, attempt))
            self._view.event(event)
        for task in _begun(board):
            if (task.id, task.attempt) not in shown:
                await self._pump(board, task.id, task.attempt)

    async def _history(self) -> AsyncIterator[Event]:
        """The events of the run that are still stored."""
        cursor: str | None = None
        while True:
            query: Query = {**self._filter, "after": 0, "limit": MAX_LIMIT, "cursor": cursor}
            page = await self._ask(partial(self._client.page, paths.EVENTS, Event, query))
            for event in page.items:
                yield event
            cursor = page.next
            if cursor is None:
                return

    async def _watch(self, group: asyncio.TaskGroup, board: Board) -> None:
        """Take events, from the run's first, until it has ended, and logs until they are complete."""
        for task in _begun(board):
            # Their beginning may be told by no event any more.
            self._open_log(group, board, task.id, task.attempt)
        announcing = group.create_task(self._announce(), name="announcements")
        after = 0

        def open_stream(opened: Callable[[], None]) -> AsyncGenerator[list[Event], None]:
            return events(self._client.server, paths.EVENT_STREAM, {**self._filter, "after": after}, opened)

        async with aclosing(reconnecting(self._link, open_stream, lambda: None)) as batches:
            async for batch in batches:
                for event in batch:
                    after = event.seq
                    self._take(group, board, event)
                if board.ended:
                    break
        await asyncio.gather(*self._pumps.values())
        await self._announcements.join()
        announcing.cancel()

    def _take(self, group: asyncio.TaskGroup, board: Board, event: Event) -> None:
        board.take(event)
        attempt = int(event.data.get("attempt", 0))
        if event.kind == Kind.TASKRUN_STARTING:
            self._open_log(group, board, event.task, attempt)
        pump = self._pumps.get((event.task, attempt)) if event.kind in _ENDS else None
        self._announcements.put_nowait((event, pump))

    async def _announce(self) -> None:
        """Show events in their order, but the end of an attempt after its log; a long log holds no other event up."""
        while True:
            event, pump = await self._announcements.get()
            if pump is not None:
                await asyncio.wait([pump], timeout=_LOG_PATIENCE)
            if pump is None or pump.done():
                self._view.event(event)
            else:
                pump.add_done_callback(partial(self._show_late, event))
            self._announcements.task_done()

    def _show_late(self, event: Event, _: object) -> None:
        self._view.event(event)

    def _open_log(self, group: asyncio.TaskGroup, board: Board, task: str, attempt: int) -> None:
        if attempt > 0 and (task, attempt) not in self._pumps:
            work = self._pump(board, task, attempt)
            self._pumps[task, attempt] = group.create_task(work, name=f"log {task} {attempt}")

    async def _pump(self, board: Board, task: str, attempt: int) -> None:
        if not self._logs:
            return
        run = board.run
        path = paths.task(run.namespace, run.pipeline, run.id, task)

        def take(lines: Sequence[Line]) -> None:
            self._view.lines(task, attempt, lines)

        async with self._slots:
            try:
                if await pump_log(self._client.server, path, attempt, self._link, take) == "expired":
                    self._view.remark(f"the log of {task}, attempt {attempt}, is not there any more")
            except ClientError as error:
                if error.problem_status not in (404, 410):
                    raise
                self._view.remark(f"no log of {task}, attempt {attempt}: {error.message}")

    async def _refresh(self) -> None:
        while True:
            self._view.refresh()
            await asyncio.sleep(_REFRESH)

    def _lost(self, error: ClientError) -> None:
        self._view.remark(f"connection lost ({error.message}); reconnecting for up to {self._link.timeout:g} s")

    def _restored(self) -> None:
        self._view.remark("connected again")


def _begun(board: Board) -> list[TaskRun]:
    """Task runs with an attempt, in the order in which they began."""
    begun = [row.task for row in board.rows.values() if row.task.attempt > 0]
    return sorted(begun, key=lambda task: task.started_at or 0)


def _first(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    error: BaseException = errors
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
