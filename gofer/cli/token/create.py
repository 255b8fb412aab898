"""`gofer token create`"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gofer.cli.arguments import complete_role
from gofer.cli.base import Command, pass_invocation
from gofer.cli.token.duration import Duration
from gofer.cli.token.text import check_is_shown, show_text
from gofer.client import paths
from gofer.models.access import CreateToken, NewToken, TokenKind

if TYPE_CHECKING:
    from gofer.cli.invocation import Invocation


@click.command(
    "create",
    cls=Command,
    examples=[
        "gofer token create --role viewer --namespace team-a",
        'gofer token create --role developer --namespace "team-*" --expires 90d --description "Ann\'s laptop"',
        "gofer token create --role operator --namespace default > ci.token",
        "gofer token create --kind management --expires 30d",
    ],
)
@pass_invocation
@click.option(
    "--role",
    "roles",
    multiple=True,
    metavar="ID",
    shell_complete=complete_role,
    help="A role that it has; repeat for more.",
)
@click.option(
    "--namespace",
    "namespaces",
    multiple=True,
    metavar="ID",
    help="Where it has them: an id, or a pattern such as team-*; repeat for more.",
)
@click.option(
    "--kind",
    type=click.Choice(["client", "management"]),
    default="client",
    show_default=True,
    help="A management token may do everything.",
)
@click.option("--expires", type=Duration(), help="How long it is good for, such as 90d; left out: for ever.")
@click.option("--description", default="", metavar="TEXT", help="What it is for.")
def create(
    invocation: Invocation,
    roles: tuple[str, ...],
    namespaces: tuple[str, ...],
    kind: TokenKind,
    expires: int | None,
    description: str,
) -> None:
    """Make a token. Its text is printed this once, alone on stdout; all else goes to stderr."""
    check_is_shown(invocation)
    # It may stand before the command, too.
    before = invocation.take("namespace")
    where = [before] if before is not None else []
    body = CreateToken(
        kind=kind, description=description, namespaces=where + list(namespaces), roles=list(roles), expires_in=expires
    )
    made = invocation.client.send("POST", paths.TOKENS, NewToken, body, again=False)
    show_text(invocation, made, "Who has it sets GOFER_CLI_TOKEN, or keeps it in a file: --token-file.")
