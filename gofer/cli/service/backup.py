"""`gofer service backup`"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from gofer.cli.base import Command, pass_invocation
from gofer.cli.exit_codes import ExitCode
from gofer.cli.failure import CommandError
from gofer.cli.new_file import NewFile
from gofer.models.backup import Backup

if TYPE_CHECKING:
    from gofer.cli.invocation import Invocation

# Before the first byte the server copies its database.
_PATIENCE = 900.0


class Written(msgspec.Struct, kw_only=True):
    """What `service backup --format json` prints."""

    file: str
    backup: Backup


@click.command(
    "backup",
    cls=Command,
    examples=[
        "gofer service backup /var/backups/gofer.tar --force",
        "gofer service backup - --no-logs > gofer.tar",
        "gofer service backup gofer.tar --format json",
    ],
)
@pass_invocation
@click.argument("file", type=click.Path(allow_dash=True))
@click.option("--logs/--no-logs", default=True, show_default=True, help="With the logs of task runs.")
@click.option(
    "--objects/--no-objects",
    default=True,
    show_default=True,
    help="With the contents of objects.",
)
@click.option("--force", is_flag=True, help="Replace FILE if there is one.")
def backup(invocation: Invocation, file: str, logs: bool, objects: bool, force: bool) -> None:
    """Write everything that the server keeps into one file, while it goes on; - is stdout.

    The archive is checked as it comes. FILE appears when all of it is on disk, readable by its owner only; until
    then it is called FILE.part, and what is interrupted leaves nothing. Without a terminal nothing is printed.
    """
    parts = {"logs": logs, "objects": objects}
    if file == "-":
        _to_stdout(invocation, parts)
        return
    target = Path(file)
    with NewFile("backup", target, 0o600, force).writing() as out:
        done = _download(invocation, parts, out.write)
    _say(invocation, target, done)


def _to_stdout(invocation: Invocation, parts: Mapping[str, bool]) -> None:
    from gofer.cli.terminal import is_terminal

    if is_terminal(sys.stdout):
        raise click.UsageError("A backup is not for a terminal: send it to a file or a program.")
    _download(invocation, parts, sys.stdout.buffer.write)
    sys.stdout.buffer.flush()


def _download(invocation: Invocation, parts: Mapping[str, bool], write: Callable[[bytes], object]) -> Backup:
    """Fetch the archive, hand each piece to `write`, and check it on its way."""
    from gofer.archive.read import Check, read_archive
    from gofer.cli.progress import progress
    from gofer.cli.service.progress import watching
    from gofer.client import paths
    from gofer.client.http import Client
    from gofer.errors import ClientError, InvalidArchive

    client = Client(invocation.server, _PATIENCE)
    pieces = client.download(paths.BACKUP, parts)
    try:
        with progress(invocation.output, "Backup") as bar:

            def take(piece: bytes) -> None:
                write(piece)
                bar.advance(len(piece))

            return read_archive(_Reading(pieces, take), watching(bar, Check()))
    except InvalidArchive as error:
        message = f"what the server sent is no whole backup: {error.message}"
        hint = "Nothing was kept. Take it again; `gofer service doctor` looks for what is wrong at the server."
        raise CommandError(message, hint, exit_code=ExitCode.SERVER_FAULT) from None
    except ClientError as error:
        if error.problem_status == 0:
            raise ClientError(error.message, f"Nothing was kept. {error.hint}") from None
        raise
    finally:
        client.close()


class _Reading:
    """Hands out the bytes of pieces in the amounts that are asked for; each piece is first handed to `take`."""

    def __init__(self, pieces: Iterator[bytes], take: Callable[[bytes], object]) -> None:
        self._pieces = pieces
        self._take = take
        self._held = memoryview(b"")

    def __call__(self, size: int) -> bytes:
        if not self._held:
            piece = next(self._pieces, b"")
            self._take(piece)
            self._held = memoryview(piece)
        given, self._held = self._held[:size], self._held[size:]
        return bytes(given)


def _say(invocation: Invocation, target: Path, done: Backup) -> None:
    from gofer.cli.service.progress import contents
    from gofer.cli.terminal import is_terminal

    output = invocation.output
    if output.format == "json":
        output.document(Written(file=str(target), backup=done))
    elif is_terminal(sys.stderr):
        output.note(f"{target}: {contents(done)}")
