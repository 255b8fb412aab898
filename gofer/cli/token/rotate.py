"""`gofer token rotate`"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gofer.cli.base import Command, pass_invocation
from gofer.cli.token.argument import token_argument
from gofer.cli.token.duration import Duration
from gofer.cli.token.text import check_is_shown, show_text
from gofer.client import paths
from gofer.models.access import NewToken, RotateToken

if TYPE_CHECKING:
    from gofer.cli.invocation import Invocation


@click.command(
    "rotate",
    cls=Command,
    examples=["gofer token rotate tok-4f7k2m9qx1", "gofer token rotate tok-4f7k2m9qx1 --grace 1h > ci.token"],
)
@pass_invocation
@token_argument
@click.option(
    "--grace", type=Duration(), default="0s", show_default=True, help="How long the old text holds on, such as 1h."
)
def rotate(invocation: Invocation, token: str, grace: int) -> None:
    """Give a token another text, printed this once. It keeps its id, its rights and its expiry.

    The old text is dead at once, or after --grace: time to bring the new one to where it is used.
    """
    check_is_shown(invocation)
    # Sent once: a second time would end the old text's grace.
    made = invocation.client.send(
        "POST", paths.token(token) + "/rotate", NewToken, RotateToken(grace=grace), again=False
    )
    until = made.token.previous_until
    note = "The old text is dead."
    if until is not None:
        from gofer.cli.times import clock

        note = f"The old text holds until {clock(until)}."
    show_text(invocation, made, note)
