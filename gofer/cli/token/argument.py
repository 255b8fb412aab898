"""TOKEN, completed from the server."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from gofer.cli.arguments import complete

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

F = TypeVar("F", bound=Callable[..., Any])


def token_argument(command: F) -> F:
    """TOKEN: an id, such as tok-4f7k2m9qx1."""
    return click.argument("token", callback=_check, shell_complete=_complete)(command)


def _check(_ctx: click.Context, _param: click.Parameter, given: str) -> str:
    if given.startswith("gofer_"):
        # What stands there may be a secret: it is not repeated.
        message = "that is the text of a token, which others on this machine could now have read. Name it by its id"
        raise click.BadParameter(f"{message}, see: gofer token list, gofer token whoami")
    return given


def _complete(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    from gofer.client import paths
    from gofer.models.access import Token

    return complete(ctx, incomplete, lambda _: (paths.TOKENS, Token))
