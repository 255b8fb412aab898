"""`gofer service restore`"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from gofer.cli.base import Command, pass_invocation
from gofer.cli.exit_codes import ExitCode
from gofer.cli.failure import CommandError
from gofer.cli.progress import progress
from gofer.cli.service.progress import contents
from gofer.cli.terminal import is_terminal, plain

if TYPE_CHECKING:
    from gofer.cli.invocation import Invocation
    from gofer.cli.output import Output
    from gofer.engines.object_store.base import ObjectStore
    from gofer.models.backup import Backup
    from gofer.server.backup.layout import Place
    from gofer.server.backup.restore import Restored

_FIRST_WITH_TOKENS = 4
"""The schema of the database."""

_TOKENS_ARE_BACK = (
    "Tokens and roles are those of the backup: what was deleted, disabled, rotated or narrowed since holds again as it "
    "did then. Look through them once the server runs: gofer token list, gofer role list."
)


@click.command(
    "restore",
    cls=Command,
    examples=[
        "gofer service restore gofer.tar --verify-only",
        "gofer service restore gofer.tar --config /etc/gofer/gofer.hcl --force",
        "zstd -dc gofer.tar.zst | gofer service restore - --storage ./data",
    ],
)
@pass_invocation
@click.argument("file", type=click.Path(allow_dash=True))
@click.option("--storage", type=click.Path(file_okay=False), help="The server's storage folder, as for service start.")
@click.option("--config", metavar="FILE", help="The server's configuration file; else /etc/gofer/gofer.hcl.")
@click.option(
    "--force",
    is_flag=True,
    help="Also where there are data already: replaced, and kept beside.",
)
@click.option("--verify-only", is_flag=True, help="Check the backup, and change nothing.")
def restore(
    invocation: Invocation, file: str, storage: str | None, config: str | None, force: bool, verify_only: bool
) -> None:
    """Put a backup in the place of a server's data, while it does not run; - is stdin.

    The backup is unpacked beside and checked from its first to its last byte; only then anything is replaced, all of it
    or nothing. What was there is kept in a folder before-restore-TIME.
    """
    path = config or invocation.take("config")
    if verify_only:
        from gofer.server.backup.restore import verify

        with _reading(invocation.output, file) as (read, _):
            backup = verify(read)
        invocation.output.show(backup, lambda: [f"The backup is whole and sound: {contents(backup)}"])
        return
    from gofer.server.backup.restore import restore as put_back

    place = _place(path, storage)
    with _reading(invocation.output, file) as (read, size):
        restored = put_back(read, place, _new_store, force=force, size=size)
    same = [("--config", path), ("--storage", storage)]
    start = shlex.join(
        ["gofer", "service", "start", *(word for name, value in same if value for word in (name, value))]
    )
    _say(invocation.output, restored, start)


def _place(config: str | None, storage: str | None) -> Place:
    from gofer.config.load import load
    from gofer.server.backup.layout import place_of

    overrides = {"server.storage_path": str(Path(storage).absolute())} if storage else {}
    settings = load(Path(config) if config else None, os.environ, overrides)
    return place_of(settings)


def _new_store(engine: str, folder: Path) -> ObjectStore:
    """The object store that contents are put back into, at its usual place in the folder."""
    from gofer.config.settings import ObjectStoreSettings
    from gofer.engines.registry import object_store

    return object_store(engine, ObjectStoreSettings(), folder)


@contextmanager
def _reading(output: Output, file: str) -> Iterator[tuple[Callable[[int], bytes], int | None]]:
    """What reads the archive, and its size if that is known."""
    if file == "-" and is_terminal(sys.stdin):
        raise click.UsageError("A backup does not come from a terminal: name its file.")
    with _opened(file) as source:
        size = None if file == "-" else os.fstat(source.fileno()).st_size
        with progress(output, "Reading", size) as bar:

            def read(count: int) -> bytes:
                piece = source.read(count)
                bar.advance(len(piece))
                return piece

            yield read, size


def _opened(file: str) -> IO[bytes]:
    if file == "-":
        return sys.stdin.buffer
    try:
        return Path(file).open("rb")
    except OSError as error:
        raise CommandError(
            f"{file} cannot be read: {error.strerror}", "Name the file of a backup.", exit_code=ExitCode.NOT_FOUND
        ) from None


def _say(output: Output, restored: Restored, start: str) -> None:
    backup: Backup = restored.backup
    rows = [("data", plain(restored.storage_path))]
    if not Path(restored.logs_path).is_relative_to(restored.storage_path):
        rows.append(("logs", plain(restored.logs_path)))
    kept = [folder for folder in (restored.kept, restored.kept_logs, *restored.kept_stores) if folder]
    rows += [("kept", plain(folder)) for folder in kept]
    output.show(restored, lambda: [f"Restored: {contents(backup)}", *output.fields(rows)])
    if kept:
        output.note("What was there before is kept. Remove it when nothing of it is missed.")
    if backup.head.schema >= _FIRST_WITH_TOKENS:
        output.note(_TOKENS_ARE_BACK)
    output.note(f"Next: {start}")
