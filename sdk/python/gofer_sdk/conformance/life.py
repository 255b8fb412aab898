"""One start of the program that is checked, and Gofer's side of it."""

from __future__ import annotations

import asyncio
import tempfile
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from gofer_sdk.conformance import shapes
from gofer_sdk.conformance.program import Process, Program, start
from gofer_sdk.conformance.step import Failed, within
from gofer_sdk.testing.gofer_side import GoferSide, Peer, started
from gofer_sdk.trigger.clock import SystemClock
from gofer_sdk.trigger.errors import PeerError
from gofer_sdk.trigger.frames import Fields

NAME: Final = "checked"
REPLY: Final = 10.0
HEARTBEAT: Final = 1_000
MAX_FRAME_BYTES: Final = 2 * 1024 * 1024
FIRST, SECOND = "subscription-1", "subscription-2"
"""Their labels, in the pipeline `checked` of the namespace `default`, and their ids."""

Key = tuple[str, str | None]


@dataclass(frozen=True, kw_only=True)
class Outside:
    """A request from outside that leads to an event."""

    query: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b"{}"


@dataclass(frozen=True, kw_only=True)
class Given:
    """What the suite is told. Times are in seconds.

    `settings` are those of the installation, `subscription` those of each subscription; `outside` is sent to have an
    event come. An event must come within
    `fire_within`, or what needs one is not tried; the program must dial within `start_within`.
    """

    settings: Mapping[str, object] = field(default_factory=dict)
    subscription: Mapping[str, object] = field(default_factory=dict)
    outside: Outside = Outside()
    fire_within: float = 10.0
    start_within: float = 30.0


class Events:
    """Answers `fire`, and keeps what came.

    The first event after `hold` is not answered; told again it is refused with `unavailable`, and then called a
    duplicate. Events of the second subscription, which comes and goes, are all answered.
    """

    def __init__(self) -> None:
        self.all: list[Fields] = []
        self.wrong: Failed | None = None
        self.came = asyncio.Event()
        self.held: asyncio.Future[Key] | None = None
        self.told_again = asyncio.Event()
        self.told_after_unavailable = asyncio.Event()
        self._seen: dict[Key, Fields] = {}

    def hold(self) -> asyncio.Future[Key]:
        """The next event will not be answered; its event id and subscription."""
        self.held = asyncio.get_running_loop().create_future()
        return self.held

    async def answer(self, fields: Fields) -> Fields:
        """The reply to a fire."""
        self.all.append(fields)
        self.came.set()
        self._look(fields)
        key: Key = (str(fields.get("event")), fields.get("subscription"))
        if self.held is not None and not self.held.done() and key[1] != SECOND:
            self.held.set_result(key)
            await asyncio.Event().wait()
        if self.held is not None and self.held.done() and key == self.held.result():
            return self._again()
        return _reply(fields, duplicate=False)

    def _again(self) -> Fields:
        if not self.told_again.is_set():
            self.told_again.set()
            raise PeerError("unavailable", "The disk is full, for once.")
        self.told_after_unavailable.set()
        return started() | {"duplicate": True}

    def _look(self, fields: Fields) -> None:
        try:
            shapes.fire(fields)
            key: Key = (fields["event"], fields["subscription"])
            before = self._seen.setdefault(key, fields)
            for name in ("variables", "outcome"):
                if before.get(name) != fields.get(name):
                    raise Failed("no two events with the same id", f"{key[0]!r} with two different {name!r}")
        except Failed as error:
            self.wrong = self.wrong or error


def _reply(fields: Fields, *, duplicate: bool) -> dict[str, Any]:
    words = {"skip": "skipped", "refuse": "refused", "error": "error"}
    outcome = words.get(str(fields.get("outcome")))
    if outcome is None:
        return started() | {"duplicate": duplicate}
    return {"outcome": outcome, "detail": "", "run": None, "url": "", "duplicate": duplicate}


class Life:
    """From the start of the program to its end."""

    def __init__(self, side: GoferSide, process: Process, given: Given) -> None:
        self.side = side
        self.process = process
        self.given = given
        self.events = Events()
        self.info: Fields = {}
        self.created_at = self.now() - 60_000
        self.peer: Peer
        side.on_fire = self.events.answer

    async def connect(self, timeout: float) -> None:
        """Wait for the next connection and its `hello`. Raises Failed."""
        connecting = asyncio.create_task(self.side.connection(timeout), name="connection")
        ending = asyncio.create_task(self.process.exit_code(timeout + 1), name="end")
        await asyncio.wait({connecting, ending}, return_when=asyncio.FIRST_COMPLETED)
        for task in (connecting, ending):
            if not task.done():
                task.cancel()
        await asyncio.wait({connecting, ending})
        if not connecting.cancelled() and connecting.exception() is None:
            self.peer = connecting.result()
            return
        if connecting.cancelled():
            raise Failed("it dials", f"it ended with code {ending.result()}")
        came = "a connection without it" if self.side.peers else "no connection"
        if self.side.handshakes and not self.side.peers:
            came = "a handshake without the header Authorization: Bearer SECRET"
        raise Failed(f"a connection and hello within {timeout:g} s", came)

    async def ask(self, kind: str, /, **fields: object) -> Fields:
        """The reply. Raises PeerError, LinkLost, TimeoutError."""
        return await asyncio.wait_for(self.peer.request(kind, **fields), REPLY)

    async def error_of(self, kind: str, /, **fields: object) -> str:
        """The code of the error that must be answered. Raises Failed."""
        try:
            reply = await self.ask(kind, **fields)
        except PeerError as error:
            return error.code
        raise Failed("an error", f"the reply {shapes.shown(reply)}")

    async def begin(self) -> None:
        """Take a new connection to just before `ready`."""
        await self.ask("configure", settings=dict(self.given.settings))
        for subscription in (FIRST, SECOND):
            await self.subscribe(subscription)

    async def closed(self, timeout: float) -> int | None:
        """What the trigger has closed the connection with. Raises Failed."""
        await within(timeout, self.peer.websocket.wait_closed(), "the end of the connection")
        return self.peer.link.close_code

    async def subscribe(self, subscription: str, **other: object) -> Fields:
        """Tell of a subscription."""
        return await self.ask(
            "subscribe",
            **{
                **self.wish(subscription),
                "subscription": subscription,
                "created_at": self.created_at,
                "last_event_at": None,
                "last_event": None,
                **other,
            },
        )

    def wish(self, label: str) -> dict[str, object]:
        """The fields of `check`, and one that nobody knows."""
        return {
            "namespace": "default",
            "pipeline": "checked",
            "label": label,
            "settings": dict(self.given.subscription),
            "unknown_field": {"deep": [1, None, b"\0"]},
        }

    async def external_event(self, event: str, outside: Outside) -> Fields:
        """The reply to a request from outside. Raises as `ask`."""
        headers = [["content-type", "application/json"], *([name.lower(), value] for name, value in outside.headers)]
        return await self.ask(
            "external_event",
            event=event,
            query=outside.query,
            headers=headers,
            body=outside.body,
            peer="192.0.2.1",
        )

    async def own_event(self, seq: int) -> None:
        """Tell of an event of Gofer's own, of a kind that the trigger asked for."""
        told = {"seq": seq, "at": self.now(), "kind": self.info["events"][0], "namespace": "default"}
        told |= {"pipeline": "other", "run": seq, "data": {"status": "successful"}}
        await self.ask("event", event=told)

    def waits_for_gofer(self) -> bool:
        """Whether an answer to Gofer may wait for the reply to an event."""
        return bool(self.info.get("external_events") or self.info.get("events"))

    def now(self) -> int:
        """The time of day."""
        return SystemClock().now()


@asynccontextmanager
async def life(program: Program, given: Given, output: deque[str]) -> AsyncIterator[Life]:
    """Starts the program, and ends it. Raises CannotStart."""
    with tempfile.TemporaryDirectory(prefix="gofer-check-") as folder:
        path = Path(folder)
        async with GoferSide(path, name=NAME, heartbeat=HEARTBEAT, max_frame_bytes=MAX_FRAME_BYTES) as side:
            # A container's user may be another.
            path.chmod(0o755)
            side.socket.chmod(0o666)
            process = await start(program, side.environment(program.socket(side.socket)), path, output)
            try:
                yield Life(side, process, given)
            finally:
                await process.end()
