"""An event of a run as a sentence, and the colours of tasks."""

from __future__ import annotations

from zlib import crc32

from gofer.cli.follow.board import Board
from gofer.cli.status import SYMBOLS, why
from gofer.cli.terminal import plain
from gofer.cli.times import took
from gofer.models.event import Event, Kind
from gofer.models.units import format_duration

_TASK_LOOKS = ("cyan", "magenta", "blue", "yellow", "green")


def task_look(task: str) -> str:
    """The colour of a task: the same in every view and every run."""
    return _TASK_LOOKS[crc32(task.encode()) % len(_TASK_LOOKS)]


def sentence(board: Board, event: Event) -> str:
    """What `event` tells, in a few words; empty where it tells a reader nothing."""
    if event.kind.startswith("run."):
        return _of_run(board, event)
    data, attempt = event.data, int(event.data.get("attempt", 0))
    nth = f" (attempt {attempt})" if attempt > 1 else ""
    match event.kind:
        case Kind.TASKRUN_STARTING:
            return f"{SYMBOLS['starting']} starting{nth}"
        case Kind.TASKRUN_RUNNING:
            return f"{SYMBOLS['running']} running{nth}"
        case Kind.IMAGE_PULLING:
            return f"pulling {plain(str(data.get('image', 'the image')))}"
        case Kind.TASKRUN_CANCELLING:
            return "cancelling"
        case Kind.TASKRUN_RETRYING:
            wait = max(int(data.get("next_at", event.at)) - event.at, 0)
            reason = why(str(data.get("reason", "")), str(data.get("detail", "")))
            return f"{SYMBOLS['failed']} attempt {attempt} failed: {reason}; the next one in {format_duration(wait)}"
        case Kind.TASKRUN_ENDED:
            return _ended(board, event)
    return ""


def _of_run(board: Board, event: Event) -> str:
    match event.kind:
        case Kind.RUN_QUEUED:
            return "queued"
        case Kind.RUN_STARTED:
            return f"running, {len(board.rows)} task{'s' if len(board.rows) != 1 else ''}"
        case Kind.RUN_CANCELLING:
            return "cancelling"
    return ""


def _ended(board: Board, event: Event) -> str:
    status, row = str(event.data["status"]), board.rows.get(event.task)
    reason = why(str(event.data.get("reason", "")), str(event.data.get("detail", "")))
    duration = took(row.task.started_at, event.at) if row is not None else ""
    text = f"{SYMBOLS.get(status, '?')} {status}" + (f" in {duration}" if duration else "")
    return f"{text}: {reason}" if reason else text
