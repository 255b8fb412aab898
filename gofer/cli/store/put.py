"""`gofer pipeline store put` and `gofer run store put`"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NoReturn

import click
import msgspec

from gofer.cli.base import Command, pass_invocation
from gofer.cli.exit_codes import ExitCode
from gofer.cli.failure import CommandError
from gofer.cli.store.place import Level, Place
from gofer.cli.store.sources import Given, Stdin, parse
from gofer.cli.terminal import is_terminal, plain
from gofer.cli.times import ago
from gofer.errors import ClientError
from gofer.models.object import Object, StoredObject
from gofer.models.units import format_size

if TYPE_CHECKING:
    from gofer.cli.invocation import Invocation

BAR_FROM = 1_000_000
"""Bytes from which on a bar is shown."""


class AllStored(msgspec.Struct, kw_only=True):
    """What `put --format json` prints."""

    items: list[StoredObject]


def put(level: Level) -> Command:
    """The command for the objects of pipelines, or of runs."""
    examples = [
        level.example("put", "mode=full"),
        level.example("put", "report=@report.pdf config=@config.json --force"),
        "pg_dump shop | gzip | " + level.example("put", "dump=- --content-type application/gzip"),
    ]

    @click.command("put", cls=Command, examples=examples)
    @pass_invocation
    @level.argument
    @click.argument("objects", nargs=-1, required=True, metavar="KEY=VALUE…")
    @click.option("--force", is_flag=True, help="Overwrite what is there.")
    @click.option("--content-type", metavar="TYPE", help="What it is, such as text/csv; else guessed from FILE's name.")
    def command(
        invocation: Invocation, place: Place, objects: tuple[str, ...], force: bool, content_type: str | None
    ) -> None:
        """Keep values, files or what comes on stdin.

        KEY=VALUE keeps the value, KEY=@FILE a file's content, KEY=- (or KEY alone) what comes on stdin. A value that
        begins with @ is written with two of them: KEY=@@VALUE. Several may be given; they are put one after the other.
        What is interrupted leaves nothing.
        """
        if content_type is not None and not (content_type.isascii() and content_type.isprintable() and content_type):
            raise click.BadParameter("expected a type such as text/csv", param_hint="'--content-type'")
        _put_all(invocation, place, parse(objects), force, content_type)

    return command


def _put_all(invocation: Invocation, place: Place, objects: list[Given], force: bool, content_type: str | None) -> None:
    output = invocation.output
    stored: list[StoredObject] = []
    try:
        for given in objects:
            one = _put_one(invocation, place, given, force, content_type or given.source.content_type)
            stored.append(one)
            if output.format == "pretty":
                print(_said(place, one, force))
    finally:
        # Also before the error of a later one: these are there.
        if output.format == "json" and stored:
            output.document(AllStored(items=stored))


def _put_one(invocation: Invocation, place: Place, given: Given, force: bool, content_type: str) -> StoredObject:
    from gofer.cli.progress import progress
    from gofer.client.objects import Damaged, put_object

    source, path = given.source, place.path_of(given.key)
    if isinstance(source, Stdin) and is_terminal(sys.stdin):
        invocation.output.note("Reading from the terminal; Ctrl-D at the beginning of a line ends it.")
    try:
        with progress(invocation.output, given.key, source.size, BAR_FROM) as bar:
            return put_object(invocation.server, path, source, content_type, force=force, progress=bar.reach)
    except Damaged as error:
        raise CommandError(error.message, error.hint, exit_code=ExitCode.SERVER_FAULT) from None
    except ClientError as error:
        if error.problem_status == 409 and not force:
            _refused(invocation, place, given.key, error)
        raise


def _refused(invocation: Invocation, place: Place, key: str, error: ClientError) -> NoReturn:
    """Say what is there, in the words of the command line."""
    try:
        there = invocation.client.get(f"{place.path_of(key)}/info", Object)
    except ClientError:
        raise error from None
    by = f" by {plain(there.created_by)}" if there.created_by else ""
    raise CommandError(
        f'{place} has another object "{key}" already: {_described(there)}, put {ago(there.modified_at)}{by}',
        "Nothing was changed. Give --force to overwrite it, or choose another key.",
        exit_code=ExitCode.REFUSED,
    )


def _described(one: Object) -> str:
    """Size and type."""
    return f"{format_size(one.size)}, {plain(one.content_type)}"


def _said(place: Place, one: StoredObject, force: bool) -> str:
    verb = "created" if one.created else "overwritten" if force else "unchanged, it had the same content"
    return f"object {one.key} of {place} {verb}: {_described(one)}"
