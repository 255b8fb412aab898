"""`gofer trigger install`"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from gofer.cli.base import Command, pass_invocation
from gofer.cli.trigger.options import container_options, options_of, settings_options
from gofer.client import paths
from gofer.models.trigger import InstallTrigger, ProbeTrigger, Trigger, TriggerInfo, TriggerOptions

if TYPE_CHECKING:
    from gofer.cli.invocation import Invocation

# An image may have to be pulled.
_ASK_SECONDS = 600.0


@click.command(
    "install",
    cls=Command,
    examples=[
        "gofer trigger install nightly builtin:cron",
        "gofer trigger install github builtin:github --set 'secret=global_secret{{github}}'",
        "gofer trigger install mail ghcr.io/acme/mail-trigger:1.2 --ask",
    ],
)
@pass_invocation
@click.argument("name")
@click.argument("image")
@settings_options
@container_options
@click.option("--disabled", is_flag=True, help="Do not start it yet.")
def install(
    invocation: Invocation,
    name: str,
    image: str,
    given: dict[str, str],
    ask: bool,
    no_input: bool,
    container: dict[str, Any],
    disabled: bool,
) -> int:
    """Install a trigger, and start it.

    IMAGE is a container's, or builtin:NAME for one that comes with Gofer. It is asked for its settings first; those
    that must be set, and are not, are asked for.
    """
    from gofer.cli.trigger.questions import answered
    from gofer.cli.trigger.ready import settled, show_outcome

    path = paths.trigger(name)  # before anything is started
    options = options_of(container)
    info = ask_image(invocation, image, options)
    settings = answered(info, given, {}, ask=ask, no_input=no_input)
    body = InstallTrigger(id=name, image=image, options=options, settings=settings, enabled=not disabled)
    invocation.client.send("POST", paths.TRIGGERS, Trigger, body, again=False)
    found = settled(invocation, name) if not disabled else invocation.client.get(path, Trigger)
    return show_outcome(invocation, found, "installed")


def ask_image(invocation: Invocation, image: str, options: TriggerOptions) -> TriggerInfo:
    """What the server finds out about an image."""
    from gofer.client.http import Client

    client = Client(invocation.server, _ASK_SECONDS)
    try:
        body = ProbeTrigger(image=image, options=options)
        return client.send("POST", paths.TRIGGERS + "/probe", TriggerInfo, body, again=False)
    finally:
        client.close()
