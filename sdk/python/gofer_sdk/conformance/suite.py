"""Tries a trigger against docs/trigger-protocol.md, all of it."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final

from gofer_sdk.conformance import asked, ended, fired
from gofer_sdk.conformance.life import Given, Life, life
from gofer_sdk.conformance.program import Program, kept_lines
from gofer_sdk.conformance.step import Step, Steps
from gofer_sdk.trigger.frames import Fields

_ENDS: Final[tuple[Callable[[Life, Steps], Awaitable[None]], ...]] = (
    ended.signalled,
    ended.replaced,
    ended.dead_secret,
    ended.other_version,
)


class MissingSettings(Exception):
    """The trigger cannot be tried without these: names by `settings` and `subscription`."""

    def __init__(self, settings: list[str], subscription: list[str]) -> None:
        super().__init__(settings, subscription)
        self.settings = settings
        self.subscription = subscription


@dataclass(frozen=True, kw_only=True)
class Report:
    """What came of it, and the last lines that the program has written."""

    steps: list[Step]
    output: list[str]

    @property
    def passed(self) -> bool:
        """Whether nothing was wrong."""
        return all(step.outcome != "failed" for step in self.steps)


async def check(program: Program, given: Given, told: Callable[[Step], None]) -> Report:
    """Start the program several times, and try everything; `told` is called with each step when it is done.

    Raises CannotStart, and MissingSettings before anything that needs them is tried.
    """
    steps, output = Steps(told), kept_lines()
    if await _only_asked(program, given, steps, output):
        await _whole_life(program, given, steps, output)
        for end in _ENDS:
            async with life(program, given, output) as one:
                await end(one, steps)
    return Report(steps=steps.done, output=list(output))


async def _only_asked(program: Program, given: Given, steps: Steps, output: deque[str]) -> bool:
    """As where somebody is about to install it; whether there is use in going on."""
    async with life(program, given, output) as one:
        if not await asked.greet(one, steps):
            return False
        await ended.shutdown(one, steps, ", before it has settings")
        missing = [
            _required(one.info, "settings", given.settings),
            _required(one.info, "subscription_settings", given.subscription),
        ]
        if any(missing):
            raise MissingSettings(*missing)
        return True


async def _whole_life(program: Program, given: Given, steps: Steps, output: deque[str]) -> None:
    async with life(program, given, output) as one:
        await one.connect(given.start_within)
        one.info = await one.ask("info")
        if not (await asked.configure(one, steps) and await asked.subscribe(one, steps)):
            return
        await asked.ask(one, steps)
        if await fired.fire(one, steps) and await fired.lose(one, steps):
            await ended.shutdown(one, steps, "")


def _required(info: Fields, name: str, given: Mapping[str, object]) -> list[str]:
    return [field["name"] for field in info[name] if field["required"] and field["name"] not in given]
