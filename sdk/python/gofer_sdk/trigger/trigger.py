"""The base class of a trigger."""

from __future__ import annotations

import asyncio
import inspect
import logging
import sys
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any, ClassVar, Generic, NoReturn, Protocol, TypeVar, get_args, get_origin

from gofer_sdk.trigger.clock import Clock, SystemClock
from gofer_sdk.trigger.fields import Settings
from gofer_sdk.trigger.values import (
    Answer,
    Event,
    ExternalEvent,
    Fired,
    Outcome,
    RunOf,
    Subscription,
    SubscriptionT,
)

SettingsT = TypeVar("SettingsT", bound=Settings)


class Host(Protocol):
    """What runs a trigger: the program, or a test."""

    async def fire(self, fields: Mapping[str, object]) -> Fired:
        """Tell of an event until Gofer has answered."""
        ...

    def spawn(self, name: str, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Start a task."""
        ...


class Trigger(Generic[SettingsT, SubscriptionT]):
    """Waits for something, and fires.

    A class of its own names its two classes of settings, `class Every(Trigger[Settings, SubscriptionSettings])`, and
    defines what it needs of the methods below; `run` or `external_event` is enough. Its docstring's first line is its
    description. Whatever a method raises is reported to Gofer and logged; the trigger goes on.
    """

    version: ClassVar[str] = "0.0.0"
    events: ClassVar[Sequence[str]] = ()

    def __init__(self) -> None:
        self.name = ""
        self.settings: SettingsT
        self.subscriptions: dict[str, Subscription[SubscriptionT]] = {}
        self.log = logging.Logger("trigger", logging.INFO)
        self.clock: Clock = SystemClock()
        self.changed = asyncio.Event()
        # Set while Gofer is there and has told of all subscriptions: what is fired otherwise waits for that.
        self.connected = asyncio.Event()
        self.host: Host | None = None

    # What an author may define.

    async def configure(self, settings: SettingsT) -> None:
        """Check the settings of the installation, and prepare what they ask for; `self.settings` holds them after it.

        Raises InvalidSettings in words for the administrator. It comes again if the settings have changed.
        """

    async def check(self, subscription: Subscription[SubscriptionT]) -> Sequence[str] | None:
        """Say whether a subscription would be taken, changing nothing; returns warnings. Raises Refused."""
        return None

    async def subscribe(self, subscription: Subscription[SubscriptionT]) -> None:
        """Begin with a subscription; `self.subscriptions` holds it after this. Raises Refused.

        If nothing is defined here, what `check` refuses is refused. One whose settings have changed is first ended by
        `unsubscribe`. Calls for one subscription come one after the other.
        """
        await self.check(subscription)

    async def unsubscribe(self, subscription: Subscription[SubscriptionT]) -> None:
        """End what `subscribe` began; `self.subscriptions` no longer holds it."""

    async def run(self) -> None:
        """The trigger's own loop: begun when the first subscriptions have come, cancelled when the trigger ends.

        If it raises, that is logged and it is begun again after a pause; it may return.
        """

    async def external_event(self, event: ExternalEvent) -> Answer:
        """Take a request from outside, within 10 seconds. To define it offers it."""
        _not_offered(self, "external_event")

    async def next(self, subscription: Subscription[SubscriptionT], count: int) -> list[int]:
        """The next `count` times at which it fires if nothing else happens. To define it offers it."""
        _not_offered(self, "next")

    async def event(self, event: Event) -> None:
        """Take one of Gofer's own events, of the kinds in `events`, one after the other."""
        _not_offered(self, "event")

    async def debug(self) -> Mapping[str, object]:
        """Whatever helps to see why something did not happen. No secrets."""
        return {}

    # What an author may use.

    async def fire(
        self,
        subscription: Subscription[SubscriptionT] | None,
        event_id: str,
        *,
        variables: Mapping[str, str] | None = None,
        outcome: Outcome = "start",
        detail: str = "",
        objects_of: RunOf | None = None,
        occurred_at: int | None = None,
    ) -> Fired:
        """Tell of an event; returns when Gofer has stored it, with what came of it.

        `event_id`: 1 to 200 characters, the same whenever the same event is told, and never used for another. Gofer
        may be away for that time: the event is kept and told again, also if this call is cancelled. The other
        arguments are those of `fire` in docs/trigger-protocol.md. Raises ValueError for what could not be sent, and
        NotFired where the event was not taken for good.
        """
        from gofer_sdk.trigger.event_fields import event_fields

        host = self._host()
        at = self.now() if occurred_at is None else occurred_at
        known = None if subscription is None else subscription.id
        return await host.fire(event_fields(known, event_id, variables or {}, outcome, detail, objects_of, at))

    def spawn(self, name: str, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Start a task of the trigger: what it raises is logged, and it is cancelled when the trigger ends."""
        return self._host().spawn(name, work)

    def now(self) -> int:
        """What time it is, in milliseconds since the epoch."""
        return self.clock.now()

    async def sleep(self, milliseconds: int) -> None:
        """Wait for that long."""
        await self.clock.until(self.now() + milliseconds)

    async def wait_until(self, at: int | None) -> bool:
        """Wait for a time, for ever if it is None, or until a subscription comes or goes.

        Returns whether the time has come. What has changed since the last call counts, so that a loop which looks at
        `self.subscriptions` and then waits misses none. For one loop alone.
        """
        waits: list[asyncio.Task[Any]] = [asyncio.create_task(self.changed.wait(), name="subscriptions")]
        if at is not None:
            waits.append(asyncio.create_task(self.clock.until(at), name="time"))
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        if self.changed.is_set():
            self.changed.clear()
            return False
        return True

    @classmethod
    def main(cls) -> NoReturn:
        """Be the program: dial Gofer, as the environment says, and serve until it asks to end."""
        from gofer_sdk.trigger.program import main

        sys.exit(main(cls))

    def _host(self) -> Host:
        if self.host is None:
            raise RuntimeError(f"{type(self).__name__} is not running: start it with main(), or gofer_sdk.testing.")
        return self.host

    # What the SDK asks.

    @classmethod
    def settings_classes(cls) -> tuple[type[Settings], type[Settings]]:
        """The two classes that it was declared with. Raises TypeError."""
        for base in (base for one in cls.__mro__ for base in one.__dict__.get("__orig_bases__", ())):
            given = get_args(base)
            origin = get_origin(base)
            if not (isinstance(origin, type) and issubclass(origin, Trigger)):
                continue
            if len(given) == 2 and all(isinstance(one, type) and issubclass(one, Settings) for one in given):
                return given[0], given[1]
        raise TypeError(f"class {cls.__name__}: expected Trigger[Settings class, Settings class] as its base.")

    @classmethod
    def offers(cls, method: str) -> bool:
        """Whether the class defines the method."""
        return getattr(cls, method) is not getattr(Trigger, method)

    @classmethod
    def describe(cls) -> dict[str, object]:
        """The reply to `info`."""
        settings, subscription_settings = cls.settings_classes()
        return {
            "description": _first_sentence(cls),
            "version": cls.version,
            "settings": settings.describe(),
            "subscription_settings": subscription_settings.describe(),
            "external_events": cls.offers("external_event"),
            "next": cls.offers("next"),
            "events": list(cls.events),
        }


def _not_offered(trigger: Trigger[Any, Any], method: str) -> NoReturn:
    raise NotImplementedError(f"{type(trigger).__name__} does not define {method}.")


def _first_sentence(cls: type) -> str:
    paragraph = inspect.cleandoc(cls.__doc__ or "").split("\n\n")[0]
    return " ".join(paragraph.split()) or cls.__name__
