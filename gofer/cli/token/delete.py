"""`gofer token delete`"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gofer.cli.base import Command, pass_invocation
from gofer.cli.token.argument import token_argument
from gofer.client import paths

if TYPE_CHECKING:
    from gofer.cli.invocation import Invocation


@click.command("delete", cls=Command, examples=["gofer token delete tok-4f7k2m9qx1"])
@pass_invocation
@token_argument
def delete(invocation: Invocation, token: str) -> None:
    """Delete a token. What uses it ends at once: open streams, and sessions in browsers."""
    invocation.client.delete(paths.token(token))
    invocation.output.show({"deleted": token}, lambda: [f"token {token} deleted"])
