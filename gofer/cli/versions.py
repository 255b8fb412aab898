"""`gofer pipeline versions …`"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gofer.cli.arguments import pipeline_argument
from gofer.cli.base import Group, pass_invocation
from gofer.cli.diff import described
from gofer.client import paths
from gofer.models.diff import Diff

if TYPE_CHECKING:
    from gofer.cli.invocation import Invocation


@click.group("versions", cls=Group)
def versions() -> None:
    """Look at the versions of a pipeline."""


@versions.command(
    "diff", examples=["gofer pipeline versions diff nightly 3 5", "gofer pipeline versions diff nightly 3"]
)
@pass_invocation
@pipeline_argument
@click.argument("before", metavar="A", type=click.IntRange(1))
@click.argument("after", metavar="[B]", type=click.IntRange(1), required=False)
def diff(invocation: Invocation, pipeline: str, before: int, after: int | None) -> None:
    """Say what changes from version A to version B.

    Without B: to the version that is live, or to the newest where none is.
    """
    path = f"{paths.version(invocation.namespace, pipeline, before)}/diff"
    found = invocation.client.get(path, Diff, {"with": after})
    output = invocation.output
    output.show(found, lambda: described(output, found))
