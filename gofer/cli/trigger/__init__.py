"""`gofer trigger …`"""

from __future__ import annotations

import click

from gofer.cli.base import Command, Entry, Group


def _install() -> Command:
    from gofer.cli.trigger.install import install

    return install


def _list() -> Command:
    from gofer.cli.trigger.list import list_

    return list_


def _get() -> Command:
    from gofer.cli.trigger.get import get

    return get


def _logs() -> Command:
    from gofer.cli.trigger.logs import logs

    return logs


def _enable() -> Command:
    from gofer.cli.trigger.enable import enable

    return enable


def _disable() -> Command:
    from gofer.cli.trigger.enable import disable

    return disable


def _restart() -> Command:
    from gofer.cli.trigger.enable import restart

    return restart


def _upgrade() -> Command:
    from gofer.cli.trigger.upgrade import upgrade

    return upgrade


def _uninstall() -> Command:
    from gofer.cli.trigger.uninstall import uninstall

    return uninstall


def _debug() -> Command:
    from gofer.cli.trigger.debug import debug

    return debug


def _check() -> Command:
    from gofer.cli.trigger.check import check

    return check


def _events() -> Command:
    from gofer.cli.trigger.events import events

    return events


_TABLE = {
    "install": Entry("Install a trigger, and start it.", _install),
    "list": Entry("All triggers, and how they are.", _list),
    "get": Entry("A trigger: how it is, why, what it is set to, and what pipelines may set.", _get),
    "logs": Entry(
        "What a trigger says: its own words, its standard output and error, and what Gofer has to say about it.", _logs
    ),
    "enable": Entry("Start a trigger that was disabled.", _enable),
    "disable": Entry("Stop a trigger until it is enabled again.", _disable),
    "restart": Entry(
        "Stop a trigger and start it anew: also one that has failed, and to have it take its secrets as they are now.",
        _restart,
    ),
    "upgrade": Entry("Give a trigger another image, other settings or options.", _upgrade),
    "uninstall": Entry("Stop a trigger and forget it, with everything that it has told of.", _uninstall),
    "debug": Entry("What a trigger tells of its own state, such as what it waits for.", _debug),
    "check": Entry("Try a trigger, in any language, against the trigger protocol.", _check),
    "events": Entry("What a trigger has told of: why did nothing happen?", _events),
}


@click.group("trigger", cls=Group, table=_TABLE)
def trigger() -> None:
    """Install what starts runs by itself: schedules, webhooks, other pipelines, your own."""
