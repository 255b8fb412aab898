"""From what a user wrote to a manifest: runs their program in a process of its own, and explains what went wrong."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import IO, NamedTuple

import msgspec

from gofer.cli.child import Ended, Limits, run_program
from gofer.cli.exit_codes import ExitCode
from gofer.cli.failure import CommandError
from gofer.cli.interpreter import Interpreter, interpreter, with_sdk
from gofer.cli.terminal import clean, plain
from gofer.cli.traceback_text import trimmed
from gofer.frozen.sdk_source import folder as sdk_folder
from gofer.models.manifest import MAX_MANIFEST_BYTES
from gofer.models.units import format_size

JSON = "application/json"
MSGPACK = "application/msgpack"
DEFAULT_TIMEOUT = 30.0

# A manifest a little over the limit is passed on: the server's answer then says by how much.
_MOST_OUTPUT = MAX_MANIFEST_BYTES + 64 * 1024
_SHOWN_OUTPUT = 64
_FILE_HINT = "A .json file is one JSON object; see /docs/manifest/ of a running Gofer."
_STDOUT_HINT = (
    "The program must print the manifest on stdout and nothing else; print remarks to stderr "
    "(Python: `print(…, file=sys.stderr)`)."
)
_FOLDER_HINT = "Gofer looks there for pipeline.py, main.py, go.mod and Cargo.toml, in this order."


class Manifest(NamedTuple):
    """An encoded manifest as the author's program printed it. `source` names where it came from."""

    body: bytes
    content_type: str
    source: str


class _Program(NamedTuple):
    """How to run what the user named. `python` is what runs it, where that is one: its tracebacks are trimmed."""

    command: Sequence[str]
    folder: str | None
    source: str
    python: Interpreter | None = None


def compile_pipeline(
    path: str, *, timeout: float = DEFAULT_TIMEOUT, python: str = "", stderr: IO[str] | None = None
) -> Manifest:
    """The manifest that `path` stands for.

    `path`: a Python file, a folder, an executable file, a manifest in JSON (`*.json`), or `-` for a manifest on stdin.
    `timeout` in seconds; `python` as for `interpreter`. What the program prints on its stderr goes to `stderr`. Raises
    CommandError, whose message holds the program's own explanation.
    """
    if path == "-":
        return _checked(_read(sys.stdin.buffer, "stdin"), "stdin", "nothing came on stdin", "what came on stdin")
    if path.endswith(".json"):
        try:
            with Path(path).open("rb") as file:
                return _checked(_read(file, path), path, f"{plain(path)} is empty", plain(path), _FILE_HINT)
        except OSError as error:
            raise _unreadable(path, error) from None
    return _run(_program(path, python), timeout, stderr if stderr is not None else sys.stderr)


def _program(path: str, python: str) -> _Program:
    if os.path.isdir(path):
        return _folder_program(path, python)
    if path.endswith(".py"):
        # Only for a better word than the interpreter's: the child opens it itself.
        try:
            Path(path).stat()
        except OSError as error:
            raise _unreadable(path, error) from None
        return _python_program(f"./{path}" if path.startswith("-") else path, None, path, python)
    return _Program([str(Path(path).absolute())], None, path)


def _python_program(file: str, folder: str | None, source: str, python: str) -> _Program:
    runs = interpreter(python)
    return _Program([*runs.command, file], folder, source, runs)


def _folder_program(path: str, python: str) -> _Program:
    folder = Path(path)
    for name in ("pipeline.py", "main.py"):
        if os.path.isfile(folder / name):
            return _python_program(name, path, str(folder / name), python)
    for name, command in (("go.mod", ["go", "run", "."]), ("Cargo.toml", ["cargo", "run", "-q"])):
        if os.path.isfile(folder / name):
            if shutil.which(command[0]) is None:
                raise CommandError(
                    f"{plain(path)} has a {name}, but there is no `{command[0]}` on the PATH",
                    f"Install {command[0]}, or build the program and name its executable file.",
                    exit_code=ExitCode.USAGE,
                )
            return _Program(command, path, f"{path} ({' '.join(command)})")
    raise CommandError(
        f"the folder {plain(path)} holds nothing that Gofer knows how to run", _FOLDER_HINT, exit_code=ExitCode.USAGE
    )


def _run(program: _Program, timeout: float, stderr: IO[str]) -> Manifest:
    def pass_on(piece: bytes) -> None:
        print(clean(piece.decode(errors="replace"), colors=False, motion=True), end="", file=stderr, flush=True)

    try:
        ended = run_program(
            program.command,
            folder=program.folder,
            environment={**with_sdk(os.environ), **(program.python.environment if program.python else {})},
            limits=Limits(timeout, _MOST_OUTPUT),
            on_errors=None if program.python else pass_on,
        )
    except OSError as error:
        raise _not_started(program, error) from None
    source = plain(program.source)
    said = _said(program, ended)
    if ended.stopped == "timeout":
        raise _failed(
            f"{source} was stopped: it did not end within {timeout:g} s",
            said,
            "Does it wait for something, or loop? Give it longer with --timeout SECONDS.",
        )
    if ended.stopped == "output":
        raise _failed(
            f"{source} was stopped: it printed more than {format_size(_MOST_OUTPUT)}",
            f"its output begins with {_shown(ended.output)}",
            f"A manifest has at most {format_size(MAX_MANIFEST_BYTES)}. {_STDOUT_HINT}",
        )
    if ended.exit_code != 0:
        raise _failed(f"{source} {_how_it_ended(ended.exit_code)}", said, _exit_hint(program))
    if said and program.python:
        print(said, file=stderr)
    return _checked(ended.output, source, f"{source} printed nothing", f"what {source} printed")


def _read(stream: IO[bytes], name: str) -> bytes:
    body = stream.read(_MOST_OUTPUT + 1)
    if len(body) > _MOST_OUTPUT:
        raise _failed(
            f"{plain(name)} is longer than {format_size(_MOST_OUTPUT)}",
            "",
            f"A manifest has at most {format_size(MAX_MANIFEST_BYTES)}.",
        )
    return body


def _checked(body: bytes, source: str, nothing: str, what: str, hint: str = _STDOUT_HINT) -> Manifest:
    """`body` if it is one JSON object or one MessagePack map; what stands in it is the server's to judge.

    `nothing` is said where it is empty; `what` names it in other messages, and `hint` says what to do.
    """
    start = body.lstrip()[:1]
    if not start:
        emit = "" if hint == _FILE_HINT else " A Python pipeline ends with `.emit()`, which prints it."
        raise _failed(nothing, "", f"Expected a manifest.{emit}")
    content_type = JSON if start in b'{["' or start.isdigit() else MSGPACK
    try:
        value = msgspec.json.decode(body) if content_type == JSON else msgspec.msgpack.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        why = f" ({error})" if content_type == JSON else ""
        raise _failed(f"{what} is not a manifest{why}", f"it begins with {_shown(body)}", hint) from None
    if not isinstance(value, dict):
        raise _failed(
            f"{what} is not a manifest: expected an object, got {_kind(value)}", f"it begins with {_shown(body)}", hint
        )
    return Manifest(body, content_type, source)


def _said(program: _Program, ended: Ended) -> str:
    """What the program printed on stderr, for an error message; empty if it was passed on already."""
    if program.python is None:
        return ""
    text = clean(ended.errors.decode(errors="replace"), colors=False, motion=True).strip("\r\n")
    return trimmed(text, _foreign_folders(), relative=program.python.bundled)


def _foreign_folders() -> list[str]:
    """Folders whose frames in a traceback are not the user's own."""
    found = [str(Path(os.__file__).parent), *(path for path in sys.path if path.endswith("-packages"))]
    sdk = sdk_folder()
    return [*found, f"{sdk}/gofer_sdk"] if sdk else found


def _how_it_ended(exit_code: int) -> str:
    if exit_code >= 0:
        return f"failed with exit code {exit_code}"
    from signal import Signals

    try:
        return f"was ended by {Signals(-exit_code).name}"
    except ValueError:
        return f"was ended by signal {-exit_code}"


def _exit_hint(program: _Program) -> str:
    command = f"{program.python.shown} {program.command[-1]}" if program.python else program.source
    where = f" in {plain(program.folder)}" if program.folder else ""
    return f"Run it by itself to see more: `{plain(command)}`{where}."


def _shown(body: bytes) -> str:
    cut = body[:_SHOWN_OUTPUT]
    return repr(cut)[1:] + (" …" if len(body) > len(cut) else "")


def _kind(value: object) -> str:
    names = {list: "a list", str: "text", int: "a number", float: "a number", bool: "a boolean", type(None): "nothing"}
    return names.get(type(value), type(value).__name__)


def _failed(message: str, details: str, hint: str) -> CommandError:
    indented = "".join(f"\n  {line}" for line in details.splitlines())
    return CommandError(message + indented, hint, exit_code=ExitCode.PROGRAM_FAILED)


def _unreadable(path: str, error: OSError) -> CommandError:
    return CommandError(
        f"cannot read {plain(path)}: {error.strerror}",
        "Give the path of a pipeline: a .py file, a folder, an executable file, a .json manifest, or - for stdin.",
        exit_code=ExitCode.USAGE,
    )


def _not_started(program: _Program, error: OSError) -> CommandError:
    import errno

    if error.errno == errno.ENOEXEC:
        hint = "Begin a script with a line such as `#!/usr/bin/env python3`."
    elif program.source.endswith((".yaml", ".yml")):
        hint = f"YAML is not read. Convert it: `yq -o json {plain(program.source)} | gofer pipeline create -`."
    elif error.errno == errno.EACCES:
        hint = (
            f"Make it executable (`chmod +x {plain(program.source)}`), or name it .py or .json if that is what it is."
        )
    else:
        return _unreadable(program.source, error)
    return CommandError(f"cannot run {plain(program.source)}: {error.strerror}", hint, exit_code=ExitCode.USAGE)
