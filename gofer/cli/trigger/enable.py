"""`gofer trigger enable`, `disable` and `restart`"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gofer.cli.base import Command, pass_invocation
from gofer.cli.trigger.options import trigger_argument
from gofer.client import paths
from gofer.models.trigger import Trigger, UpdateTrigger

if TYPE_CHECKING:
    from gofer.cli.invocation import Invocation


@click.command("enable", cls=Command, examples=["gofer trigger enable nightly"])
@pass_invocation
@trigger_argument
def enable(invocation: Invocation, name: str) -> int:
    """Start a trigger that was disabled. Its subscriptions are as they were."""
    from gofer.cli.trigger.ready import settled, show_outcome

    invocation.client.send("PATCH", paths.trigger(name), Trigger, UpdateTrigger(enabled=True))
    return show_outcome(invocation, settled(invocation, name), "enabled")


@click.command("disable", cls=Command, examples=["gofer trigger disable nightly"])
@pass_invocation
@trigger_argument
def disable(invocation: Invocation, name: str) -> int:
    """Stop a trigger until it is enabled again. Nothing starts by it meanwhile, and no subscription is lost."""
    from gofer.cli.trigger.ready import show_outcome

    now = invocation.client.send("PATCH", paths.trigger(name), Trigger, UpdateTrigger(enabled=False))
    return show_outcome(invocation, now, "disabled")


@click.command("restart", cls=Command, examples=["gofer trigger restart nightly"])
@pass_invocation
@trigger_argument
def restart(invocation: Invocation, name: str) -> int:
    """Stop a trigger and start it anew: also one that has failed, and to have it take its secrets as they are now."""
    from gofer.cli.trigger.ready import settled, show_outcome

    invocation.client.send("POST", paths.trigger(name) + "/restart", Trigger, again=False)
    return show_outcome(invocation, settled(invocation, name), "restarted")
