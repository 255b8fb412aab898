"""`gofer trigger upgrade`"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from gofer.cli.base import Command, pass_invocation
from gofer.cli.trigger.options import container_options, options_of, settings_options, trigger_argument
from gofer.client import paths
from gofer.models.trigger import Trigger, TriggerOptions, UpdateTrigger

if TYPE_CHECKING:
    from gofer.cli.invocation import Invocation


@click.command(
    "upgrade",
    cls=Command,
    examples=[
        "gofer trigger upgrade mail ghcr.io/acme/mail-trigger:1.3",
        "gofer trigger upgrade interval --set min_duration=1m --unset jitter",
    ],
)
@pass_invocation
@trigger_argument
@click.argument("image", required=False)
@settings_options
@click.option("--unset", multiple=True, metavar="NAME", help="A setting to take away. Repeat for more.")
@container_options
def upgrade(
    invocation: Invocation,
    name: str,
    image: str | None,
    given: dict[str, str],
    ask: bool,
    no_input: bool,
    unset: tuple[str, ...],
    container: dict[str, Any],
) -> int:
    """Give a trigger another image, other settings or options. What is not given stays; it is started anew."""
    from gofer.cli.trigger.install import ask_image
    from gofer.cli.trigger.questions import answered
    from gofer.cli.trigger.ready import settled, show_outcome

    if not (image or given or ask or unset or container):
        raise click.UsageError("give what is to change: an image, or one of the options", click.get_current_context())
    before = invocation.client.get(paths.trigger(name), Trigger)
    options: TriggerOptions | None = options_of(container, before.options) if container else None
    info = before.info
    if image or container:
        info = ask_image(invocation, image or before.image, options or before.options)
    known = {name: value for name, value in before.settings.items() if name not in unset}
    settings = answered(info, given, known, ask=ask, no_input=no_input)
    body = UpdateTrigger(image=image, options=options, settings={**dict.fromkeys(unset), **settings} or None)
    now = invocation.client.send("PATCH", paths.trigger(name), Trigger, body)
    return show_outcome(invocation, settled(invocation, name) if now.enabled else now, "upgraded")
