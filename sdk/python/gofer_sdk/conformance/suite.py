"""Tries a trigger against docs/trigger-protocol.md, all of it."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Final

from gofer_sdk.conformance import asked, ended, fired
from gofer_sdk.conformance.life import Given, Life, life
from gofer_sdk.conformance.program import Program, kept_lines
from gofer_sdk.conformance.settings import MissingSettings, missing, typed
from gofer_sdk.conformance.step import Step, Steps
from gofer_sdk.trigger.frames import Fields

_ENDS: Final[tuple[Callable[[Life, Steps], Awaitable[None]], ...]] = (
    ended.signalled,
    ended.replaced,
    ended.dead_secret,
    ended.other_version,
)


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

    Raises CannotStart, and MissingSettings or WrongSetting before anything that needs them is tried.
    """
    steps, output = Steps(told), kept_lines()
    info = await _only_asked(program, given, steps, output)
    if info is not None:
        given = _fitting(info, given)
        if await _whole_life(program, given, steps, output):
            for end in _ENDS:
                async with life(program, given, output) as one:
                    await end(one, steps)
    return Report(steps=steps.done, output=list(output))


async def _only_asked(program: Program, given: Given, steps: Steps, output: deque[str]) -> Fields | None:
    """As where somebody is about to install it: what it says of itself, None where there is no use in going on."""
    async with life(program, given, output) as one:
        if not await asked.greet(one, steps):
            return None
        await ended.shutdown(one, steps, ", before it has settings")
        return one.info


def _fitting(info: Fields, given: Given) -> Given:
    """The settings as the trigger wants them. Raises MissingSettings and WrongSetting."""
    without = [
        missing(info["settings"], given.settings),
        missing(info["subscription_settings"], given.subscription),
    ]
    if any(without):
        raise MissingSettings(*without)
    return replace(
        given,
        settings=typed(info["settings"], given.settings),
        subscription=typed(info["subscription_settings"], given.subscription),
    )


async def _whole_life(program: Program, given: Given, steps: Steps, output: deque[str]) -> bool:
    """From its start to its end; whether it gets as far as `ready`."""
    async with life(program, given, output) as one:
        await one.connect(given.start_within)
        one.info = await one.ask("info")
        if not (await asked.configure(one, steps) and await asked.subscribe(one, steps)):
            return False
        await asked.ask(one, steps)
        if await fired.fire(one, steps) and await fired.lose(one, steps):
            await ended.shutdown(one, steps, "")
        return True
