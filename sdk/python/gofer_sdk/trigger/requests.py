"""Answers what Gofer asks, with the trigger's methods."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final, Protocol

from gofer_sdk.trigger import told
from gofer_sdk.trigger.errors import InvalidSettings, LinkLost, PeerError, ProtocolError, Refused, Unavailable
from gofer_sdk.trigger.frames import Fields, Request
from gofer_sdk.trigger.link import Link
from gofer_sdk.trigger.tasks import Tasks
from gofer_sdk.trigger.trigger import Trigger
from gofer_sdk.trigger.values import Answer

_AT_ONCE: Final = 100
_MOST_WAITING: Final = 20_000
_MAX_ANSWER_BYTES: Final = 64 * 1024
_OF_A_SUBSCRIPTION: Final = ("namespace", "pipeline", "label", "settings", "created_at")

_Method = Callable[[Link, Fields], Awaitable[Fields]]


class Course(Protocol):
    """What has come so far."""

    @property
    def is_finishing(self) -> bool:
        """Whether `finish` was called."""
        ...

    def configured(self, link: Link) -> None:
        """The trigger has its settings."""
        ...

    def ready(self, link: Link) -> None:
        """It has its subscriptions."""
        ...

    async def finish(self, timeout: float) -> None:
        """Gofer asks it to end: take no new events, and wait for the replies to the others."""
        ...

    def stop(self) -> None:
        """It is to end, and has nobody to say so to."""
        ...

    def state(self) -> dict[str, object]:
        """What the SDK has to say to `debug`."""
        ...


class Requests:
    """Requests are answered side by side, 100 at once, but those of one subscription one after the other.

    A method that raises is answered with an error and logged. What is being done when a connection ends goes on.
    """

    def __init__(self, trigger: Trigger[Any, Any], course: Course) -> None:
        self._trigger = trigger
        self._course = course
        self._tasks = Tasks(trigger.log)
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._chains: dict[str, asyncio.Task[None]] = {}
        self._settings, self._subscription_settings = trigger.settings_classes()
        self._configured: Fields | None = None
        self._raw: dict[str, Fields] = {}
        self._link: Link | None = None
        self._told: set[str] = set()
        self._methods = self._offered()

    def begin(self, link: Link) -> None:
        """A connection begins: what it does not tell of until `ready` has ended."""
        self._link = link
        self._told = set()

    def take(self, link: Link, request: Request) -> None:
        """Begin to answer."""
        if request.id is None:
            return
        if len(self._tasks) >= _MOST_WAITING:
            failing = link.fail(request.id, "unavailable", "Too many requests wait for this trigger.")
            self._tasks.spawn("refusal", _unless_lost(failing))
            return
        own = self._key(request)
        if request.kind == "ready":
            # Not for what is done with an event: that may wait for what comes after `ready`.
            before = [chain for key, chain in self._chains.items() if key != "event"]
        else:
            before = [chain for one in ("configure", own) if (chain := self._chains.get(one)) is not None]
        task = self._tasks.spawn(request.kind, self._answer(link, request.id, request, before))
        if own:
            self._chains[own] = task
            task.add_done_callback(lambda done: self._chains.pop(own) if self._chains.get(own) is done else None)

    async def settle(self) -> None:
        """Wait until all is answered, but for who calls this."""
        while others := self._tasks.running() - {asyncio.current_task()}:
            await asyncio.wait(others)

    async def cancel(self) -> None:
        """Give up what is being done."""
        await self._tasks.cancel()

    def _key(self, request: Request) -> str:
        if request.kind in ("subscribe", "unsubscribe"):
            subscription = request.fields.get("subscription")
            if request.kind == "subscribe" and isinstance(subscription, str):
                self._told.add(subscription)
            return f"subscription {subscription}"
        return request.kind if request.kind in ("configure", "event") else ""

    def _offered(self) -> dict[str, _Method]:
        methods: dict[str, _Method] = {
            "info": self._info,
            "configure": self._configure,
            "check": self._check,
            "subscribe": self._subscribe,
            "unsubscribe": self._unsubscribe,
            "ready": self._ready,
            "debug": self._debug,
            "shutdown": self._shutdown,
        }
        more = {"external_event": self._external_event, "next": self._next, "event": self._event}
        return methods | {kind: method for kind, method in more.items() if self._trigger.offers(kind)}

    async def _answer(self, link: Link, re: int, request: Request, before: list[asyncio.Task[None]]) -> None:
        if before:
            await asyncio.wait(before)
        try:
            async with self._slots:
                answer = await self._method(request.kind)(link, request.fields)
            try:
                await link.reply(re, answer)
            except ProtocolError as error:
                raise PeerError("failed", f"The trigger's answer cannot be sent: {error}") from None
            if request.kind == "shutdown":
                await link.close(1000)
        except LinkLost:
            if request.kind == "shutdown":
                self._course.stop()
        except Exception as error:
            await _unless_lost(link.fail(re, *self._error(request.kind, error)))

    def _method(self, kind: str) -> _Method:
        method = self._methods.get(kind)
        if method is None:
            raise PeerError("unknown_kind", f'This trigger does not know the kind "{kind[:64]}".')
        if self._configured is None and kind not in ("info", "configure", "debug", "shutdown"):
            raise Unavailable("The trigger has no settings yet: configure comes first.")
        if self._course.is_finishing and kind in ("event", "external_event"):
            raise Unavailable("The trigger is ending: it takes no new events.")
        return method

    def _error(self, kind: str, error: Exception) -> tuple[str, str]:
        """The code and the message of what a method has raised."""
        if isinstance(error, InvalidSettings):
            return "invalid_settings" if kind == "configure" else "refused", str(error)
        if isinstance(error, PeerError):
            return error.code, str(error)
        for known, code in ((Refused, "refused"), (told.InvalidRequest, "invalid"), (Unavailable, "unavailable")):
            if isinstance(error, known):
                return code, str(error)
        self._trigger.log.error("%s has failed.", kind, exc_info=error)
        return "failed", f"{type(error).__name__}: {error}"

    async def _info(self, link: Link, fields: Fields) -> Fields:
        return self._trigger.describe()

    async def _configure(self, link: Link, fields: Fields) -> Fields:
        raw = told.told(fields, "settings", dict)
        if raw != self._configured:
            settings = self._settings.decode(raw)
            await self._trigger.configure(settings)
            self._trigger.settings = settings
            self._configured = raw
        self._course.configured(link)
        return {}

    async def _check(self, link: Link, fields: Fields) -> Fields:
        warnings = await self._trigger.check(told.subscription(fields, self._subscription_settings, ""))
        return {"warnings": list(warnings)} if warnings else {}

    async def _subscribe(self, link: Link, fields: Fields) -> Fields:
        known = told.told(fields, "subscription", str)
        raw = {name: fields.get(name) for name in _OF_A_SUBSCRIPTION}
        if self._raw.get(known) == raw:
            return {}
        await self._end(known)
        subscription = told.subscription(fields, self._subscription_settings, known)
        await self._trigger.subscribe(subscription)
        self._trigger.subscriptions[known] = subscription
        self._raw[known] = raw
        self._trigger.changed.set()
        return {}

    async def _unsubscribe(self, link: Link, fields: Fields) -> Fields:
        known = told.told(fields, "subscription", str)
        self._told.discard(known)
        await self._end(known)
        return {}

    async def _end(self, known: str) -> None:
        """End a subscription, if it is there; it is gone also if the trigger's method fails."""
        subscription = self._trigger.subscriptions.pop(known, None)
        self._raw.pop(known, None)
        if subscription is None:
            return
        self._trigger.changed.set()
        try:
            await self._trigger.unsubscribe(subscription)
        except Exception:
            self._trigger.log.exception("unsubscribe of %s has failed; it has ended all the same.", subscription)

    async def _ready(self, link: Link, fields: Fields) -> Fields:
        if link is not self._link:
            return {}
        for known in [known for known in self._trigger.subscriptions if known not in self._told]:
            await self._end(known)
        self._course.ready(link)
        return {}

    async def _next(self, link: Link, fields: Fields) -> Fields:
        known, count = told.told(fields, "subscription", str), told.told(fields, "count", int)
        if not 1 <= count <= 100:
            raise told.InvalidRequest(f'"count": expected 1 to 100, got {count}.')
        if (subscription := self._trigger.subscriptions.get(known)) is None:
            raise PeerError("unknown_subscription", f'There is no subscription "{known[:100]}".')
        return {"times": [int(at) for at in await self._trigger.next(subscription, count)][:count]}

    async def _external_event(self, link: Link, fields: Fields) -> Fields:
        answer = await self._trigger.external_event(told.external_event(fields))
        return _sent(answer)

    async def _event(self, link: Link, fields: Fields) -> Fields:
        await self._trigger.event(told.gofer_event(fields))
        return {}

    async def _debug(self, link: Link, fields: Fields) -> Fields:
        return {"state": {"sdk": self._course.state(), **await self._trigger.debug()}}

    async def _shutdown(self, link: Link, fields: Fields) -> Fields:
        await self._course.finish(told.told(fields, "timeout", int, 10_000) / 1000)
        return {}


def _sent(answer: Answer) -> Fields:
    """The reply to `external_event`. Raises ValueError."""
    if not 200 <= answer.status <= 599:
        raise ValueError(f"An answer has a status from 200 to 599, got {answer.status}.")
    body = answer.body.encode() if isinstance(answer.body, str) else answer.body
    if len(body) > _MAX_ANSWER_BYTES:
        raise ValueError(f"An answer has a body of at most {_MAX_ANSWER_BYTES:,} bytes, got {len(body):,}.")
    fields: Fields = {"status": answer.status}
    if answer.content_type:
        fields["content_type"] = answer.content_type
    if body:
        fields["body"] = answer.body
    return fields


async def _unless_lost(sending: Awaitable[None]) -> None:
    with suppress(LinkLost):
        await sending
