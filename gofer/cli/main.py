"""From the command line to the exit code: every way in which a command can end is turned into one here."""

from __future__ import annotations

import errno
import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import click

    from gofer.cli.base import Group
    from gofer.cli.invocation import Invocation
    from gofer.errors import GoferError

_COMPLETE = "_GOFER_COMPLETE"
_OUTPUT_FAULTS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
# click's words for what is no number, and ours; the longer ones first.
_PLAINER = {
    "not a valid integer range": "not a whole number",
    "not a valid integer": "not a whole number",
    "not a valid float range": "not a number",
    "not a valid float": "not a number",
}


class Terminated(BaseException):
    """SIGTERM or SIGHUP came: unwinds the stack, so that terminals, child processes and folders are put right."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that `arguments` (by default the program's own) name; returns the exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given == ["--version"]:
        from gofer import __version__

        print(f"gofer {__version__}")
        return 0
    from gofer.cli.terminal import prepare_streams

    prepare_streams()
    _handle_signals()
    return _guarded(given)


def _guarded(arguments: list[str]) -> int:
    from gofer.cli.exit_codes import ExitCode

    try:
        code = _run(arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        _forget_output()
        return ExitCode.PIPE_CLOSED
    except OSError as error:
        if error.errno not in _OUTPUT_FAULTS:
            raise
        _forget_output()
        _report(f"the output cannot be written: {error.strerror}", "Make room, or send it elsewhere.")
        return ExitCode.OUTPUT_FAILED
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    except Terminated:
        return ExitCode.TERMINATED
    return code


def _run(arguments: list[str]) -> int:
    import click

    from gofer.cli.app import root
    from gofer.cli.invocation import Invocation

    group, invocation = root(), Invocation()
    if _COMPLETE in os.environ:
        from click.shell_completion import shell_complete

        return shell_complete(group, {"obj": invocation}, "gofer", _COMPLETE, os.environ[_COMPLETE])
    try:
        return _invoke(group, arguments, invocation)
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.ClickException as error:
        return _usage(error)
    except click.Abort as error:
        return _unanswered(error)
    except Exception as error:
        return _failed(error, invocation)
    finally:
        invocation.close()


def _invoke(group: Group, arguments: list[str], invocation: Invocation) -> int:
    with group.make_context("gofer", arguments, obj=invocation) as context:
        code = group.invoke(context)
        return code if isinstance(code, int) else 0


def _usage(error: click.ClickException) -> int:
    import click

    from gofer.cli.exit_codes import ExitCode

    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        print(error.message, file=sys.stderr)
        return ExitCode.USAGE
    context = error.ctx if isinstance(error, click.UsageError) else None
    hint = f"`{context.command_path} --help` shows how it is used." if context is not None else ""
    # click sets the choices of a missing argument below each other, with tabs.
    message = " ".join(error.format_message().split())
    for words, plainer in _PLAINER.items():
        message = message.replace(words, plainer)
    _report(message, hint)
    return ExitCode.USAGE


def _unanswered(error: click.Abort) -> int:
    """A question got Ctrl-C, or the input ended (Ctrl-D); click says the same of both."""
    from gofer.cli.exit_codes import ExitCode

    print(file=sys.stderr)  # the question's line has no end yet
    if isinstance(error.__context__, KeyboardInterrupt):
        return ExitCode.INTERRUPTED
    _report(
        "the input ended where an answer was expected; nothing was done",
        "Answer, or say it beforehand with an option: the command's --help names it.",
    )
    return ExitCode.USAGE


def _failed(error: Exception, invocation: Invocation) -> int:
    from gofer.cli.exit_codes import ExitCode
    from gofer.frozen.payload import NotUnpacked

    if isinstance(error, OSError) and (isinstance(error, BrokenPipeError) or error.errno in _OUTPUT_FAULTS):
        raise error
    cause: BaseException = error
    while isinstance(cause, BaseExceptionGroup):
        cause = cause.exceptions[0]
    if isinstance(cause, NotUnpacked):
        # Without another import, which might come to the same.
        print(f"error: {cause}\nhint: {cause.hint}", file=sys.stderr)
        return ExitCode.OUTPUT_FAILED
    from gofer.cli.failure import exit_code_of
    from gofer.errors import GoferError

    if isinstance(error, GoferError):
        _print_error(error, invocation)
        return exit_code_of(error)
    import traceback

    traceback.print_exc()
    _report(
        f"a defect in gofer: {type(error).__name__}: {error}",
        "Please report it, with the lines above and the command that you gave.",
    )
    return ExitCode.DEFECT


def _print_error(error: GoferError, invocation: Invocation) -> None:
    from gofer.cli.output import Output
    from gofer.errors import ConfigError

    try:
        output = invocation.output
    except ConfigError:
        output = Output("pretty", colors="no_color" not in invocation.overrides)
    sys.stdout.flush()
    output.error(error, token_from=invocation.token_from)


def _report(message: str, hint: str) -> None:
    from gofer.cli.output import report
    from gofer.cli.terminal import wants_color

    report(message, hint, color=wants_color(sys.stderr, os.environ))


def _handle_signals() -> None:
    from gofer.cli.twins import Twins

    twins = Twins()

    def end(number: int, _frame: FrameType | None) -> None:
        if not twins.is_twin(number):
            raise KeyboardInterrupt if number == signal.SIGINT else Terminated

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # What the caller has told us to ignore (`nohup`) stays ignored.
        if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
            signal.signal(number, end)


def _forget_output() -> None:
    """What is still buffered for a pipe that nobody reads must not be written when the interpreter ends."""
    with open(os.devnull, "wb") as nowhere:  # noqa: PTH123  # a device, and pathlib costs an import
        os.dup2(nowhere.fileno(), sys.stdout.fileno())
