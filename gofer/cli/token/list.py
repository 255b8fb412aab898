"""`gofer token list`"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gofer.cli.base import Command, pass_invocation
from gofer.cli.listing import Columns, Paging, paging_options, show_list
from gofer.cli.terminal import plain
from gofer.cli.times import ago, clock, now
from gofer.client import paths
from gofer.models.access import Token, state_of

if TYPE_CHECKING:
    from gofer.cli.invocation import Invocation


@click.command("list", cls=Command, examples=["gofer token list", "gofer token list --all --format json"])
@pass_invocation
@paging_options
def list_(invocation: Invocation, paging: Paging) -> None:
    """All tokens, without their texts, the oldest first."""
    head = ("TOKEN", "KIND", "STATE", "ROLES", "NAMESPACES", "EXPIRES", "LAST USED", "DESCRIPTION")

    def row(one: Token) -> list[str]:
        return [
            one.id,
            one.kind,
            state_of(one, now()),
            plain(" ".join(one.roles)),
            plain(" ".join(one.namespaces)),
            clock(one.expires_at)[:10],
            ago(one.last_used_at),
            plain(one.description),
        ]

    show_list(invocation, paths.TOKENS, Token, {}, paging, Columns(head, row, "No tokens."))
