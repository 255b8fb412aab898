"""`gofer token enable` and `gofer token disable`"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gofer.cli.base import Command, pass_invocation
from gofer.cli.token.argument import token_argument
from gofer.client import paths
from gofer.models.access import Token, UpdateToken

if TYPE_CHECKING:
    from gofer.cli.invocation import Invocation


@click.command("disable", cls=Command, examples=["gofer token disable tok-4f7k2m9qx1"])
@pass_invocation
@token_argument
def disable(invocation: Invocation, token: str) -> None:
    """Make a token good for nothing, until it is enabled. Whatever uses it ends at once."""
    _set(invocation, token, enabled=False)


@click.command("enable", cls=Command, examples=["gofer token enable tok-4f7k2m9qx1"])
@pass_invocation
@token_argument
def enable(invocation: Invocation, token: str) -> None:
    """Make a disabled token good again."""
    _set(invocation, token, enabled=True)


def _set(invocation: Invocation, token: str, *, enabled: bool) -> None:
    now = invocation.client.send("PATCH", paths.token(token), Token, UpdateToken(enabled=enabled))
    invocation.output.show(now, lambda: [f"token {now.id} {'enabled' if enabled else 'disabled'}"])
