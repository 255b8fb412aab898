"""`gofer pipeline pause`, `resume`, `freeze`, `unfreeze`, `deprecate` and `undeprecate`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click
import msgspec

from gofer.cli.arguments import pipeline_argument
from gofer.cli.base import Command, pass_invocation
from gofer.cli.terminal import plain
from gofer.cli.times import clock
from gofer.client import paths
from gofer.models.hold import Hold, HoldKind, Lifted, SetHold

if TYPE_CHECKING:
    from gofer.cli.invocation import Invocation

F = TypeVar("F", bound=Callable[..., Any])


def held(hold: Hold) -> str:
    """Who has said so, when and why, for a line of a table."""
    by = f" by {hold.by}" if hold.by else ""
    return plain(f"since {clock(hold.at)}{by}" + (f": {hold.reason}" if hold.reason else ""))


def _version_option(command: F) -> F:
    about = "Of this version, rather than of the pipeline."
    return click.option("--version", type=click.IntRange(1), metavar="N", help=about)(command)


def _reason_option(command: F) -> F:
    about = "Why: whoever meets it is told so."
    return click.option("--reason", "-m", default="", metavar="TEXT", help=about)(command)


@click.command(
    "pause",
    cls=Command,
    examples=[
        'gofer pipeline pause nightly --reason "the warehouse is down"',
        'gofer pipeline pause nightly --version 7 --reason "writes wrong totals"',
    ],
)
@pass_invocation
@pipeline_argument
@_version_option
@_reason_option
def pause(invocation: Invocation, pipeline: str, version: int | None, reason: str) -> None:
    """Let new runs wait, until the pipeline is resumed.

    Nothing is lost: what is started or triggered meanwhile waits, over restarts too. Runs that are under way go on. A
    version that is paused gets no new run and cannot be deployed; the live one cannot be paused.
    """
    _set(invocation, pipeline, version, "paused", reason)
    if version is None:
        invocation.output.note(f"Let its runs go on: gofer pipeline resume {pipeline}")


@click.command("resume", cls=Command, examples=["gofer pipeline resume nightly"])
@pass_invocation
@pipeline_argument
@_version_option
def resume(invocation: Invocation, pipeline: str, version: int | None) -> None:
    """End a pause: runs that wait go on, in their order."""
    _lift(invocation, pipeline, version, "paused")


@click.command(
    "freeze",
    cls=Command,
    examples=[
        'gofer pipeline freeze billing --reason "month\'s end, ask Ann"',
        'gofer pipeline freeze billing --version 3 --reason "the audited one"',
    ],
)
@pass_invocation
@pipeline_argument
@_version_option
@_reason_option
def freeze(invocation: Invocation, pipeline: str, version: int | None, reason: str) -> None:
    """Let every change of a pipeline be refused.

    Runs go on being started. A version that is frozen is never deleted.
    """
    _set(invocation, pipeline, version, "frozen", reason)


@click.command("unfreeze", cls=Command, examples=["gofer pipeline unfreeze billing"])
@pass_invocation
@pipeline_argument
@_version_option
def unfreeze(invocation: Invocation, pipeline: str, version: int | None) -> None:
    """Allow changes of a pipeline again."""
    _lift(invocation, pipeline, version, "frozen")


@click.command(
    "deprecate", cls=Command, examples=['gofer pipeline deprecate old-report --reason "use the pipeline report"']
)
@pass_invocation
@pipeline_argument
@_version_option
@_reason_option
def deprecate(invocation: Invocation, pipeline: str, version: int | None, reason: str) -> None:
    """Warn whoever uses a pipeline, or one of its versions."""
    _set(invocation, pipeline, version, "deprecated", reason)


@click.command("undeprecate", cls=Command, examples=["gofer pipeline undeprecate old-report"])
@pass_invocation
@pipeline_argument
@_version_option
def undeprecate(invocation: Invocation, pipeline: str, version: int | None) -> None:
    """Warn nobody any more."""
    _lift(invocation, pipeline, version, "deprecated")


def _set(invocation: Invocation, pipeline: str, version: int | None, kind: HoldKind, reason: str) -> None:
    path = paths.hold(invocation.namespace, pipeline, version, kind)
    hold = invocation.client.send("PUT", path, Hold, SetHold(reason=reason))
    invocation.output.show(hold, lambda: [f"{_what(pipeline, version)} {kind} {held(hold)}"])


def _lift(invocation: Invocation, pipeline: str, version: int | None, kind: HoldKind) -> None:
    path = paths.hold(invocation.namespace, pipeline, version, kind)
    lifted = invocation.client.send("DELETE", path, Lifted)
    word = "is not" if not lifted.lifted else "is no longer"
    document = {**msgspec.structs.asdict(lifted), "hold": kind, "pipeline": pipeline, "version": version}
    invocation.output.show(document, lambda: [f"{_what(pipeline, version)} {word} {kind}"])


def _what(pipeline: str, version: int | None) -> str:
    return f"pipeline {pipeline}" if version is None else f"version {version} of the pipeline {pipeline}"
