"""`gofer builtin …`: how the server starts the triggers and common tasks that the program brings along."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import click

from gofer.cli.base import Command
from gofer.models.built_in import BUILT_INS, BuiltInKind

Main = Callable[[], int | None]
"""What a built-in is: it returns its exit code, None for 0, when it ends of its own accord."""


# Imports are literal, so that tools which look for them (such as a freezer) find every one.


def _debug() -> Main:
    from gofer_common_tasks.debug import main

    return main


def _email() -> Main:
    from gofer_common_tasks.email import main

    return main


def _slack() -> Main:
    from gofer_common_tasks.slack import main

    return main


def _webhook_task() -> Main:
    from gofer_common_tasks.webhook import main

    return main


def _cron() -> Main:
    from gofer_triggers.cron import main

    return main


def _github() -> Main:
    from gofer_triggers.github import main

    return main


def _interval() -> Main:
    from gofer_triggers.interval import main

    return main


def _pipeline() -> Main:
    from gofer_triggers.pipeline import main

    return main


def _webhook_trigger() -> Main:
    from gofer_triggers.webhook import main

    return main


PROGRAMS: Final[Mapping[BuiltInKind, Mapping[str, Callable[[], Main]]]] = {
    "trigger": {
        "cron": _cron,
        "github": _github,
        "interval": _interval,
        "pipeline": _pipeline,
        "webhook": _webhook_trigger,
    },
    "common-task": {"debug": _debug, "email": _email, "slack": _slack, "webhook": _webhook_task},
}


@click.command("builtin", cls=Command, examples=["gofer builtin common-task debug"])
@click.argument("kind", type=click.Choice(list(BUILT_INS)))
@click.argument("name")
def builtin(kind: BuiltInKind, name: str) -> int:
    """Run a trigger or a common task of the program's own, as the server does.

    What it is to do is in environment variables, as for a container of the same program.
    """
    there = PROGRAMS[kind]
    if name not in there:
        raise click.UsageError(f'There is no built-in {kind} "{name}". There are: {", ".join(there) or "none"}.')
    return there[name]()() or 0
