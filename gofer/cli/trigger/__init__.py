"""`gofer trigger …`"""

from __future__ import annotations

import click

from gofer.cli.base import Command, Entry, Group


def _check() -> Command:
    from gofer.cli.trigger.check import check

    return check


def _events() -> Command:
    from gofer.cli.trigger.events import events

    return events


_TABLE = {
    "check": Entry("Try a trigger, in any language, against the trigger protocol.", _check),
    "events": Entry("What a trigger has told of: why did nothing happen?", _events),
}


@click.group("trigger", cls=Group, table=_TABLE)
def trigger() -> None:
    """Install what starts runs by itself: schedules, webhooks, other pipelines, your own."""
