"""How a followed run ended: the outcome, why, the last lines of what failed, and what to do next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from gofer.cli.exit_codes import ExitCode
from gofer.cli.follow.board import Board
from gofer.cli.status import LOOKS, SYMBOLS, why
from gofer.cli.terminal import log_line, paint
from gofer.cli.times import took
from gofer.client import paths
from gofer.client.http import Client
from gofer.errors import ClientError
from gofer.models.log import LogPage
from gofer.models.run import Run, TaskRun
from gofer.models.status import RunStatus, TaskStatus

_MOST_FAILED = 5
_LAST_LINES = 10


def exit_code_of_run(run: Run) -> ExitCode:
    """What a command that followed `run` ends with."""
    if run.status is RunStatus.SUCCESSFUL:
        return ExitCode.OK
    return ExitCode.CANCELLED if run.status is RunStatus.CANCELLED else ExitCode.OUTCOME_BAD


def last_lines(client: Client, board: Board) -> dict[str, list[str]]:
    """The last lines of the logs of the first task runs that failed, by their ids."""
    return {task.id: _last_lines(client, task) for task in _failures(board) if task.attempt}


def outcome_lines(board: Board, ends_of_logs: Mapping[str, Sequence[str]], *, color: bool) -> Iterator[str]:
    """The last words on a run."""
    run = board.run
    tasks = [row.task for row in board.rows.values()]
    yield ""
    for task in _failures(board):
        yield from _failed(task, ends_of_logs.get(task.id, ()), color=color)
    duration = took(run.started_at, run.ended_at)
    text = f"{SYMBOLS[run.status]} run {run.pipeline} #{run.id} {run.status}" + (f" in {duration}" if duration else "")
    reason = why(run.reason, run.detail)
    text = paint(text, LOOKS[run.status], "bold") if color else text
    yield f"{text}: {reason}" if reason else text
    yield f"  {_counts(tasks)}"


def _failures(board: Board) -> list[TaskRun]:
    return [row.task for row in board.rows.values() if row.task.status is TaskStatus.FAILED][:_MOST_FAILED]


def _failed(task: TaskRun, end_of_log: Sequence[str], *, color: bool) -> Iterator[str]:
    head = f"{SYMBOLS[task.status]} {task.id} failed"
    allowed = " (allowed to fail)" if task.allow_failure else ""
    attempts = f", attempt {task.attempt}" if task.attempt > 1 else ""
    yield f"{paint(head, 'red') if color else head}{allowed}: {why(task.reason, task.detail)}{attempts}"
    for line in end_of_log:
        yield f"    {log_line(line, colors=color)}"


def _last_lines(client: Client, task: TaskRun) -> list[str]:
    path = paths.task(task.namespace, task.pipeline, task.run, task.id)
    query = {"attempt": task.attempt, "from": -_LAST_LINES, "limit": _LAST_LINES}
    try:
        page = client.get(f"{path}/log", LogPage, query)
    except ClientError as error:
        return [f"({error.message})"]
    return [line.text for line in page.lines]


def _counts(tasks: list[TaskRun]) -> str:
    parts = []
    for status in TaskStatus:
        count = sum(task.status is status for task in tasks)
        if count:
            parts.append(f"{count} {status}")
    return f"{len(tasks)} task{'s' if len(tasks) != 1 else ''}: {', '.join(parts)}" if tasks else "no tasks"
