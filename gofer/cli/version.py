"""`gofer version`"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gofer import __version__
from gofer.cli.base import Command, pass_invocation
from gofer.cli.terminal import plain
from gofer.errors import ClientError

if TYPE_CHECKING:
    from gofer.cli.invocation import Invocation


@click.command("version", cls=Command, examples=["gofer version", "gofer version --format json"])
@pass_invocation
def version(invocation: Invocation) -> None:
    """Print the version of this program and of the server.

    A server that does not answer is no error here.
    """
    from gofer.client import paths
    from gofer.models.system import SystemInfo

    try:
        server = invocation.client.get(paths.INFO, SystemInfo).version
        where = f"server  {plain(server)} at {invocation.client.address}"
    except ClientError as error:
        server, where = None, f"server  {plain(error.message)}"
    invocation.output.show({"client": __version__, "server": server}, lambda: [f"client  {__version__}", where])
