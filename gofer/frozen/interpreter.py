"""`gofer python`: the program's own Python, as a pipeline's file is run with. Understands what `python3` does in the
ways that programs start it: a file, `-m`, `-c`, standard input, and the options that change nothing for them."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from shlex import quote
from types import ModuleType, TracebackType
from typing import NamedTuple

from gofer.frozen.process import again

NAME = "python3"
_FLAGS = frozenset("bBdEhiIOPqsSuvVx")
_WITH_VALUE = ("-X", "-W")


class UsageError(Exception):
    """The command line is not one that Python takes."""


class Wanted(NamedTuple):
    """What to run: `kind` is file, module, code or interactive; `arguments` are the program's own."""

    kind: str
    what: str
    arguments: list[str]


def parse(arguments: list[str]) -> Wanted:
    """As `python3` reads its command line. Raises UsageError."""
    position = 0
    while position < len(arguments):
        word = arguments[position]
        rest = arguments[position + 1 :]
        if word == "-" or not word.startswith("-"):
            return Wanted("file", word, rest)
        if word in ("-c", "-m"):
            if not rest:
                raise UsageError(f"{word} needs what is to be run: gofer python {word} TEXT")
            return Wanted("code" if word == "-c" else "module", rest[0], rest[1:])
        if word in _WITH_VALUE:
            position += 2
        elif word[:2] in _WITH_VALUE or (len(word) > 1 and set(word[1:]) <= _FLAGS):
            position += 1
        else:
            raise UsageError(f"Python's option {word} is not known here. Expected: a file, -m MODULE, -c CODE or -")
    return Wanted("interactive", "", [])


def run(arguments: list[str]) -> int:
    """Run a Python program in this process, which does nothing else afterwards; returns the exit code."""
    if arguments in (["-V"], ["--version"]):
        print(f"Python {sys.version.split()[0]}")
        return 0
    try:
        wanted = parse(arguments)
    except UsageError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    _look_like_python()
    begin = {"file": _file, "module": _module, "code": _code, "interactive": _interactive}[wanted.kind]
    return _guarded(begin, wanted)


def _guarded(begin: Callable[[Wanted], None], wanted: Wanted) -> int:
    try:
        begin(wanted)
        if sys.stdout is not None and not sys.stdout.closed:
            sys.stdout.flush()
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        print(end.code, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        # From a terminal it comes twice: the bootloader passes on what this process has got already.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        return 130
    except BaseException as error:
        trace = _without_own(error.__traceback__)
        sys.excepthook(type(error), error.with_traceback(trace), trace)
        return 1
    return 0


def _look_like_python() -> None:
    """Libraries that start `sys.executable`, multiprocessing among them, must get a Python again."""
    import site

    site.setquit()
    site.sethelper()
    sys.executable = _as_program()
    del sys.frozen  # type: ignore[attr-defined]
    sys.path[:0] = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
    if os.environ.get("PYTHONDONTWRITEBYTECODE"):
        sys.dont_write_bytecode = True


def _as_program() -> str:
    """A script that is this Python and shares what this process has unpacked."""
    path = os.path.join(sys._MEIPASS, NAME)  # type: ignore[attr-defined]  # noqa: PTH118
    if not os.path.exists(path):
        command, needed = again(["python"])
        words = [*(f"{name}={quote(value)}" for name, value in needed.items()), *map(quote, command)]
        unfinished = f"{path}~{os.getpid()}"
        with open(unfinished, "w", opener=_executable) as file:
            file.write(f'#!/bin/sh\nexec env {" ".join(words)} "$@"\n')
        os.rename(unfinished, path)  # noqa: PTH104
    return path


def _executable(path: str, flags: int) -> int:
    return os.open(path, flags, 0o700)


def _main_module(file: str | None) -> ModuleType:
    module = ModuleType("__main__")
    module.__dict__.update(__builtins__=sys.modules["builtins"], __annotations__={})
    if file is not None:
        module.__file__ = file
    sys.modules["__main__"] = module
    return module


def _file(wanted: Wanted) -> None:
    if wanted.what == "-":
        _execute(sys.stdin.read(), "<stdin>", None, "", ["-", *wanted.arguments])
        return
    path = os.path.abspath(wanted.what)  # noqa: PTH100
    if os.path.isdir(path):
        import runpy

        sys.path.insert(0, path)
        sys.argv = [wanted.what, *wanted.arguments]
        runpy.run_path(path, run_name="__main__")
        return
    try:
        with open(path, "rb") as file:  # noqa: PTH123
            source = file.read()
    except OSError as error:
        print(f"error: cannot read {wanted.what}: {error.strerror}", file=sys.stderr)
        raise SystemExit(2) from None
    _execute(source, path, path, os.path.dirname(os.path.realpath(path)), [wanted.what, *wanted.arguments])  # noqa: PTH120


def _code(wanted: Wanted) -> None:
    _execute(wanted.what, "<string>", None, "", ["-c", *wanted.arguments])


def _execute(source: str | bytes, name: str, file: str | None, folder: str, argv: list[str]) -> None:
    sys.argv = argv
    sys.path.insert(0, folder)
    code = compile(source, name, "exec", dont_inherit=True)
    exec(code, _main_module(file).__dict__)  # noqa: S102  # what the user asked for


def _module(wanted: Wanted) -> None:
    import runpy

    sys.argv = ["-m", *wanted.arguments]
    sys.path.insert(0, os.getcwd())  # noqa: PTH109
    _main_module(None)
    # What `python3 -m` itself calls, with its words for a module that is not there.
    runpy._run_module_as_main(wanted.what)  # type: ignore[attr-defined]


def _interactive(_wanted: Wanted) -> None:
    import code

    sys.argv = [""]
    sys.path.insert(0, "")
    if not sys.stdin.isatty():
        _execute(sys.stdin.read(), "<stdin>", None, "", [""])
        return
    code.interact(f"Python {sys.version.split()[0]}, Gofer's own. Try: from gofer_sdk import Pipeline, Task")


def _without_own(trace: TracebackType | None) -> TracebackType | None:
    """The part of a traceback that begins in the user's program; a syntax error in it has none."""
    while trace is not None and trace.tb_frame.f_globals.get("__name__") == __name__:
        trace = trace.tb_next
    return trace
