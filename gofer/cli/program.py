"""PATH, --timeout and --python: what every command that takes a user's pipeline asks for."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click

if TYPE_CHECKING:
    from gofer.cli.compile import Manifest
    from gofer.cli.invocation import Invocation

F = TypeVar("F", bound=Callable[..., Any])


class Program(NamedTuple):
    """A user's pipeline and how its program is run; `timeout` in seconds, `python` empty for the configured one."""

    path: str
    timeout: float = 30.0
    python: str | None = None

    def compiled(self, invocation: Invocation) -> Manifest:
        """The manifest that the program prints. Raises CommandError."""
        from gofer.cli.compile import compile_pipeline

        chosen = self.python if self.python is not None else invocation.settings.python
        return compile_pipeline(self.path, timeout=self.timeout, python=chosen)


def program_argument(command: F) -> F:
    """PATH and the options; the command gets a Program as `program`."""

    @functools.wraps(command)
    def with_program(*args: Any, path: str, timeout: float, python: str | None, **rest: Any) -> Any:
        return command(*args, program=Program(path, timeout, python), **rest)

    argument = click.argument("path", type=click.Path(allow_dash=True))
    return argument(timeout_option(python_option(with_program)))  # type: ignore[return-value]  # click's decorators keep it


def timeout_option(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--timeout",
        type=click.FloatRange(0.1, 3600),
        default=30.0,
        show_default=True,
        metavar="SECONDS",
        help="How long the pipeline's own program may take to print its manifest.",
    )(command)


def python_option(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--python",
        metavar="PYTHON",
        help="Run a Python pipeline with this interpreter or virtual environment, not with Gofer's own Python.",
    )(command)
