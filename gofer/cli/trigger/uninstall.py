"""`gofer trigger uninstall`"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gofer.cli.base import Command, pass_invocation
from gofer.cli.trigger.options import trigger_argument
from gofer.client import paths

if TYPE_CHECKING:
    from gofer.cli.invocation import Invocation


@click.command("uninstall", cls=Command, examples=["gofer trigger uninstall nightly"])
@pass_invocation
@trigger_argument
@click.option("--force", is_flag=True, help="Also if pipelines use it; their subscriptions wait for one of that name.")
def uninstall(invocation: Invocation, name: str, force: bool) -> None:
    """Stop a trigger and forget it, with everything that it has told of. Runs that it has started stay."""
    invocation.client.delete(paths.trigger(name) + ("?force=true" if force else ""))
    invocation.output.show({"uninstalled": name}, lambda: [f"trigger {name} uninstalled"])
