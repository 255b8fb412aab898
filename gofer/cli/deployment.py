"""`gofer pipeline deploy`, `rollback`, `promote`, `abort` and `deployments …`"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, cast

import click
import msgspec

from gofer.cli.arguments import FiniteNumber, parameter_option, parse_parameters, pipeline_argument
from gofer.cli.base import Command, Group, pass_invocation
from gofer.cli.exit_codes import ExitCode
from gofer.cli.failure import CommandError
from gofer.cli.listing import Columns, Paging, paging_options, show_list
from gofer.cli.terminal import plain
from gofer.cli.times import ago, clock
from gofer.client import paths
from gofer.models.deployment import Deploy, Deployed, Deployment, EndDeployment, Rollback, Strategy
from gofer.models.pipeline import Pipeline

if TYPE_CHECKING:
    from gofer.cli.invocation import Invocation
    from gofer.cli.table import Cell

_LOOKS = {"running": "yellow", "completed": "green", "rolled_back": "red", "aborted": "dim"}
_STRATEGIES = ["instant", "canary", "ab", "blue_green"]

_force_option = click.option("--force", is_flag=True, help="Abort the deployment that is under way first.")
_number_option = click.option(
    "--deployment", "number", type=click.IntRange(1), metavar="N", help="That one, rather than the one under way."
)


class _StrategyType(click.Choice[str]):
    """`blue-green` is understood too."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        return super().convert(value.replace("-", "_"), param, ctx)


@click.command(
    "deploy",
    cls=Command,
    examples=[
        "gofer pipeline deploy nightly",
        "gofer pipeline deploy nightly --version 3",
        "gofer pipeline deploy nightly --strategy canary --percent 10 --runs 50",
        "gofer pipeline deploy nightly --strategy blue_green --smoke 2 -p day=monday",
    ],
)
@pass_invocation
@pipeline_argument
@click.option("--version", type=click.IntRange(1), metavar="N", help="Which version; the newest unless given.")
@click.option("--strategy", type=_StrategyType(_STRATEGIES), default="instant", show_default=True, help="How.")
@click.option("--percent", type=FiniteNumber(), metavar="P", help="canary, ab: so many of a hundred new runs get it.")
@click.option("--every", type=int, metavar="K", help="canary, ab: every k-th new run gets it.")
@click.option("--runs", type=int, metavar="N", help="canary: decide after so many of its runs.")
@click.option(
    "--success-margin",
    type=FiniteNumber(),
    metavar="P",
    help="canary: its success rate may be so many percentage points lower.",
)
@click.option(
    "--duration-factor",
    type=FiniteNumber(),
    metavar="F",
    help="canary: its median duration may be so many times the old one.",
)
@click.option("--manual", is_flag=True, help="canary: never decide; you promote or abort.")
@click.option("--smoke", type=int, metavar="N", help="blue_green: so many runs have to succeed first.")
@parameter_option
@click.option("--notes", default="", metavar="TEXT", help="Why, for those who come later.")
@_force_option
def deploy(invocation: Invocation, /, pipeline: str, strategy: str, parameters: tuple[str, ...], **given: Any) -> None:
    """Make a version live: at once, or after it was tried.

    instant: at once. canary: a share of the new runs gets it; it is promoted or rolled back by how they do. ab:
    likewise, until you promote or abort. blue_green: smoke runs of it, with the parameters given, have to succeed
    first. Runs that are under way finish on their version.
    """
    chosen: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    asked = Deploy(strategy=cast(Strategy, strategy), parameters=dict(parse_parameters(parameters)), **chosen)
    path = paths.deployments(invocation.namespace, pipeline)
    _show(invocation, invocation.client.send("POST", path, Deployed, asked))


@click.command(
    "rollback",
    cls=Command,
    examples=["gofer pipeline rollback nightly", "gofer pipeline rollback nightly --version 3 --reason 'too slow'"],
)
@pass_invocation
@pipeline_argument
@click.option("--version", type=click.IntRange(1), metavar="N", help="To this one, not to the one live before.")
@click.option("--reason", default="", metavar="TEXT", help="Why, for those who come later.")
@_force_option
def rollback(invocation: Invocation, pipeline: str, version: int | None, reason: str, force: bool) -> None:
    """Make the version that was live before live again, at once.

    Once more goes back further. A deployment that is under way is not gone back from, but ended: gofer pipeline abort.
    """
    path = paths.rollback(invocation.namespace, pipeline)
    asked = Rollback(version=version, reason=reason, force=force)
    _show(invocation, invocation.client.send("POST", path, Deployed, asked))


@click.command("promote", cls=Command, examples=["gofer pipeline promote nightly"])
@pass_invocation
@pipeline_argument
@_number_option
@click.option("--reason", default="", metavar="TEXT", help="Why, for those who come later.")
def promote(invocation: Invocation, pipeline: str, number: int | None, reason: str) -> None:
    """End a deployment under way: its new version goes live now."""
    _end(invocation, pipeline, number, "promote", reason)


@click.command("abort", cls=Command, examples=["gofer pipeline abort nightly --reason 'wrong version'"])
@pass_invocation
@pipeline_argument
@_number_option
@click.option("--reason", default="", metavar="TEXT", help="Why, for those who come later.")
def abort(invocation: Invocation, pipeline: str, number: int | None, reason: str) -> None:
    """End a deployment under way: the old version stays live."""
    _end(invocation, pipeline, number, "abort", reason)


def _end(invocation: Invocation, pipeline: str, number: int | None, how: str, reason: str) -> None:
    number = number or _under_way(invocation, pipeline)
    path = f"{paths.deployment(invocation.namespace, pipeline, number)}/{how}"
    _show(invocation, invocation.client.send("POST", path, Deployed, EndDeployment(reason=reason)))


def _under_way(invocation: Invocation, pipeline: str) -> int:
    found = invocation.client.get(paths.pipeline(invocation.namespace, pipeline), Pipeline)
    if found.deployment is None:
        live = f"version {found.version} is live" if found.version else "no version is live"
        raise CommandError(
            f'no deployment of the pipeline "{pipeline}" is under way: {live}',
            f"See what was: gofer pipeline deployments list {pipeline}",
            exit_code=ExitCode.REFUSED,
        )
    return found.deployment


@click.group("deployments", cls=Group)
def deployments() -> None:
    """Look at the deployments that were, and that are."""


@deployments.command("list", examples=["gofer pipeline deployments list nightly"])
@pass_invocation
@pipeline_argument
@paging_options
def list_(invocation: Invocation, pipeline: str, paging: Paging) -> None:
    """The deployments of a pipeline, newest first."""
    columns = Columns(
        ("DEPLOYMENT", "STRATEGY", "CAUSE", "FROM", "TO", "STATUS", "STARTED", "BY", "WHY"),
        _row,
        f"No deployments yet. Make a version live: gofer pipeline deploy {pipeline}",
    )
    show_list(invocation, paths.deployments(invocation.namespace, pipeline), Deployment, {}, paging, columns)


def _row(one: Deployment) -> list[Cell]:
    before = str(one.from_version) if one.from_version else ""
    start: list[Cell] = [str(one.number), one.strategy, one.cause, before, str(one.to_version), _status(one)]
    return [*start, ago(one.started_at), plain(one.started_by), plain(one.detail or one.notes)]


@deployments.command("get", examples=["gofer pipeline deployments get nightly 4"])
@pass_invocation
@pipeline_argument
@click.argument("deployment", type=click.IntRange(1))
def get(invocation: Invocation, pipeline: str, deployment: int) -> None:
    """One deployment."""
    path = paths.deployment(invocation.namespace, pipeline, deployment)
    found = invocation.client.get(path, Deployment)
    invocation.output.show(found, lambda: invocation.output.fields(fields(found)))


def fields(one: Deployment) -> list[tuple[str, Cell]]:
    """What there is to say of one, for `Output.fields`."""
    before = str(one.from_version) if one.from_version else "none was live"
    pairs: list[tuple[str, Cell]] = [
        ("deployment", str(one.number)),
        ("pipeline", one.pipeline),
        ("strategy", one.strategy),
        ("status", _status(one)),
        ("from version", before),
        ("to version", str(one.to_version)),
        ("cause", one.cause),
        ("settings", _settings(one)),
        ("notes", plain(one.notes)),
        ("started", _when(one.started_at, one.started_by)),
    ]
    if one.strategy in ("canary", "ab"):
        pairs.append(("runs given a version", str(one.assigned)))
    if one.ended_at is not None:
        pairs += [("ended", _when(one.ended_at, one.ended_by)), ("reason", plain(one.reason))]
    pairs.append(("detail", plain(one.detail)))
    return [pair for pair in pairs if pair[1]]


def _settings(one: Deployment) -> str:
    settings = msgspec.to_builtins(one.settings)
    parameters: dict[str, object] = settings.pop("parameters", {})
    pairs: Iterable[tuple[str, object]] = [*settings.items(), *((f"-p {name}", v) for name, v in parameters.items())]
    return plain(
        ", ".join(f"{name}={value:g}" if isinstance(value, float) else f"{name}={value}" for name, value in pairs)
    )


def _when(at: int, by: str) -> str:
    return f"{clock(at)}, by {plain(by)}" if by else clock(at)


def _status(one: Deployment) -> Cell:
    return one.status, _LOOKS[one.status]


def _show(invocation: Invocation, deployed: Deployed) -> None:
    output = invocation.output
    for warning in deployed.warnings:
        output.warn(warning)
    output.show(deployed, lambda: list(_said(deployed)))
    if deployed.deployment.status == "running":
        output.note(f"See how it goes: gofer pipeline status {deployed.deployment.pipeline}")


def _said(deployed: Deployed) -> Iterable[str]:
    one = deployed.deployment
    if deployed.aborted is not None:
        yield f"deployment {deployed.aborted} of {one.pipeline} aborted"
    if not deployed.changed:
        yield f"pipeline {one.pipeline} unchanged: version {one.to_version} is live already"
    elif one.status == "completed":
        before = f" (version {one.from_version} was)" if one.from_version else ""
        yield f"pipeline {one.pipeline}: version {one.to_version} is live{before}"
    elif one.status == "running":
        live = f"version {one.from_version} is live" if one.from_version else "none is live"
        yield f"deployment {one.number} of {one.pipeline} started: {one.strategy} of version {one.to_version}, {live}"
    else:
        live = f"version {one.from_version} stays live" if one.from_version else "none is live"
        yield f"deployment {one.number} of {one.pipeline} {one.status.replace('_', ' ')}: {live}"
