"""Errors of the command line's own, and the exit code that stands for each error."""

from __future__ import annotations

from gofer.cli.exit_codes import ExitCode
from gofer.errors import ClientError, ConfigError, GoferError


class CommandError(GoferError):
    """A fault that the command line itself finds. `exit_code` is what the program ends with."""

    def __init__(self, message: str, hint: str = "", *, exit_code: ExitCode) -> None:
        super().__init__(message, hint)
        self.exit_code = exit_code


def exit_code_of(error: GoferError) -> ExitCode:
    """The exit code that stands for `error`."""
    if isinstance(error, CommandError):
        return error.exit_code
    if isinstance(error, ConfigError):
        return ExitCode.USAGE
    status = error.problem_status if isinstance(error, ClientError) else error.status
    if status == 0:
        return ExitCode.UNREACHABLE
    if status in (404, 410):
        return ExitCode.NOT_FOUND
    return ExitCode.REFUSED if 400 <= status < 500 else ExitCode.SERVER_FAULT
