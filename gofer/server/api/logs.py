"""Logs of attempts: pages of lines, and downloads."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Literal, NamedTuple

import msgspec

from gofer.errors import Gone, NotFound
from gofer.models.log import LogPage
from gofer.models.run import Attempt, TaskRunDetail
from gofer.server.api import taskruns
from gofer.server.api.endpoint import MAX_NUMBER, Call, Endpoint, Input, NoBody, Number, Stream, TaskPath
from gofer.server.logs.logs import LogId
from gofer.server.services import Services

PAGE = taskruns.ONE + "/log"
RAW = PAGE + "/raw"
TAG = "logs"
MAX_LINES = 5_000

_RAW_CONTENT = "text/plain; charset=utf-8"

LogStream = Literal["stdout", "stderr"]
First = Annotated[int, msgspec.Meta(ge=-MAX_NUMBER, le=MAX_NUMBER)]


class RawQuery(Input, frozen=True):
    """`attempt` absent: the newest. `from` as in a page of lines. `stream` absent: both.

    `download` false: a browser shows it, and keeps no file.
    """

    attempt: Number | None = None
    first: First = msgspec.field(name="from", default=1)
    stream: LogStream | None = None
    timestamps: bool = False
    download: bool = True


class PageQuery(Input, frozen=True):
    """`from`: the first line, counted from 1, or from the end where it is negative (-100: the last hundred).

    `of`: what a positive `from` counts, lines of the log or only those of `stream`.
    """

    attempt: Number | None = None
    first: First = msgspec.field(name="from", default=1)
    of: Literal["log", "stream"] = "log"
    limit: Annotated[int, msgspec.Meta(ge=1, le=MAX_LINES)] = 1_000
    stream: LogStream | None = None


class Chosen(NamedTuple):
    """The log that a request is about. `attempt` is None where the task run has none yet; `over`: nor will have one."""

    id: LogId
    attempt: Attempt | None
    over: bool

    @property
    def complete(self) -> bool:
        """Whether no more can come."""
        return self.over if self.attempt is None else self.attempt.log_state == "complete"


def endpoints() -> list[Endpoint]:
    """The routes of this noun."""
    return [
        Endpoint(
            method="GET",
            path=PAGE,
            handler=_page,
            summary="Get lines of a task run's log",
            tag=TAG,
            permission="logs:read",
            errors=(410,),
        ),
        Endpoint(
            method="GET",
            path=RAW,
            handler=_raw,
            summary="Download a task run's log, the very bytes that were printed",
            tag=TAG,
            permission="logs:read",
            content=(_RAW_CONTENT,),
            errors=(410,),
        ),
    ]


async def choose(services: Services, at: TaskPath, number: int | None) -> Chosen:
    """The attempt that is asked for, or the newest. Raises NotFound, and Gone if its log is not kept any more."""
    task = await services.runs.task_run(at.namespace, at.pipeline, at.run, at.task)
    attempt = _attempt(task, number)
    if attempt is not None and attempt.log_state == "expired":
        raise Gone(
            f"The log of attempt {attempt.number} has expired.",
            "Logs are kept for the newest runs of a pipeline only: see the setting task_run_log_expiry.",
        )
    log = LogId(at.namespace, at.pipeline, at.run, at.task, attempt.number if attempt is not None else 0)
    if attempt is not None and attempt.log_state == "complete" and attempt.log_bytes and not services.logs.has(log):
        raise Gone(
            f"The log of attempt {attempt.number} is missing: somebody removed its file.",
            "A backup may have it. `gofer service doctor` names all logs that are missing.",
        )
    return Chosen(log, attempt, task.status.ended)


async def _page(call: Call[TaskPath, PageQuery, NoBody]) -> LogPage:
    query, services = call.query, call.services
    chosen = await choose(services, call.path, query.attempt)
    if chosen.attempt is not None:
        try:
            return await services.logs.read(
                chosen.id,
                query.first or 1,
                query.limit,
                query.stream,
                chosen.complete,
                of_stream=query.of == "stream",
            )
        except NotFound:
            # Nothing was printed yet.
            pass
    return LogPage(
        lines=[], next_line=max(query.first, 1), total=0, stream_total=0, position=1, complete=chosen.complete
    )


async def _raw(call: Call[TaskPath, RawQuery, NoBody]) -> Stream:
    at, query = call.path, call.query
    chosen = await choose(call.services, at, query.attempt)
    name = f"{at.pipeline}-{at.run}-{at.task}-{chosen.id.attempt}.log"
    return Stream(_bytes(call.services, chosen, query), _RAW_CONTENT, name, is_shown=not query.download)


async def _bytes(services: Services, chosen: Chosen, query: RawQuery) -> AsyncIterator[bytes]:
    if chosen.attempt is None:
        return
    try:
        raw = services.logs.raw(chosen.id, timestamps=query.timestamps, stream=query.stream, first=query.first or 1)
        async for chunk in raw:
            yield chunk
    except NotFound:
        return


def _attempt(task: TaskRunDetail, number: int | None) -> Attempt | None:
    if number is None:
        return task.attempts[-1] if task.attempts else None
    for attempt in task.attempts:
        if attempt.number == number:
            return attempt
    there = f"It has {len(task.attempts)} so far." if task.attempts else "It has none yet."
    raise NotFound(f"The task run {task.id} has no attempt {number}.", f"{there} Leave it out for the newest.")
