"""`gofer taskrun …`"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import click

from gofer.cli.arguments import run_argument, task_argument
from gofer.cli.base import Group, pass_invocation
from gofer.cli.listing import Columns, Paging, paging_options, show_list
from gofer.cli.run import TASK_HEAD, task_row
from gofer.cli.status import cell, why
from gofer.cli.terminal import plain
from gofer.cli.times import clock, took
from gofer.client import paths
from gofer.models.run import Attempt, TaskRun, TaskRunDetail
from gofer.models.units import format_size

if TYPE_CHECKING:
    from gofer.cli.invocation import Invocation
    from gofer.cli.table import Cell


@click.group("taskrun", cls=Group)
def taskrun() -> None:
    """Look at the task runs of a run, their logs and inside their containers.

    RUN is a run's number within its pipeline, or `latest`.
    """


@taskrun.command("list", examples=["gofer taskrun list nightly 12"])
@pass_invocation
@run_argument
@paging_options
def list_(invocation: Invocation, pipeline: str, run: int, paging: Paging) -> None:
    """The task runs of a run, in the order of its graph."""
    path = f"{paths.run(invocation.namespace, pipeline, run)}/tasks"
    show_list(invocation, path, TaskRun, {}, paging, Columns(TASK_HEAD, task_row, "This run has no tasks."))


@taskrun.command("get", examples=["gofer taskrun get nightly 12 dump"])
@pass_invocation
@task_argument
def get(invocation: Invocation, pipeline: str, run: int, task: str) -> None:
    """One task run: its attempts, and each variable with its source."""
    found = invocation.client.get(paths.task(invocation.namespace, pipeline, run, task), TaskRunDetail)
    invocation.output.show(found, lambda: _described(invocation, found))


def _described(invocation: Invocation, one: TaskRunDetail) -> Iterable[str]:
    output = invocation.output
    yield from output.fields(
        [
            ("task run", f"{one.pipeline} #{one.run} {one.id}"),
            ("status", cell(one.status)),
            ("why", why(one.reason, one.detail)),
            ("image", plain(one.image)),
            ("common task", one.common_task),
            ("after", ", ".join(one.parents)),
            ("may fail", "yes" if one.allow_failure else ""),
            ("started", clock(one.started_at)),
            ("ended", clock(one.ended_at)),
            ("duration", took(one.started_at, one.ended_at)),
            ("next attempt", clock(one.next_attempt_at)),
        ]
    )
    if one.attempts:
        yield ""
        head = ("ATTEMPT", "STATUS", "EXIT CODE", "STARTED", "DURATION", "LOG", "CONTAINER", "WHY")
        yield from output.table(head, [_attempt_row(attempt) for attempt in one.attempts])
    if one.variables:
        yield ""
        rows = [[plain(variable.name), plain(variable.value), variable.source] for variable in one.variables]
        yield from output.table(("VARIABLE", "VALUE", "SOURCE"), rows)


def _attempt_row(attempt: Attempt) -> list[Cell]:
    log = f"{attempt.log_lines} lines, {format_size(attempt.log_bytes)}"
    if attempt.log_state != "complete":
        log = attempt.log_state
    code = str(attempt.exit_code) if attempt.exit_code is not None else ""
    times = [clock(attempt.starting_at), took(attempt.running_at, attempt.ended_at)]
    reason = why(attempt.reason, attempt.detail)
    return [str(attempt.number), cell(attempt.status), code, *times, log, attempt.container, reason]


def _log_options(command: Any) -> Any:
    options = [
        click.option("--follow", "-f", is_flag=True, help="Go on as lines come, until the log is complete."),
        click.option(
            "--since-line",
            type=click.IntRange(-(10**9), 10**12),
            default=1,
            metavar="N",
            help="Begin with line N, counted from 1; -100 for the last hundred.",
        ),
        click.option("--timestamps", "-t", is_flag=True, help="Put the time and the stream before each line."),
        click.option("--stream", type=click.Choice(["stdout", "stderr"]), help="Only one of the two."),
        click.option("--attempt", type=click.IntRange(1), metavar="N", help="Of this attempt; else of the newest."),
        click.option(
            "--reconnect-timeout",
            type=click.FloatRange(0, 86_400),
            default=60.0,
            show_default=True,
            metavar="SECONDS",
            help="With -f: how long to go on trying when the server is away.",
        ),
    ]
    for option in reversed(options):
        command = option(command)
    return command


@taskrun.command(
    "logs",
    examples=[
        "gofer taskrun logs nightly 12 dump",
        "gofer taskrun logs nightly latest dump -f --since-line -100",
        "gofer taskrun logs nightly 12 dump --attempt 1 --stream stderr --timestamps",
    ],
)
@pass_invocation
@task_argument
@_log_options
def logs(
    invocation: Invocation,
    pipeline: str,
    run: int,
    task: str,
    follow: bool,
    reconnect_timeout: float,
    **wanted: Any,
) -> int | None:
    """Print the log of a task run.

    Into a file or pipe go the very bytes that were printed (with -f as text); on a terminal control sequences other
    than colours are left out. With --format json, a JSON line for each line.
    """
    from gofer.cli.logs import LogRequest, follow_log, print_log

    path = paths.task(invocation.namespace, pipeline, run, task)
    request = LogRequest(path, **wanted)
    if follow:
        return follow_log(invocation, request, reconnect_timeout)
    print_log(invocation, request)
    return None


@taskrun.command("cancel", examples=["gofer taskrun cancel nightly 12 dump"])
@pass_invocation
@task_argument
def cancel(invocation: Invocation, pipeline: str, run: int, task: str) -> None:
    """Ask one task run to end. The rest of the run goes on as the task's dependants allow."""
    path = f"{paths.task(invocation.namespace, pipeline, run, task)}/cancel"
    found = invocation.client.send("POST", path, TaskRun)
    word = found.status if found.status.ended else "cancelling"
    invocation.output.show(found, lambda: [f"task run {found.pipeline} #{found.run} {found.id} {word}"])


@taskrun.command(
    "attach",
    examples=[
        "gofer taskrun attach nightly 12 dump",
        "gofer taskrun attach nightly 12 dump -- ls -l /data",
        "cat fix.sql | gofer taskrun attach nightly 12 dump -- psql",
    ],
    context_settings={"ignore_unknown_options": True},
)
@pass_invocation
@task_argument
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
@click.option("--terminal/--no-terminal", default=None, help="With a terminal or without; by default as stdin is one.")
def attach(
    invocation: Invocation, pipeline: str, run: int, task: str, command: tuple[str, ...], terminal: bool | None
) -> int:
    """Run a command beside a task that is running.

    By default a shell (sh), in the task's container. The exit code is the command's. In a terminal Ctrl-] leaves, as
    when the connection is closed.
    """
    from gofer.cli.attach import attach as attach_to

    path = paths.task(invocation.namespace, pipeline, run, task)
    return attach_to(invocation.server, f"{path}/attach", list(command) or ["sh"], terminal)
