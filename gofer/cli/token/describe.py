"""`gofer token describe`"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gofer.cli.base import Command, pass_invocation
from gofer.cli.token.argument import token_argument
from gofer.client import paths
from gofer.models.access import Token, UpdateToken

if TYPE_CHECKING:
    from gofer.cli.invocation import Invocation


@click.command("describe", cls=Command, examples=['gofer token describe tok-4f7k2m9qx1 "nightly backup on db3"'])
@pass_invocation
@token_argument
@click.argument("text")
def describe(invocation: Invocation, token: str, text: str) -> None:
    """Say anew what a token is for. What it may do never changes: make another one for that."""
    now = invocation.client.send("PATCH", paths.token(token), Token, UpdateToken(description=text))
    invocation.output.show(now, lambda: [f"token {now.id} described"])
