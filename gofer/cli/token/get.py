"""`gofer token get`"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gofer.cli.base import Command, pass_invocation
from gofer.cli.token.argument import token_argument
from gofer.client import paths
from gofer.models.access import Token

if TYPE_CHECKING:
    from gofer.cli.invocation import Invocation


@click.command("get", cls=Command, examples=["gofer token get tok-4f7k2m9qx1"])
@pass_invocation
@token_argument
def get(invocation: Invocation, token: str) -> None:
    """What is known of a token, without its text: nobody knows that but who has it."""
    from gofer.cli.token.show import fields

    found = invocation.client.get(paths.token(token), Token)
    invocation.output.show(found, lambda: invocation.output.fields(fields(found)))
