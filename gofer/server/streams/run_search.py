"""The websocket on which comes what a search finds in all logs of a run."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

from starlette.websockets import WebSocket, WebSocketDisconnect

from gofer.errors import GoferError, NotFound, Unavailable
from gofer.models.event import Kind
from gofer.models.log_search import MatchesFrame, SearchEnd
from gofer.models.run import TaskRun
from gofer.server.api.endpoint import Call, NoBody, RunPath, TaskPath
from gofer.server.api.log_search import PatternQuery, pattern_of
from gofer.server.events.bus import Filter
from gofer.server.logs.logs import LogId
from gofer.server.logs.record import DamagedLog
from gofer.server.logs.search import Wanted
from gofer.server.streams.log_search import MAX_SHOWN, Shown, encoded
from gofer.server.streams.log_source import LogSource
from gofer.server.streams.session import serve_until_gone

_PAGE = 200
_AT_ONCE = 4


class RunSearchQuery(PatternQuery, frozen=True, kw_only=True):
    """`shown`: how many matches of each log come with their text, and at most a thousand in all."""

    shown: Shown = 20


async def run_search_stream(call: Call[RunPath, RunSearchQuery, NoBody], websocket: WebSocket) -> None:
    """Text frames: MatchesFrame of any log of the run, as lines are found and as lines come; one SearchEnd when the run
    has ended and everything was searched.

    Raises InvalidInput and NotFound before it is accepted. Ends when the client goes away; raises Unavailable when the
    server stops.
    """
    query, at = call.query, call.path
    wanted = Wanted(await pattern_of(query), query.stream, query.shown, listed=False)
    await call.services.runs.get(at.namespace, at.pipeline, at.run)
    await websocket.accept()
    await serve_until_gone(websocket, _RunSearch(call, wanted, websocket).send())


class _RunSearch:
    """One search. Logs of tasks that have ended wait for their turn; those that grow are all followed."""

    def __init__(self, call: Call[RunPath, RunSearchQuery, NoBody], wanted: Wanted, websocket: WebSocket) -> None:
        self._services = call.services
        self._at = call.path
        self._who = call.caller.scope
        self._wanted = wanted
        self._websocket = websocket
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._sending = asyncio.Lock()
        self._begun: set[tuple[str, int]] = set()
        self._left = MAX_SHOWN
        self._stopping = False
        self._limit = False

    async def send(self) -> None:
        """Every frame, to the end of the run."""
        gone, fault = False, None
        try:
            async with asyncio.TaskGroup() as group:
                await self._begin_all(group)
        except* WebSocketDisconnect:
            gone = True
        except* GoferError as faults:
            fault = faults.exceptions[0]
        if gone:
            return
        if fault is not None:
            raise fault
        if self._stopping:
            raise Unavailable("Gofer is stopping.", "Search again when it is back.")
        await self._websocket.send_text(encoded(SearchEnd(state="limit" if self._limit else "complete")))

    async def _begin_all(self, group: asyncio.TaskGroup) -> None:
        """A search of each attempt's log that there is, and of each that begins, until the run has ended."""
        at, services = self._at, self._services
        filter_ = Filter(frozenset({"run.*", "taskrun.*"}), at.namespace, at.pipeline, at.run)
        events = services.bus.subscribe(filter_, services.database.last_seq)
        has_ended = (await services.runs.get(at.namespace, at.pipeline, at.run)).status.ended
        cursor: int | None = None
        while True:
            page = await services.runs.task_runs(at.namespace, at.pipeline, at.run, cursor, _PAGE)
            for task in page.items:
                self._begin(group, task)
            if page.next is None:
                break
            cursor = int(page.next)
        if has_ended:
            return
        async for some in events:
            for event in some:
                if event.kind == Kind.RUN_ENDED:
                    return
                if event.kind == Kind.TASKRUN_STARTING:
                    self._begin_one(group, event.task, int(event.data["attempt"]), ended=False)

    def _begin(self, group: asyncio.TaskGroup, task: TaskRun) -> None:
        for attempt in range(1, task.attempt + 1):
            self._begin_one(group, task.id, attempt, ended=task.status.ended or attempt < task.attempt)

    def _begin_one(self, group: asyncio.TaskGroup, task: str, attempt: int, *, ended: bool) -> None:
        if (task, attempt) not in self._begun:
            self._begun.add((task, attempt))
            group.create_task(self._search(task, attempt, ended), name=f"search {task}")

    async def _search(self, task: str, attempt: int, ended: bool) -> None:
        if not ended:
            await self._follow(task, attempt)
            return
        async with self._slots:
            await self._follow(task, attempt)

    async def _follow(self, task: str, attempt: int) -> None:
        at = self._at
        path = TaskPath(namespace=at.namespace, pipeline=at.pipeline, run=at.run, task=task)
        source = LogSource(self._services, path, attempt)
        log = LogId(at.namespace, at.pipeline, at.run, task, attempt)
        frame: MatchesFrame | SearchEnd | None = None
        try:
            await source.find()
            found = self._services.log_search.follow(log, self._wanted, source.state, who=self._who)
            async with aclosing(found) as frames:
                async for frame in frames:
                    if isinstance(frame, MatchesFrame):
                        await self._tell(frame)
        except (NotFound, DamagedLog):
            # The logs of the others are searched all the same.
            return
        if not isinstance(frame, SearchEnd):
            self._stopping = True
        elif frame.state == "limit":
            self._limit = True

    async def _tell(self, frame: MatchesFrame) -> None:
        frame.matches = frame.matches[: self._left]
        self._left -= len(frame.matches)
        async with self._sending:
            await self._websocket.send_text(encoded(frame))
