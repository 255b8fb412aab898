"""`gofer pipeline versions …`"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, TypeVar

import click

from gofer.cli.arguments import pipeline_argument
from gofer.cli.base import Group, pass_invocation
from gofer.cli.diff import described
from gofer.cli.exit_codes import ExitCode
from gofer.cli.failure import CommandError
from gofer.cli.hold import held
from gofer.cli.listing import Columns, Paging, paging_options, show_list
from gofer.cli.terminal import plain
from gofer.cli.times import ago, clock
from gofer.client import paths
from gofer.models.diff import Diff
from gofer.models.pipeline import Pipeline, UpdateVersion, Version, VersionDetail

if TYPE_CHECKING:
    from gofer.cli.invocation import Invocation
    from gofer.cli.table import Cell

F = TypeVar("F", bound=Callable[..., object])

_HEAD = ("VERSION", "", "REGISTERED", "BY", "HASH", "NOTES")
_NOTES_WIDTH = 60


@click.group("versions", cls=Group)
def versions() -> None:
    """Look at versions, write notes, delete what nothing needs.

    VERSION is its number within the pipeline.
    """


def _version_argument(command: F) -> F:
    return click.argument("version", type=click.IntRange(1))(command)


@versions.command("list", examples=["gofer pipeline versions list nightly"])
@pass_invocation
@pipeline_argument
@paging_options
def list_(invocation: Invocation, pipeline: str, paging: Paging) -> None:
    """The versions of a pipeline, newest first."""
    columns = Columns(_HEAD, _row, "No versions here.")
    show_list(invocation, paths.versions(invocation.namespace, pipeline), Version, {}, paging, columns)


def _row(one: Version) -> list[Cell]:
    state: Cell = ("live", "green") if one.live else ""
    if one.holds:
        words = [*(["live"] if one.live else []), *(hold.kind for hold in one.holds)]
        state = (", ".join(words), "yellow")
    return [str(one.number), state, ago(one.created_at), plain(one.registered_by), one.hash[:12], _line(one.notes)]


def _line(notes: str) -> str:
    first = next(iter(notes.strip().splitlines()), "")
    return plain(first if len(first) <= _NOTES_WIDTH else first[: _NOTES_WIDTH - 1] + "…")


@versions.command(
    "get",
    examples=[
        "gofer pipeline versions get nightly          # the live one",
        "gofer pipeline versions get nightly 3",
        "gofer pipeline versions get nightly 3 --manifest > nightly-3.json",
    ],
)
@pass_invocation
@pipeline_argument
@click.argument("version", type=click.IntRange(1), required=False)
@click.option("--manifest", is_flag=True, help="Only its manifest, as JSON: gofer pipeline create FILE takes it back.")
def get(invocation: Invocation, pipeline: str, version: int | None, manifest: bool) -> None:
    """One version: who registered it and when, its notes, its tasks."""
    if version is None:
        version = _live(invocation, pipeline)
    found = invocation.client.get(paths.version(invocation.namespace, pipeline, version), VersionDetail)
    if manifest:
        invocation.output.document(found.manifest)
    else:
        invocation.output.show(found, lambda: _described(invocation, found))


def _live(invocation: Invocation, pipeline: str) -> int:
    found = invocation.client.get(paths.pipeline(invocation.namespace, pipeline), Pipeline)
    if not found.version:
        raise CommandError(
            f'no version of the pipeline "{pipeline}" was deployed yet',
            f"Name one: gofer pipeline versions list {pipeline}.",
            exit_code=ExitCode.NOT_FOUND,
        )
    return found.version


def _described(invocation: Invocation, one: VersionDetail) -> Iterable[str]:
    tasks = one.manifest.tasks
    pairs: list[tuple[str, Cell]] = [
        ("pipeline", one.pipeline),
        ("version", str(one.number)),
        ("namespace", one.namespace),
        ("live", ("yes", "green") if one.live else "no"),
        *((hold.kind, (held(hold), "yellow")) for hold in one.holds),
        ("registered", clock(one.created_at)),
        ("by", plain(one.registered_by)),
        ("hash", one.hash),
        ("notes", _line(one.notes) if "\n" not in one.notes.strip() else ""),
        ("tasks", plain(f"{len(tasks)}: " + ", ".join(task.id for task in tasks))),
    ]
    yield from invocation.output.fields(pairs)
    if "\n" in one.notes.strip():
        yield "notes"
        yield from (f"  {plain(line)}" for line in one.notes.strip().splitlines())


@versions.command(
    "note",
    examples=[
        'gofer pipeline versions note nightly 3 "Uses the new bucket"',
        "git log -1 --format=%B | gofer pipeline versions note nightly 3 -",
        'gofer pipeline versions note nightly 3 ""      # nothing any more',
    ],
)
@pass_invocation
@pipeline_argument
@_version_argument
@click.argument("text")
def note(invocation: Invocation, pipeline: str, version: int, text: str) -> None:
    """Write notes of a version.

    They take the place of those that it had. TEXT is - for what comes on stdin.
    """
    body = UpdateVersion(notes=_of_stdin() if text == "-" else text)
    path = paths.version(invocation.namespace, pipeline, version)
    changed = invocation.client.send("PATCH", path, Version, body)
    word = "noted" if changed.notes else "has no notes any more"
    invocation.output.show(changed, lambda: [f"version {version} of {pipeline} {word}"])


def _of_stdin() -> str:
    if sys.stdin is None:
        raise CommandError("stdin is closed", "Give the notes as TEXT, or on stdin.", exit_code=ExitCode.USAGE)
    try:
        return sys.stdin.buffer.read().decode().strip()
    except UnicodeDecodeError:
        hint = "Give the notes as text in UTF-8."
        raise CommandError("what came on stdin is no text", hint, exit_code=ExitCode.USAGE) from None


@versions.command("delete", examples=["gofer pipeline versions delete nightly 3"])
@pass_invocation
@pipeline_argument
@_version_argument
def delete(invocation: Invocation, pipeline: str, version: int) -> None:
    """Delete a version.

    Refused while something needs it: it is live, or was live just before; a deployment or a run that is kept has it; it
    is frozen. Its number is not given again.
    """
    invocation.client.delete(paths.version(invocation.namespace, pipeline, version))
    gone = {"pipeline": pipeline, "deleted": version}
    invocation.output.show(gone, lambda: [f"version {version} of {pipeline} deleted"])


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
