"""Waiting until a trigger has come to something."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from gofer.cli.exit_codes import ExitCode
from gofer.client import paths
from gofer.models.trigger import Trigger

if TYPE_CHECKING:
    from gofer.cli.invocation import Invocation

_SECONDS = 30.0
_PAUSE = 0.1


def settled(invocation: Invocation, name: str, seconds: float = _SECONDS) -> Trigger:
    """The trigger once it is healthy, or is known not to be, or the time is over."""
    end = time.monotonic() + seconds
    while True:
        found = invocation.client.get(paths.trigger(name), Trigger)
        if found.state != "starting" or time.monotonic() >= end:
            return found
        time.sleep(_PAUSE)


def show_outcome(invocation: Invocation, found: Trigger, done: str) -> ExitCode:
    """Say what was done and how the trigger is; the exit code that stands for that."""
    output = invocation.output
    output.show(found, lambda: [f"trigger {found.id} {done}: {found.state}"])
    for warning in found.warnings:
        output.warn(warning)
    if found.state in ("healthy", "disabled"):
        return ExitCode.OK
    output.warn(f"{found.id} is {found.state}: {found.detail or 'it has not dialled in yet'}")
    hint = found.hint or f"See what it does: {invocation.command('trigger get', found.id)}"
    output.note(hint)
    return ExitCode.OUTCOME_BAD
