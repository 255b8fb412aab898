"""A value from where nobody else sees it: a prompt without echo, stdin, or a file."""

from __future__ import annotations

import sys
from pathlib import Path

from gofer.cli.exit_codes import ExitCode
from gofer.cli.failure import CommandError
from gofer.cli.terminal import is_terminal

MOST_BYTES = 64 * 1024


def read_value(key: str, file: str | None, *, exact: bool) -> str:
    """The value for `key`. `file` "-" is stdin, None is a prompt where stdin is a terminal, else stdin.

    Unless `exact`, a value of one line loses the newline at its end. Raises CommandError.
    """
    if file is None and is_terminal(sys.stdin):
        return _ask(key)
    raw = _of_stdin() if file in (None, "-") else _of_file(Path(str(file)))
    if len(raw) > MOST_BYTES:
        raise CommandError(
            f"a secret has at most {MOST_BYTES} bytes, and this is more",
            "Keep large things encrypted, as objects, and their key as a secret.",
            exit_code=ExitCode.USAGE,
        )
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise CommandError(
            "the value is not text in UTF-8", "Encode it, for example with: base64.", exit_code=ExitCode.USAGE
        ) from None
    return text if exact else without_end(text)


def without_end(text: str) -> str:
    """A text of one line without the newline at its end; any other as it is."""
    line = text.removesuffix("\n").removesuffix("\r") if text.endswith("\n") else text
    return text if "\n" in line else line


def _ask(key: str) -> str:
    from getpass import getpass

    try:
        value = getpass(f"Value of {key} (not shown): ")
        again = getpass("The same again: ")
    except EOFError:
        raise CommandError("no value was given", "Nothing was changed.", exit_code=ExitCode.USAGE) from None
    if value != again:
        raise CommandError("the two values differ", "Nothing was changed. Try again.", exit_code=ExitCode.USAGE)
    return value


def _of_stdin() -> bytes:
    if sys.stdin is None:
        hint = "Give the value with --file F, or on stdin."
        raise CommandError("stdin is closed", hint, exit_code=ExitCode.USAGE)
    return sys.stdin.buffer.read(MOST_BYTES + 1)


def _of_file(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MOST_BYTES + 1)
    except OSError as error:
        hint = "Name a file that you may read, or - for stdin."
        raise CommandError(f"{path} cannot be read: {error.strerror}", hint, exit_code=ExitCode.USAGE) from None
