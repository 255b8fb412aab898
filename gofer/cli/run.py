"""`gofer run …`"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from gofer.cli.arguments import (
    complete_pipeline,
    parameter_option,
    parse_parameters,
    pipeline_argument,
    run_argument,
)
from gofer.cli.base import Group, pass_invocation
from gofer.cli.listing import Columns, Paging, fetch, paging_options, show_list
from gofer.cli.status import cell, why
from gofer.cli.store import store
from gofer.cli.store.place import of_runs
from gofer.cli.terminal import plain
from gofer.cli.times import ago, clock, took
from gofer.client import paths
from gofer.models.common_task import Notification
from gofer.models.event import Event
from gofer.models.run import Cancelled, Initiator, RetryRun, Run, StartedRun, StartRun, TaskRun
from gofer.models.status import RunStatus

if TYPE_CHECKING:
    from gofer.cli.invocation import Invocation
    from gofer.cli.table import Cell
    from gofer.client.http import Query

F = TypeVar("F", bound=Callable[..., Any])


@click.group("run", cls=Group)
def run() -> None:
    """Start, follow, cancel and retry runs.

    RUN is a run's number within its pipeline, or `latest`.
    """


def _follow_option(command: F) -> F:
    about = "Follow the run; the exit code is its outcome."
    return click.option("--follow", "-f", is_flag=True, help=about)(command)


@run.command(
    "start", examples=["gofer run start nightly --follow", "gofer run start nightly -p day=monday -p force=true"]
)
@pass_invocation
@pipeline_argument
@parameter_option
@click.option("--version", type=click.IntRange(1), metavar="N", help="Run this version rather than the live one.")
@_follow_option
def start(
    invocation: Invocation, pipeline: str, parameters: tuple[str, ...], version: int | None, follow: bool
) -> int | None:
    """Start a run of a pipeline."""
    return start_run(invocation, pipeline, parameters, version, follow)


def start_run(
    invocation: Invocation, pipeline: str, parameters: tuple[str, ...], version: int | None, follow: bool
) -> int | None:
    """Start a run; follow it if `follow`. Returns the exit code."""
    body = StartRun(parameters=dict(parse_parameters(parameters)), version=version)
    path = paths.runs(invocation.namespace, pipeline)
    return _started(invocation, invocation.client.send("POST", path, StartedRun, body), follow)


def _started(invocation: Invocation, started: StartedRun, follow: bool) -> int | None:
    output = invocation.output
    for warning in started.warnings:
        output.warn(warning)
    if follow:
        from gofer.cli.follow.session import FollowOptions, follow_run

        output.note(_said(started))
        return follow_run(invocation, started, FollowOptions())
    output.show(started, lambda: [_said(started)])
    output.note(f"Follow it: {invocation.command('run follow', f'{started.pipeline} {started.id}')}")
    return None


def _said(one: Run) -> str:
    return f"run {one.pipeline} #{one.id} {one.status}, version {_version(one)}"


def _version(one: Run) -> str:
    """With the deployment that has given it to the run."""
    return str(one.version) if one.deployment is None else f"{one.version} (deployment {one.deployment})"


@run.command(
    "list",
    examples=[
        "gofer run list",
        "gofer run list nightly --status failed --limit 10",
        "gofer run list --correlation-id 01978f3ce2a14b7d52c90aee",
    ],
)
@pass_invocation
@click.argument("pipeline", required=False, shell_complete=complete_pipeline)
@click.option("--status", type=click.Choice([str(status) for status in RunStatus]), help="Only runs of this status.")
@click.option("--correlation-id", metavar="ID", help="Only what the request (X-Request-Id) of this id has started.")
@paging_options
def list_(
    invocation: Invocation, pipeline: str | None, status: str | None, correlation_id: str | None, paging: Paging
) -> None:
    """The newest runs of a pipeline, or of the whole namespace."""
    columns = Columns(
        ("PIPELINE", "RUN", "STATUS", "VERSION", "CREATED", "DURATION", "STARTED BY", "WHY"),
        _row,
        "No such runs. Start one: gofer run start PIPELINE",
    )
    query: Query = {"status": status, "correlation_id": correlation_id}
    show_list(invocation, paths.runs(invocation.namespace, pipeline), Run, query, paging, columns)


def _row(one: Run) -> list[Cell]:
    cancelling = one.cancel_requested_at is not None and not one.status.ended
    status = cell(one.status, cancelling=cancelling)
    times = [ago(one.created_at), took(one.started_at, one.ended_at)]
    starter = "" if one.initiator == Initiator() else _starter(one)
    return [one.pipeline, f"#{one.id}", status, _version(one), *times, starter, why(one.reason, one.detail)]


def _starter(one: Run) -> str:
    """Who or what has started it, such as `trigger cron/nightly`."""
    return plain(f"{one.initiator.kind} {one.initiator.name}".strip())


@run.command("get", examples=["gofer run get nightly 12", "gofer run get nightly latest --history"])
@pass_invocation
@run_argument
@click.option("--history", is_flag=True, help="Every change of the run and its task runs, with time and reason.")
def get(invocation: Invocation, pipeline: str, run: int, history: bool) -> None:
    """One run and its task runs."""
    if history:
        _show_history(invocation, pipeline, run)
        return
    path = paths.run(invocation.namespace, pipeline, run)
    found = invocation.client.get(path, Run)
    output = invocation.output
    if output.format == "json":
        output.document(found)
        return
    tasks = fetch(invocation, f"{path}/tasks", TaskRun, {}, Paging(None, None)).items
    told = fetch(invocation, f"{path}/notifications", Notification, {}, Paging(None, None)).items
    output.show(
        found,
        lambda: [*_described(invocation, found), "", *_task_table(invocation, tasks), *_told(invocation, told)],
    )


def _described(invocation: Invocation, one: Run) -> Iterable[str]:
    text, look = cell(one.status, cancelling=one.cancel_requested_at is not None and not one.status.ended)
    parameters = ", ".join(f"{name}={value}" for name, value in one.parameters.items())
    return invocation.output.fields(
        [
            ("run", f"{one.pipeline} #{one.id}"),
            ("namespace", one.namespace),
            ("status", (text, look)),
            ("why", why(one.reason, one.detail)),
            ("version", _version(one)),
            ("parameters", plain(parameters)),
            ("started by", _starter(one)),
            ("retry of", f"#{one.retry_of}" if one.retry_of is not None else ""),
            ("correlation", plain(one.correlation_id)),
            ("created", clock(one.created_at)),
            ("started", clock(one.started_at)),
            ("ended", clock(one.ended_at)),
            ("duration", took(one.started_at, one.ended_at)),
        ]
    )


def _told(invocation: Invocation, told: list[Notification]) -> Iterable[str]:
    if not told:
        return
    yield ""
    head = ("NOTIFIER", "COMMON TASK", "STATUS", "TRIES", "NEXT TRY", "WHY")
    rows = [
        [one.label, one.common_task, one.status, str(one.attempts), clock(one.next_at), plain(one.detail)]
        for one in told
    ]
    yield from invocation.output.table(head, rows)


def _task_table(invocation: Invocation, tasks: list[TaskRun]) -> list[str]:
    rows = [task_row(task) for task in tasks]
    return invocation.output.table(TASK_HEAD, rows)


TASK_HEAD = ("TASK", "STATUS", "ATTEMPT", "STARTED", "DURATION", "WHY")


def task_row(task: TaskRun) -> list[Cell]:
    """A task run in a table under TASK_HEAD."""
    reason = why(task.reason, task.detail)
    attempt = str(task.attempt) if task.attempt else ""
    times = [clock(task.started_at), took(task.started_at, task.ended_at)]
    return [task.id, cell(task.status), attempt, *times, reason]


def _show_history(invocation: Invocation, pipeline: str, run: int) -> None:
    from gofer.cli.event import COLUMNS

    query: Query = {"namespace": invocation.namespace, "pipeline": pipeline, "run": run, "after": 0}
    # The run first: a number that does not exist has no events, and that is no history.
    invocation.client.get(paths.run(invocation.namespace, pipeline, run), Run)
    show_list(invocation, paths.EVENTS, Event, query, Paging(None, None), COLUMNS)


@run.command("follow", examples=["gofer run follow nightly 12", "gofer run follow nightly latest --no-logs"])
@pass_invocation
@run_argument
@click.option("--no-logs", is_flag=True, help="Only the tasks and what happens to them.")
@click.option(
    "--reconnect-timeout",
    type=click.FloatRange(0, 86_400),
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="How long to go on trying when the server is away.",
)
def follow(invocation: Invocation, pipeline: str, run: int, no_logs: bool, reconnect_timeout: float) -> int:
    """Follow a run from its beginning to its end.

    The exit code is the run's outcome. The logs of 16 task runs are open at once; those of further ones are shown, from
    their first line, as earlier ones end. Ctrl-C stops only the following.
    """
    from gofer.cli.follow.session import FollowOptions, follow_run

    found = invocation.client.get(paths.run(invocation.namespace, pipeline, run), Run)
    return follow_run(invocation, found, FollowOptions(not no_logs, reconnect_timeout))


@run.command("cancel", examples=["gofer run cancel nightly 12"])
@pass_invocation
@run_argument
def cancel(invocation: Invocation, pipeline: str, run: int) -> None:
    """Ask a run to end.

    Its containers are told to stop, given time to tidy up, then killed.
    """
    path = f"{paths.run(invocation.namespace, pipeline, run)}/cancel"
    found = invocation.client.send("POST", path, Run)
    word = found.status if found.status.ended else "cancelling"
    invocation.output.show(found, lambda: [f"run {found.pipeline} #{found.id} {word}"])


@run.command("cancel-all", examples=["gofer run cancel-all nightly"])
@pass_invocation
@pipeline_argument
def cancel_all(invocation: Invocation, pipeline: str) -> None:
    """Ask all unfinished runs of a pipeline to end."""
    path = f"{paths.runs(invocation.namespace, pipeline)}/cancel"
    answer = invocation.client.send("POST", path, Cancelled)
    numbers = ", ".join(f"#{number}" for number in answer.runs)
    text = f"cancelling {pipeline} {numbers}" if answer.runs else f"no run of {pipeline} is unfinished"
    invocation.output.show(answer, lambda: [text])


@run.command("retry", examples=["gofer run retry nightly 12 --from-failed --follow"])
@pass_invocation
@run_argument
@click.option("--from-failed", is_flag=True, help="Keep what was successful; run only the rest again.")
@_follow_option
def retry(invocation: Invocation, pipeline: str, run: int, from_failed: bool, follow: bool) -> int | None:
    """Run an ended run again, as a new run.

    With the same version and the same parameters.
    """
    path = f"{paths.run(invocation.namespace, pipeline, run)}/retry"
    body = RetryRun(from_failed=from_failed)
    return _started(invocation, invocation.client.send("POST", path, StartedRun, body), follow)


run.add_command(store(of_runs()))
