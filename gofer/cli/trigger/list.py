"""`gofer trigger list`"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gofer.cli.base import Command, pass_invocation
from gofer.cli.listing import Columns, Paging, paging_options, show_list
from gofer.cli.terminal import plain
from gofer.cli.times import ago
from gofer.client import paths
from gofer.models.trigger import Trigger

if TYPE_CHECKING:
    from gofer.cli.invocation import Invocation


@click.command("list", cls=Command, examples=["gofer trigger list"])
@pass_invocation
@paging_options
def list_(invocation: Invocation, paging: Paging) -> None:
    """All triggers, and how they are."""
    head = ("TRIGGER", "STATE", "IMAGE", "SUBSCRIPTIONS", "LAST EVENT", "RESTARTS", "WHY")

    def row(one: Trigger) -> list[str]:
        return [
            one.id,
            one.state,
            plain(one.image),
            str(one.subscriptions),
            ago(one.last_event_at),
            str(one.restarts),
            plain(one.detail)[:80],
        ]

    empty = "No triggers. Install one: gofer trigger install NAME builtin:cron."
    show_list(invocation, paths.TRIGGERS, Trigger, {}, paging, Columns(head, row, empty))
