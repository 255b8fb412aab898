"""`gofer version`"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gofer.cli.base import Command, pass_invocation
from gofer.cli.terminal import plain
from gofer.errors import ClientError

if TYPE_CHECKING:
    from gofer.cli.invocation import Invocation


@click.command("version", cls=Command, examples=["gofer version", "gofer version --json"])
@pass_invocation
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
def version(invocation: Invocation, as_json: bool) -> None:
    """Print the version of this program and of the server, and what the program is made of.

    A server that does not answer is no error here.
    """
    import msgspec

    from gofer.client import paths
    from gofer.models.system import SystemInfo
    from gofer.release import release

    if as_json:
        invocation.override("format", "json")
    own = release()
    try:
        server = invocation.client.get(paths.INFO, SystemInfo).version
        where = f"server  {plain(server)} at {invocation.client.address}"
    except ClientError as error:
        server, where = None, f"server  {plain(error.message)}"
    commit = f" ({own.commit[:12]})" if own.commit else ""
    lines = [f"client  {own.version}{commit}, Python {own.python}", where]
    invocation.output.show({**msgspec.to_builtins(own), "server": server}, lambda: lines)
