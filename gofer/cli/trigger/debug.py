"""`gofer trigger debug`"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gofer.cli.base import Command, pass_invocation
from gofer.cli.trigger.options import trigger_argument
from gofer.client import paths
from gofer.models.trigger import TriggerDebug

if TYPE_CHECKING:
    from gofer.cli.invocation import Invocation


@click.command("debug", cls=Command, examples=["gofer trigger debug nightly"])
@pass_invocation
@trigger_argument
def debug(invocation: Invocation, name: str) -> None:
    """What a trigger tells of its own state, such as what it waits for."""
    import msgspec

    from gofer.cli.terminal import clean

    found = invocation.client.get(paths.trigger(name) + "/debug", TriggerDebug)
    text = msgspec.json.format(msgspec.json.encode(found.state), indent=2).decode()
    invocation.output.show(found, lambda: [clean(line, colors=False) for line in text.splitlines()])
