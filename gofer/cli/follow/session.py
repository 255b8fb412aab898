"""`--follow` in every command: the right view, the outcome, the exit code, and what Ctrl-C means."""

from __future__ import annotations

import os
import sys
from typing import NamedTuple

from gofer.cli.exit_codes import ExitCode
from gofer.cli.follow.board import Board
from gofer.cli.follow.follower import Follower
from gofer.cli.follow.outcome import exit_code_of_run, last_lines, outcome_lines
from gofer.cli.follow.view import SilentView, View
from gofer.cli.interrupts import Interrupted, in_thread, run_interruptible
from gofer.cli.invocation import Invocation
from gofer.cli.output import Output
from gofer.cli.terminal import is_terminal
from gofer.client.http import Client
from gofer.models.run import Run
from gofer.models.status import RunStatus, TaskStatus

DEFAULT_RECONNECT_TIMEOUT = 60.0


class FollowOptions(NamedTuple):
    """How to follow. `reconnect_timeout` in seconds."""

    logs: bool = True
    reconnect_timeout: float = DEFAULT_RECONNECT_TIMEOUT


def view_for(output: Output) -> View:
    """A live view on a terminal, lines elsewhere."""
    if output.format == "silent":
        return SilentView()
    if output.format == "json":
        from gofer.cli.follow.json_view import JsonView

        return JsonView(output)
    if is_terminal(sys.stdout) and os.environ.get("TERM") != "dumb":
        from gofer.cli.follow.live_view import LiveView

        return LiveView(color=output.color)
    from gofer.cli.follow.plain_view import PlainView

    return PlainView(color=output.color)


async def show(client: Client, run: Run, output: Output, options: FollowOptions) -> Board:
    """Follow `run` to its end and print how it ended."""
    follower = Follower(client, run, view_for(output), logs=options.logs, reconnect_timeout=options.reconnect_timeout)
    board = await follower.follow()
    if output.format == "json":
        from gofer.cli.follow.json_view import RunItem

        output.item(RunItem(run=board.run))
    elif output.format == "pretty":
        ends = await in_thread(lambda: last_lines(client, board)) if options.logs else {}
        for line in outcome_lines(board, ends, color=output.color):
            print(line)
    return board


def follow_run(invocation: Invocation, run: Run, options: FollowOptions) -> ExitCode:
    """Follow `run`; the exit code is its outcome. Ctrl-C stops only the following."""
    output = invocation.output
    try:
        board = run_interruptible(show(invocation.client, run, output, options))
    except Interrupted as interrupted:
        if output.format != "silent":
            where = f"{run.pipeline} {run.id}"
            print(f"\nStopped following; run {run.pipeline} #{run.id} goes on.", file=sys.stderr)
            print(f"  follow it again:  {invocation.command('run follow', where)}", file=sys.stderr)
            print(f"  cancel it:        {invocation.command('run cancel', where)}", file=sys.stderr)
        return interrupted.exit_code
    for text in _next_steps(invocation, board):
        output.note(text)
    return exit_code_of_run(board.run)


def _next_steps(invocation: Invocation, board: Board) -> list[str]:
    run = board.run
    where = f"{run.pipeline} {run.id}"
    if run.status is RunStatus.CANCELLED:
        return [f"Run it again: {invocation.command('run retry', where)} --follow"]
    if run.status is not RunStatus.FAILED:
        return []
    steps = [f"Run again what failed: {invocation.command('run retry', where)} --from-failed --follow"]
    failed = [row.task for row in board.rows.values() if row.task.status is TaskStatus.FAILED and row.task.attempt]
    if failed:
        steps.append(f"See the whole log:     {invocation.command('taskrun logs', where)} {failed[0].id}")
    return steps
