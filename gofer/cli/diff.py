"""`gofer pipeline diff`"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click
import msgspec

from gofer.cli.base import Command, pass_invocation
from gofer.cli.changes import Changes
from gofer.cli.program import Program, program_argument
from gofer.cli.terminal import plain
from gofer.client import paths
from gofer.client.answers import decode
from gofer.errors import InvalidInput, Problem
from gofer.models.diff import Diff
from gofer.models.ids import is_id

if TYPE_CHECKING:
    from gofer.cli.compile import Manifest
    from gofer.cli.invocation import Invocation
    from gofer.cli.output import Output


class Validation(msgspec.Struct):
    """What the server says of a manifest."""

    problems: list[Problem]


class _Named(msgspec.Struct):
    """The only field of a manifest that the command line itself reads."""

    id: str = ""


@click.command(
    "diff",
    cls=Command,
    examples=[
        "gofer pipeline diff ./nightly.py",
        "gofer pipeline diff ./nightly.py --version 3",
        "gofer pipeline diff ./nightly.py --format json",
    ],
)
@pass_invocation
@program_argument
@click.option(
    "--version", type=click.IntRange(1), metavar="N", help="Compare with this version, not with the live one."
)
def diff(invocation: Invocation, program: Program, version: int | None) -> None:
    """Say what registering a pipeline would change.

    PATH as for `gofer pipeline create`. Task by task and field by field, compared with the version that is live, or
    with the newest where none is. A field that only says what its default is makes no difference. Nothing is
    registered.
    """
    manifest = program.compiled(invocation)
    found = asked(invocation, manifest, version)
    output = invocation.output
    output.show(found, lambda: described(output, found, plain(manifest.source)))


def asked(invocation: Invocation, manifest: Manifest, version: int | None = None) -> Diff:
    """What registering `manifest` would change, as the server says. Raises InvalidInput with all its problems."""
    path = f"{paths.pipeline(invocation.namespace, id_of(invocation, manifest))}/diff"
    answer = invocation.client.send_bytes(path, manifest.body, manifest.content_type, {"version": version})
    return decode(answer, Diff, invocation.client.address)


def described(output: Output, found: Diff, new: str = "") -> Iterator[str]:
    """The lines of a diff. `new` names what it leads to, where that is no version."""
    what = f"pipeline {found.pipeline}"
    after = new or f"version {found.to_version}"
    if not found.from_version:
        yield f"{what} is new"
    elif not found.changes:
        same = new or (f"version {found.to_version}" if found.to_version != found.from_version else "the same version")
        yield f"{what} unchanged: version {found.from_version} has the content of {same}"
    else:
        known = f" (the content of version {found.to_version})" if new and found.to_version else ""
        yield f"{what}: version {found.from_version} → {after}{known}"
    yield from Changes(found.changes, color=output.color).lines()


def id_of(invocation: Invocation, manifest: Manifest) -> str:
    """The pipeline's id. Where there is none that could be one, the server says all that is wrong."""
    from gofer.cli.compile import JSON

    read = msgspec.json.decode if manifest.content_type == JSON else msgspec.msgpack.decode
    try:
        found = read(manifest.body, type=_Named).id
    except msgspec.ValidationError:
        found = ""
    if not is_id(found):
        answer = invocation.client.send_bytes(paths.VALIDATE, manifest.body, manifest.content_type)
        problems = decode(answer, Validation, invocation.client.address).problems
        raise InvalidInput(f"{plain(manifest.source)} names no pipeline", "Give it an id.", problems)
    return found
