"""`gofer service toggle-event-ingress`"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gofer.cli.base import Command, pass_invocation
from gofer.client import paths
from gofer.models.system import IngressInfo, SetIngress

if TYPE_CHECKING:
    from gofer.cli.invocation import Invocation


@click.command(
    "toggle-event-ingress",
    cls=Command,
    examples=["gofer service toggle-event-ingress --close", "gofer service toggle-event-ingress --open"],
)
@pass_invocation
@click.option("--open/--close", "wanted", default=None, help="What it is to be; left out: the other than now.")
def toggle_event_ingress(invocation: Invocation, wanted: bool | None) -> None:
    """Start no new runs, or start them again.

    While it is closed, runs that run go on to their end, queued ones wait, and whatever would start a run is refused
    with a 503. It stays closed over restarts, until it is opened.
    """
    client = invocation.client
    if wanted is None:
        wanted = not client.get(paths.INGRESS, IngressInfo).open
    now = client.send("PUT", paths.INGRESS, IngressInfo, SetIngress(open=wanted))
    invocation.output.show(now, lambda: ["new runs are started" if now.open else "no new runs are started"])
    if not now.open:
        invocation.output.note(f"Open it again: {invocation.command('service toggle-event-ingress --open')}")
