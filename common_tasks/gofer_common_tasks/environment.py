"""What a common task is given, read from its environment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

SETTING = "GOFER_SETTING_"
NOTIFY = "GOFER_NOTIFY_"


class Problem(Exception):
    """It cannot be done: a sentence for the log, that says what to do."""


class Given(NamedTuple):
    """`environment` as it is; settings are the pipeline's, everything that does not begin with GOFER_ the
    administrator's."""

    environment: Mapping[str, str]

    def setting(self, name: str, default: str = "") -> str:
        """What the pipeline has set."""
        return self.environment.get(f"{SETTING}{name.upper()}", default)

    def installed(self, name: str, default: str = "") -> str:
        """What an administrator has given it."""
        return self.environment.get(name, default)

    def required(self, name: str) -> str:
        """The same where it must be there. Raises Problem."""
        value = self.installed(name)
        if not value:
            raise Problem(
                f"{name} is not set: an administrator gives it, with gofer common-task upgrade … --set {name}=…"
            )
        return value

    def told(self, name: str) -> str:
        """What a notifier is told."""
        return self.environment.get(f"{NOTIFY}{name}", "")

    @property
    def is_notifier(self) -> bool:
        """Whether it tells of a run that has ended; else it is a task in one."""
        return f"{NOTIFY}STATUS" in self.environment

    @property
    def run(self) -> str:
        """Which run it is about, for people."""
        get = self.environment.get
        return f"{get('GOFER_PIPELINE_ID', '?')} #{get('GOFER_RUN_ID', '?')}"


def run(program: Callable[[Given], str], environment: Mapping[str, str]) -> int:
    """Do it, and say on one line what came of it; the exit code."""
    import sys

    try:
        done = program(Given(environment))
    except Problem as problem:
        print(f"error: {problem}", file=sys.stderr, flush=True)
        return 1
    print(done, flush=True)
    return 0


def number(given: Given, name: str, default: float, least: float, most: float) -> float:
    """An administrator's number. Raises Problem."""
    text = given.installed(name)
    if not text:
        return default
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not least <= value <= most:
        raise Problem(f"{name} is to be a number from {least:g} to {most:g}, not {text!r}")
    return value
