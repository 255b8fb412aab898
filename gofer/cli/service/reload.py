"""`gofer service reload`"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gofer.cli.base import Command, pass_invocation
from gofer.client import paths
from gofer.models.system import Reloaded

if TYPE_CHECKING:
    from gofer.cli.invocation import Invocation


@click.command("reload", cls=Command, examples=["gofer service reload"])
@pass_invocation
def reload(invocation: Invocation) -> None:
    """Make the server read its configuration again.

    What can change while it runs holds at once: no connection is cut and no run is touched. What needs a restart is
    named. When anything in the configuration is wrong, nothing changes, and all of it is listed.
    """
    found = invocation.client.send("POST", paths.RELOAD, Reloaded)
    output = invocation.output
    output.show(found, lambda: _lines(found))
    if found.restart:
        output.warn(f"these change when the server is started again: {', '.join(found.restart)}")


def _lines(found: Reloaded) -> list[str]:
    lines = [f"Changed: {', '.join(found.applied)}"] if found.applied else []
    if found.certificate_renewed:
        lines.append("Changed: the certificate")
    return lines or ["Nothing has changed."]
