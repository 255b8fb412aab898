"""Runs a trigger in the test's own process, against Gofer's side of the protocol, over a real socket."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from gofer_sdk.testing.clock import ManualClock
from gofer_sdk.testing.gofer_side import GoferSide, Peer, started
from gofer_sdk.trigger.dial import Address
from gofer_sdk.trigger.errors import InvalidSettings, PeerError, Refused
from gofer_sdk.trigger.frames import Fields
from gofer_sdk.trigger.runtime import Runtime
from gofer_sdk.trigger.trigger import Trigger
from gofer_sdk.trigger.values import Answer, RunOf

TriggerT = TypeVar("TriggerT", bound=Trigger[Any, Any])
_DEADLINE = 10.0


@dataclass(frozen=True, kw_only=True)
class ToldEvent:
    """An event that the trigger told of; `label` is that of its subscription, empty where it is nobody's."""

    event: str
    label: str
    outcome: str
    detail: str
    variables: Mapping[str, str]
    objects_of: RunOf | None
    occurred_at: int | None


class Running(Generic[TriggerT]):
    """A trigger that runs: `trigger` is its object, `clock` its clock, `logs` its log lines (level, message)."""

    def __init__(self, trigger: TriggerT, side: GoferSide, clock: ManualClock, settings: Mapping[str, object]) -> None:
        self.trigger = trigger
        self.clock = clock
        self.logs: list[tuple[str, str]] = []
        self.events: asyncio.Queue[ToldEvent] = asyncio.Queue()
        # What Gofer answers to `fire`; a test may set other fields, or a PeerError.
        self.answer: Fields | PeerError | None = None
        # Whether Gofer answers `fire` not at all.
        self.swallow = False
        self._not_taken: asyncio.Queue[ToldEvent] = asyncio.Queue()
        self._side = side
        self._settings = dict(settings)
        self._subscribed: dict[str, dict[str, object]] = {}
        self._seen: dict[tuple[str, object], Fields] = {}
        self._runs = 0
        self._ended = False
        self._peer: Peer

    async def subscribe(
        self,
        label: str,
        settings: Mapping[str, object] | None = None,
        *,
        namespace: str = "default",
        pipeline: str = "pipeline",
        created_at: int | None = None,
        last_event_at: int | None = None,
        last_event: str | None = None,
    ) -> None:
        """Tell of a subscription; one of the same label is replaced. Raises Refused with the trigger's words."""
        at = self.clock.now() if created_at is None else created_at
        fields = {**_subscription(label, settings, namespace, pipeline), "subscription": label, "created_at": at}
        fields |= {"last_event_at": last_event_at, "last_event": last_event}
        self._subscribed[label] = fields
        try:
            await self._ask("subscribe", fields)
        except Refused:
            del self._subscribed[label]
            raise

    async def unsubscribe(self, label: str) -> None:
        """End a subscription."""
        self._subscribed.pop(label, None)
        await self._ask("unsubscribe", {"subscription": label})

    async def check(
        self,
        label: str,
        settings: Mapping[str, object] | None = None,
        *,
        namespace: str = "default",
        pipeline: str = "pipeline",
    ) -> list[str]:
        """The warnings of a subscription that is only asked about. Raises Refused with the trigger's words."""
        reply = await self._ask("check", _subscription(label, settings, namespace, pipeline))
        return [str(warning) for warning in reply.get("warnings", [])]

    async def fired(self, timeout: float = _DEADLINE) -> ToldEvent:
        """The next event that it tells of, within `timeout` seconds of real time. Raises TimeoutError."""
        return await asyncio.wait_for(self.events.get(), timeout)

    async def refused(self, timeout: float = _DEADLINE) -> ToldEvent:
        """The next event that Gofer did not take, as `answer` or `swallow` say. Raises TimeoutError."""
        return await asyncio.wait_for(self._not_taken.get(), timeout)

    async def logged(self, text: str, timeout: float = _DEADLINE) -> str:
        """The first log line that holds the text. Raises TimeoutError."""
        async with asyncio.timeout(timeout):
            while not (found := [line for _, line in self.logs if text in line]):
                self._peer.came.clear()
                await self._peer.came.wait()
        return found[0]

    async def external_event(
        self,
        body: bytes,
        headers: Mapping[str, str] | Sequence[tuple[str, str]] = (),
        query: str = "",
        *,
        event: str = "event-1",
        peer: str = "192.0.2.1",
    ) -> Answer:
        """What the trigger answers to a request from outside."""
        pairs = list(headers.items() if isinstance(headers, Mapping) else headers)
        told = [[name.lower(), value] for name, value in pairs]
        reply = await self._ask(
            "external_event", {"event": event, "query": query, "headers": told, "body": body, "peer": peer}
        )
        return Answer(status=reply["status"], body=reply.get("body", b""), content_type=reply.get("content_type", ""))

    async def next(self, label: str, count: int = 10) -> list[int]:
        """The next times of a subscription."""
        return list((await self._ask("next", {"subscription": label, "count": count}))["times"])

    async def event(self, seq: int, kind: str, **fields: object) -> None:
        """Tell of one of Gofer's own events: `pipeline`, `run`, `data` and so on; returns when it was taken."""
        told = {"seq": seq, "at": self.clock.now(), "kind": kind, "namespace": "default", **fields}
        await self._ask("event", {"event": told})

    async def debug(self) -> dict[str, Any]:
        """What it says of itself."""
        return dict((await self._ask("debug", {}))["state"])

    def forget(self, label: str) -> None:
        """Leave a subscription out when all is told anew, as if it had ended meanwhile."""
        del self._subscribed[label]

    async def cut(self) -> None:
        """Cut the connection, and tell all anew on the next one."""
        self._peer.websocket.transport.abort()
        await self.begin()

    def prepare(self, subscriptions: Mapping[str, Mapping[str, object]]) -> None:
        """Subscriptions, by label, that are there from the beginning."""
        for label, settings in subscriptions.items():
            fields = _subscription(label, settings, "default", "pipeline")
            self._subscribed[label] = {**fields, "subscription": label, "created_at": self.clock.now()}

    async def begin(self) -> None:
        """Take the next connection through its begin."""
        self._peer = await self._side.connection(_DEADLINE)
        self.logs.extend(self._peer.logs)
        self._peer.logs = self.logs
        await self._ask("configure", {"settings": self._settings})
        for fields in self._subscribed.values():
            await self._ask("subscribe", fields)
        await self._ask("ready", {})

    async def end(self) -> None:
        """Ask it to end, as is done after the test unless the test does."""
        if self._ended:
            return
        self._ended = True
        await self._ask("shutdown", {"timeout": 10_000})

    async def on_fire(self, fields: Fields) -> Fields:
        """Gofer's reply: it knows what it was told before."""
        key = (fields["event"], fields.get("subscription"))
        if self.swallow or isinstance(self.answer, PeerError):
            self._not_taken.put_nowait(_told(fields))
        if self.swallow:
            await asyncio.Event().wait()
        if isinstance(self.answer, PeerError):
            raise self.answer
        if key in self._seen:
            return {**self._seen[key], "duplicate": True}
        outcome = fields.get("outcome", "start")
        if outcome == "start":
            self._runs += 1
            reply: Fields = started(self._runs)
        else:
            words = {"skip": "skipped", "refuse": "refused"}
            reply = {"outcome": words.get(outcome, "error"), "detail": fields.get("detail", ""), "run": None, "url": ""}
        self._seen[key] = reply = self.answer or reply
        self.events.put_nowait(_told(fields))
        return reply

    async def _ask(self, kind: str, fields: Mapping[str, object]) -> Fields:
        try:
            return await asyncio.wait_for(self._peer.request(kind, **fields), _DEADLINE)
        except PeerError as error:
            if error.code == "invalid_settings":
                raise InvalidSettings(str(error)) from None
            if error.code == "refused":
                raise Refused(str(error)) from None
            raise


@asynccontextmanager
async def running(
    trigger: type[TriggerT],
    settings: Mapping[str, object] | None = None,
    *,
    subscriptions: Mapping[str, Mapping[str, object]] | None = None,
    clock: ManualClock | None = None,
    name: str = "test",
) -> AsyncIterator[Running[TriggerT]]:
    """Runs a trigger: installed with `settings`, and with `subscriptions` (settings by label) from the beginning.

    async with running(Every, subscriptions={"nightly": {"every": "1h"}}) as t:
        await t.clock.advance("1h")
        event = await t.fired()

    Raises InvalidSettings and Refused in the trigger's own words.
    """
    one = trigger()
    one.clock = time = clock or ManualClock()
    with tempfile.TemporaryDirectory(prefix="gofer-") as folder:
        side = GoferSide(Path(folder), name=name)
        under_test = Running(one, side, time, settings or {})
        side.on_fire = under_test.on_fire
        under_test.prepare(subscriptions or {})
        async with side:
            address = Address(name=name, url="ws://localhost/", secret=side.secret, socket=str(side.socket))
            runtime = Runtime(one, address, "gofer-sdk test")
            serving = asyncio.create_task(runtime.serve(), name="trigger")
            try:
                await under_test.begin()
                yield under_test
                await under_test.end()
                if code := await asyncio.wait_for(serving, _DEADLINE):
                    raise AssertionError(f"The trigger ended with code {code}: {under_test.logs}")
            finally:
                serving.cancel()
                await asyncio.wait({serving})
                if not serving.cancelled() and (error := serving.exception()) is not None:
                    raise error


def _subscription(
    label: str, settings: Mapping[str, object] | None, namespace: str, pipeline: str
) -> dict[str, object]:
    return {"namespace": namespace, "pipeline": pipeline, "label": label, "settings": dict(settings or {})}


def _told(fields: Fields) -> ToldEvent:
    objects = fields.get("objects_of")
    return ToldEvent(
        event=fields["event"],
        label=fields["subscription"] or "",
        outcome=fields.get("outcome", "start"),
        detail=fields.get("detail", ""),
        variables=fields.get("variables", {}),
        objects_of=RunOf(pipeline=objects["pipeline"], run=objects["run"]) if objects else None,
        occurred_at=fields.get("occurred_at"),
    )
