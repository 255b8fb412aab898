"""`gofer service token bootstrap`"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gofer.cli.base import Command, pass_invocation
from gofer.cli.exit_codes import ExitCode
from gofer.cli.failure import CommandError
from gofer.cli.token.text import check_is_shown, show_text
from gofer.client import paths
from gofer.models.access import Bootstrap, BootstrapInfo, NewToken

if TYPE_CHECKING:
    from gofer.cli.invocation import Invocation


@click.command(
    "bootstrap",
    cls=Command,
    examples=["gofer service token bootstrap", "gofer service token bootstrap --again"],
)
@pass_invocation
@click.option("--again", is_flag=True, help="For a lost root token: delete it, and make another in its place.")
def bootstrap(invocation: Invocation, again: bool) -> None:
    """Make the root token, on the server's machine.

    To be called as root or as the user that Gofer runs as: the proof is a file in the server's own folder, which this
    command writes and removes. The token is printed this once, alone on stdout. It may do everything, and never
    expires: make others with it, each for what it needs.
    """
    check_is_shown(invocation)
    client = invocation.client
    # No token that is set is sent: it may be the one that is lost.
    client.server = client.server._replace(token="")
    info = client.get(paths.BOOTSTRAP, BootstrapInfo)
    if info.done and not again:
        raise CommandError(
            "the root token was made already, and is shown only once",
            f"If it is lost, make another in its place: {invocation.command('service token bootstrap --again')}",
            exit_code=ExitCode.REFUSED,
        )
    from pathlib import Path

    from gofer.cli.service.code_file import CodeFile
    from gofer.cli.service.listener import check_listener

    if not client.address.socket:
        check_listener(client.address.port, Path(info.code_file).parent)
    with CodeFile(info.code_file) as code:
        body = Bootstrap(code=code, again=again)
        made = client.send("POST", paths.BOOTSTRAP, NewToken, body, again=False)
    show_text(
        invocation,
        made,
        "Keep it where passwords are kept. To use it: export GOFER_CLI_TOKEN=…, or write",
        '    token = "…"',
        "into ~/.gofer.hcl, then: chmod 600 ~/.gofer.hcl",
        'Then make tokens for people and programs: gofer token create --role developer --namespace "team-*"',
    )
