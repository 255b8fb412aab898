"""`gofer pipeline store get` and `gofer run store get`"""

from __future__ import annotations

import codecs
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from gofer.cli.arguments import complete_object
from gofer.cli.base import Command, pass_invocation
from gofer.cli.exit_codes import ExitCode
from gofer.cli.failure import CommandError, exit_code_of
from gofer.cli.store.place import Level, Place
from gofer.cli.store.put import BAR_FROM
from gofer.cli.terminal import is_terminal, plain
from gofer.errors import ClientError
from gofer.models.units import format_size

if TYPE_CHECKING:
    from gofer.cli.invocation import Invocation
    from gofer.client.objects import Download

_INTO_FILE = "Nothing was kept."
_PRINTED = "What was printed is not all of it, or is wrong: do not use it."


class Fetched(msgspec.Struct, kw_only=True):
    """What `get --output FILE --format json` prints."""

    file: str
    key: str
    size: int
    sha256: str
    content_type: str


def get(level: Level) -> Command:
    """The command for the objects of pipelines, or of runs."""
    examples = [
        level.example("get", "mode"),
        level.example("get", "report --output report.pdf"),
        level.example("get", "dump") + " > dump.gz",
    ]

    @click.command("get", cls=Command, examples=examples)
    @pass_invocation
    @level.argument
    @click.argument("key", shell_complete=complete_object)
    @click.option("--output", "-o", metavar="FILE", help="Write it there; - is stdout, whatever that is.")
    @click.option("--force", is_flag=True, help="Replace FILE if there is one; print to a terminal what is no text.")
    def command(invocation: Invocation, place: Place, key: str, output: str | None, force: bool) -> None:
        """Fetch an object.

        It goes to stdout as it is; to a terminal only if it is text. It is checked against the SHA-256 that the server
        has. FILE appears when all of it is on disk; until then it is called FILE.part, and what is interrupted leaves
        nothing.
        """
        if output is None or output == "-":
            careful = output is None and not force and is_terminal(sys.stdout)
            _to_stdout(invocation, place, key, careful=careful)
        else:
            _to_file(invocation, place, key, Path(output), force)

    return command


def _to_stdout(invocation: Invocation, place: Place, key: str, *, careful: bool) -> None:
    out = sys.stdout.buffer
    terminal = TextOnly(out.write, key)
    _fetch(invocation, place, key, terminal.write if careful else out.write, _PRINTED)
    if careful:
        terminal.end()
    out.flush()


def _to_file(invocation: Invocation, place: Place, key: str, target: Path, force: bool) -> None:
    from gofer.cli.new_file import NewFile

    new = NewFile("object", target, 0o666, force)
    new.require_free()
    with new.writing() as out:
        fetched = _fetch(invocation, place, key, out.write, _INTO_FILE)
    told = Fetched(
        file=str(target), key=key, size=fetched.size or 0, sha256=fetched.digest, content_type=fetched.content_type
    )
    output = invocation.output
    if output.format == "json":
        output.document(told)
    elif is_terminal(sys.stderr):
        output.note(f"{target}: {format_size(told.size)}, {plain(told.content_type)}")


def _fetch(invocation: Invocation, place: Place, key: str, write: Callable[[bytes], object], left: str) -> Download:
    """Hand each piece to `write`; `left` is what an error says of those that were written before it."""
    from gofer.cli.progress import progress
    from gofer.client.objects import Damaged, get_object

    download = get_object(invocation.server, place.path_of(key))
    try:
        # Where a person reads the object itself, a bar would be in between.
        least = sys.maxsize if is_terminal(sys.stdout) and left is _PRINTED else BAR_FROM
        with progress(invocation.output, key, download.size, least) as bar:
            for piece in download.pieces():
                write(piece)
                bar.advance(len(piece))
    except ClientError as error:
        code = ExitCode.SERVER_FAULT if isinstance(error, Damaged) else exit_code_of(error)
        raise CommandError(error.message, f"{left} {error.hint}".rstrip(), exit_code=code) from None
    finally:
        download.close()
    return download


class TextOnly:
    """Lets text through to a terminal, and refuses the rest: a terminal obeys what it is sent."""

    def __init__(self, write: Callable[[bytes], object], key: str) -> None:
        self._write = write
        self._key = key
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._last = "\n"

    def write(self, piece: bytes) -> None:
        """Raises CommandError in place of writing what is no text."""
        try:
            text = self._decoder.decode(piece)
        except UnicodeDecodeError:
            raise self._refusal() from None
        if any(map(_is_control, text)):
            raise self._refusal()
        self._write(text.encode())
        self._last = text[-1:] or self._last

    def end(self) -> None:
        """The prompt that follows begins on a line of its own."""
        try:
            self._decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            raise self._refusal() from None
        if self._last != "\n":
            self._write(b"\n")

    def _refusal(self) -> CommandError:
        return CommandError(
            f'the object "{self._key}" is not text, and a terminal would obey what is in it',
            "Write it to a file with --output FILE, send it to a program, or give --output - to print it all the same.",
            exit_code=ExitCode.USAGE,
        )


def _is_control(letter: str) -> bool:
    """C0 but for tab and ends of lines, DEL and C1."""
    return (letter < " " and letter not in "\t\r\n") or "\x7f" <= letter <= "\x9f"
