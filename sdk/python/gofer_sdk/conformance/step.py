"""What is tried, and what came of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from gofer_sdk.trigger.errors import LinkLost, PeerError

Outcome = Literal["ok", "failed", "not offered", "not tried"]


@dataclass(frozen=True, kw_only=True)
class Step:
    """`section` is the heading of docs/trigger-protocol.md that says so. `expected` and `came` are for people; `came`
    is also why a step was not tried."""

    name: str
    section: str
    outcome: Outcome
    expected: str = ""
    came: str = ""


class Failed(Exception):
    """The trigger did not do what the protocol says."""

    def __init__(self, expected: str, came: str) -> None:
        super().__init__(expected, came)
        self.expected = expected
        self.came = came


class NotOffered(Exception):
    """The trigger says that it does not do this."""


class NotTried(Exception):
    """It could not be tried; the message says why."""


class Steps:
    """Tries one thing after the other. `told` is called with each step when it is done."""

    def __init__(self, told: Callable[[Step], None]) -> None:
        self.done: list[Step] = []
        self._told = told

    async def attempt(self, name: str, section: str, work: Callable[[], Awaitable[None]]) -> bool:
        """Whether it was not wrong. What `work` raises is what came of it."""
        step = await self._outcome(name, section, work)
        self.done.append(step)
        self._told(step)
        return step.outcome != "failed"

    async def _outcome(self, name: str, section: str, work: Callable[[], Awaitable[None]]) -> Step:
        try:
            await work()
        except NotOffered:
            return Step(name=name, section=section, outcome="not offered")
        except NotTried as why:
            return Step(name=name, section=section, outcome="not tried", came=str(why))
        except Failed as error:
            expected, came = error.expected, error.came
        except PeerError as error:
            expected, came = "a reply", f"the error {error.code}: {error}"
        except LinkLost:
            expected, came = "a reply", "the end of the connection"
        except TimeoutError:
            expected, came = "a reply in time", "none"
        else:
            return Step(name=name, section=section, outcome="ok")
        return Step(name=name, section=section, outcome="failed", expected=expected, came=came)


async def within(seconds: float, waiting: Awaitable[object], expected: str) -> None:
    """Raises Failed unless it comes in time."""
    try:
        await asyncio.wait_for(waiting, seconds)
    except TimeoutError:
        raise Failed(f"{expected} within {seconds:g} s", "nothing") from None
