"""Arguments that several commands take."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from gofer.cli.invocation import Invocation
    from gofer.models.run import TaskRun

F = TypeVar("F", bound=Callable[..., Any])

_COMPLETION_TIMEOUT = 1.0


class FiniteNumber(click.ParamType[float]):
    """A number that JSON can hold. What cannot be (`nan`, `inf`) would reach the server as null, so as not given."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            self.fail(f'expected a number, got "{value}"', param, ctx)
        return number


def _run_number(_ctx: click.Context, _param: click.Parameter, given: str) -> int:
    """The number of a run; 0 for `latest`."""
    if given == "latest":
        return 0
    if not (given.isascii() and given.isdigit() and 0 < int(given) < 2**53):
        raise click.BadParameter(f'expected the number of a run, or "latest", got "{given}"')
    return int(given)


def pipeline_argument(command: F) -> F:
    """PIPELINE, completed from the server."""
    return click.argument("pipeline", shell_complete=complete_pipeline)(command)


def run_argument(command: F) -> F:
    """PIPELINE RUN; the command gets the number, also for `latest`."""

    @functools.wraps(command)
    def resolved(invocation: Invocation, pipeline: str, run: int, **rest: Any) -> Any:
        return command(invocation, pipeline=pipeline, run=run or latest_run(invocation, pipeline), **rest)

    numbered = click.argument("run", callback=_run_number)(resolved)
    return pipeline_argument(numbered)  # type: ignore[return-value]  # click's decorators keep the function


def task_argument(command: F) -> F:
    """PIPELINE RUN TASK."""
    return run_argument(click.argument("task", shell_complete=complete_task)(command))


def latest_run(invocation: Invocation, pipeline: str) -> int:
    """The number of the pipeline's newest run. Raises CommandError where there is none."""
    from gofer.cli.exit_codes import ExitCode
    from gofer.cli.failure import CommandError
    from gofer.client import paths
    from gofer.models.run import Run

    page = invocation.client.page(paths.runs(invocation.namespace, pipeline), Run, {"limit": 1})
    if not page.items:
        raise CommandError(
            f'the pipeline "{pipeline}" has no runs yet',
            f"Start one with `gofer run start {pipeline}`.",
            exit_code=ExitCode.NOT_FOUND,
        )
    return page.items[0].id


def complete_pipeline(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Ids of the namespace's pipelines, where the server answers at once."""
    from gofer.client import paths
    from gofer.models.pipeline import Pipeline

    return complete(ctx, incomplete, lambda invocation: (paths.pipelines(invocation.namespace), Pipeline))


def complete_common_task(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Ids of common tasks."""
    from gofer.client import paths
    from gofer.models.common_task import CommonTask

    return complete(ctx, incomplete, lambda _: (paths.COMMON_TASKS, CommonTask))


def complete_task(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Ids of the run's task runs."""
    from gofer.client import paths
    from gofer.models.run import TaskRun

    pipeline, run = ctx.params.get("pipeline"), ctx.params.get("run")
    if not pipeline or run is None:
        return []

    def tasks(invocation: Invocation) -> tuple[str, type[TaskRun]]:
        number = run or latest_run(invocation, pipeline)
        return f"{paths.run(invocation.namespace, pipeline, number)}/tasks", TaskRun

    return complete(ctx, incomplete, tasks)


def complete_secret(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Keys of the pipeline's secrets, or of the global ones."""
    from gofer.client import paths
    from gofer.models.secret import Secret

    pipeline, is_global = ctx.params.get("pipeline"), ctx.params.get("is_global")
    if not pipeline and not is_global:
        return []
    return complete(
        ctx, incomplete, lambda invocation: (paths.secrets(invocation.namespace, pipeline), Secret), field="key"
    )


def complete_object(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Keys of the objects of the pipeline, or of the run where the command takes one."""
    from gofer.client import paths
    from gofer.models.object import Object

    pipeline, of_run = ctx.params.get("pipeline"), any(param.name == "run" for param in ctx.command.params)
    run = ctx.params.get("run")
    if not pipeline or (of_run and run is None):
        return []

    def objects(invocation: Invocation) -> tuple[str, type[Object]]:
        number = (run or latest_run(invocation, pipeline)) if of_run else None
        return paths.objects(invocation.namespace, pipeline, number), Object

    return complete(ctx, incomplete, objects, field="key")


def complete_role(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Ids of roles."""
    from gofer.client import paths
    from gofer.models.access import Role

    return complete(ctx, incomplete, lambda _: (paths.ROLES, Role))


def complete_trigger(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Names of triggers."""
    from gofer.client import paths
    from gofer.models.trigger import Trigger

    return complete(ctx, incomplete, lambda _: (paths.TRIGGERS, Trigger))


def complete(
    ctx: click.Context, incomplete: str, where: Callable[[Invocation], tuple[str, type[Any]]], field: str = "id"
) -> list[CompletionItem]:
    """Items of a list of the server's whose `field` begins like that; none where it does not answer at once."""
    from click.shell_completion import CompletionItem

    from gofer.client.http import Client
    from gofer.errors import GoferError
    from gofer.models.page import MAX_LIMIT

    invocation: Invocation = ctx.find_root().obj
    invocation.warns = False
    try:
        path, item = where(invocation)
        client = Client(invocation.server, _COMPLETION_TIMEOUT)
        known = [getattr(found, field) for found in client.page(path, item, {"limit": MAX_LIMIT}).items]
    except GoferError:
        # A person who presses Tab is not helped by an error in the middle of the line.
        return []
    return [CompletionItem(one) for one in known if one.startswith(incomplete)]


def parse_parameters(given: tuple[str, ...]) -> dict[str, str]:
    """`NAME=VALUE` pairs. Raises click.BadParameter for anything else, and for a name given twice."""
    values: dict[str, str] = {}
    for pair in given:
        name, separator, value = pair.partition("=")
        if not separator or not name:
            raise click.BadParameter(f'expected NAME=VALUE, got "{pair}"', param_hint="'--param'")
        if name in values:
            raise click.BadParameter(f'"{name}" was given twice', param_hint="'--param'")
        values[name] = value
    return values


def parameter_option(command: F) -> F:
    """`--param NAME=VALUE`, repeatable."""
    about = "A parameter of the run; repeat for more."
    return click.option("--param", "-p", "parameters", metavar="NAME=VALUE", multiple=True, help=about)(command)
