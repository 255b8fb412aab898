"""One connection, with a trigger that is played by the test: what is answered, and how it ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest

from gofer import __version__
from gofer.errors import InvalidInput, Unavailable
from gofer.models.trigger import TriggerInfo
from gofer.server.triggers.contract import Fire, Fired, Session, TriggerAway, TriggerRefused
from gofer.server.triggers.link import Link
from gofer.server.triggers.session import MAX_UNANSWERED, Ending, TriggerSession
from gofer.server.triggers.sessions import Roster
from gofer.server.triggers.times import Times

PATIENCE = 10.0


class Wire:
    """Implements `link.Socket`; the test is at its other end."""

    def __init__(self) -> None:
        self.inbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.outbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.closed: tuple[int, str] | None = None
        self.last_id = 0

    async def receive(self) -> Any:
        return await self.inbox.get()

    async def send_bytes(self, data: bytes) -> None:
        self.outbox.put_nowait(msgspec.msgpack.decode(data))

    async def close(self, code: int = 1000, reason: str | None = None) -> None:
        self.closed = (code, reason or "")

    # -- the trigger's side

    def send(self, **frame: Any) -> None:
        self.inbox.put_nowait({"type": "websocket.receive", "bytes": msgspec.msgpack.encode(frame)})

    def ask(self, kind: str, **fields: Any) -> int:
        self.last_id += 1
        self.send(id=self.last_id, kind=kind, **fields)
        return self.last_id

    def hang_up(self, code: int = 1006) -> None:
        self.inbox.put_nowait({"type": "websocket.disconnect", "code": code})

    async def next(self, kind: str = "") -> dict[str, Any]:
        """The next frame, pings aside unless they are asked for; of that kind."""
        while True:
            async with asyncio.timeout(PATIENCE):
                frame = await self.outbox.get()
            if frame.get("kind") == "ping" and kind != "ping":
                self.send(re=frame["id"])
            elif not kind or frame.get("kind") == kind:
                return frame

    async def reply(self, to: int) -> dict[str, Any]:
        while (frame := await self.next()).get("re") != to:
            pass
        return frame

    async def configured(self, info: Mapping[str, Any] = {}) -> None:
        assert (await self.reply(self.ask("hello", protocol=1, name="one", program="test 1"))).keys() >= {"server"}
        self.send(re=(await self.next("info"))["id"], **info)
        self.send(re=(await self.next("configure"))["id"])


class Host:
    """Implements `session.Host`, and notes what it is told."""

    name, key = "one", 7

    def __init__(self, settings: Mapping[str, Any] | None) -> None:
        self._settings = settings
        self.info: TriggerInfo | None = None
        self.noted: list[tuple[str, ...]] = []
        self.ending: Ending | None = None

    async def settings(self, info: TriggerInfo) -> Mapping[str, Any] | None:
        self.info = info
        return self._settings

    def refused(self, code: str, words: str) -> None:
        self.noted.append(("refused", code, words))

    async def established(self, session: TriggerSession) -> None:
        self.noted.append(("established",))

    def logged(self, level: str, message: str) -> None:
        self.noted.append((level, message))

    def ended(self, session: TriggerSession, ending: Ending) -> None:
        self.ending = ending


class Listener:
    """Implements `contract.Listener`: events are answered as their ids say, once `gate` is open."""

    def __init__(self) -> None:
        self.taken: list[Fire] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def established(self, session: Session) -> None:
        await session.request("ready", {})

    async def fire(self, session: Session, fire: Fire) -> Fired:
        self.taken.append(fire)
        await self.gate.wait()
        if fire.event == "unknown":
            raise TriggerRefused("unknown_subscription", "there is none")
        if fire.event == "away":
            raise Unavailable("the disk is full")
        if fire.event == "wrong":
            raise InvalidInput("the value is wrong", "Mend it.")
        if fire.event == "defect":
            raise ZeroDivisionError
        return Fired(outcome="started", run=3, url="http://x/3")

    def lost(self, session: Session) -> None:
        return


class Played:
    def __init__(self, times: Times, settings: Mapping[str, Any] | None) -> None:
        self.wire, self.host, self.listener, self.roster = Wire(), Host(settings), Listener(), Roster()
        self.session = TriggerSession(Link(self.wire), self.host, self.roster, self.listener, times, 1024 * 1024)
        self.task = asyncio.create_task(self.session.run())

    async def end(self) -> Ending:
        async with asyncio.timeout(PATIENCE):
            await self.task
        assert self.host.ending is not None
        assert self.roster.find("one") is None
        return self.host.ending


@asynccontextmanager
async def played(
    times: Times = Times(),  # noqa: B008
    settings: Mapping[str, Any] | None = {},
) -> AsyncIterator[Played]:
    it = Played(times, settings)
    yield it
    it.task.cancel()
    await asyncio.gather(it.task, return_exceptions=True)


async def test_its_course() -> None:
    async with played(settings={"word": "x"}) as it:
        wire = it.wire
        told = await wire.reply(wire.ask("hello", protocol=1, name="one", program="test 1", more=1))
        assert told == {
            "re": 1, "protocol": 1, "server": __version__, "heartbeat": 15_000, "max_frame_bytes": 1_048_576,
            "max_event_bytes": 16 * 1_048_576, "max_unanswered": MAX_UNANSWERED,
        }  # fmt: skip
        info = await wire.next("info")
        early = wire.ask("fire", event="e", subscription="1")
        assert (await wire.reply(early))["error"]["code"] == "invalid"
        wire.send(re=info["id"], description="d", settings=[{"name": "word"}])
        configure = await wire.next("configure")
        assert configure["settings"] == {"word": "x"}
        assert it.roster.find("one") is None
        wire.send(re=configure["id"])
        ready = await wire.next("ready")
        assert it.roster.find("one") is it.session
        wire.send(re=ready["id"])
        assert (it.session.trigger, it.session.trigger_key, it.session.program) == ("one", 7, "test 1")
        assert it.session.info.description == "d"
        wire.hang_up()
        assert await it.end() == Ending(1006)
        assert ("established",) in it.host.noted


async def test_what_is_answered() -> None:
    async with played() as it:
        wire = it.wire
        await wire.configured()
        wire.send(re=(await wire.next("ready"))["id"])
        for kind, fields, expected in (
            ("fire", {"event": "good", "subscription": "1"}, None),
            ("fire", {"event": "unknown", "subscription": "1"}, "unknown_subscription"),
            ("fire", {"event": "away", "subscription": "1"}, "unavailable"),
            ("fire", {"event": "wrong", "subscription": "1"}, "failed"),
            ("fire", {"event": "defect", "subscription": "1"}, "unavailable"),
            ("fire", {"event": ""}, "invalid"),
            ("dance", {}, "unknown_kind"),
            ("hello", {"protocol": 1, "name": "one"}, "invalid"),
        ):
            answer = await wire.reply(wire.ask(kind, **fields))
            assert answer.get("error", {}).get("code") == expected, (kind, fields, answer)
        assert await wire.reply(wire.ask("ping")) == {"re": wire.last_id}
        wire.send(kind="dance")
        wire.send(kind="log", level="warning", message="oh")
        wire.send(kind="log", level="loud", message="oh")
        wire.send(re=4711)
        assert await wire.reply(wire.ask("ping")) == {"re": wire.last_id}
        assert ("warning", "oh") in it.host.noted
        assert any("could not read a log message" in note[-1] for note in it.host.noted)
        assert it.roster.told == {("one", "started"): 1, ("one", "failed"): 4}
        asking = asyncio.create_task(it.session.request("debug", {}))
        wire.send(re=(await wire.next("debug"))["id"], error={"code": "failed", "message": "no"})
        with pytest.raises(TriggerRefused, match="no"):
            await asking
        with pytest.raises(TriggerAway, match="did not answer within"):
            await it.session.request("debug", {}, 0.01)
        with pytest.raises(InvalidInput):
            await it.session.request("debug", {"number": 2**80})
        asking = asyncio.create_task(it.session.request("debug", {}))
        await wire.next("debug")
        wire.hang_up(1000)
        with pytest.raises(TriggerAway, match="has gone"):
            await asking
        assert await it.end() == Ending(1000)
        with pytest.raises(TriggerAway):
            await it.session.request("debug", {})


async def test_who_tells_of_too_much_at_once_is_not_read() -> None:
    async with played() as it:
        await it.wire.configured()
        it.listener.gate.clear()
        asked = [it.wire.ask("fire", event=f"e{n}", subscription="1") for n in range(MAX_UNANSWERED + 10)]
        while len(it.listener.taken) < MAX_UNANSWERED:
            await asyncio.sleep(0)
        for _ in range(100):
            await asyncio.sleep(0)
        assert len(it.listener.taken) == MAX_UNANSWERED
        assert it.wire.inbox.qsize() == 10
        it.listener.gate.set()
        for to in asked:
            assert (await it.wire.reply(to))["outcome"] == "started"


@pytest.mark.parametrize(
    ("first", "code", "error"),
    [
        ({"kind": "hello", "protocol": 2, "name": "one"}, 4426, "version"),
        ({"kind": "hello", "protocol": 1, "name": "two"}, 4426, "name"),
        ({"kind": "hello", "protocol": "1", "name": "one"}, 4400, None),
        ({"kind": "ping"}, 4400, None),
        ({"re": 1}, 4400, None),
    ],
)
async def test_who_begins_otherwise(first: dict[str, Any], code: int, error: str | None) -> None:
    async with played() as it:
        it.wire.send(**({"id": 1} if "kind" in first else {}), **first)
        assert (await it.end()).code == code
        assert it.wire.closed is not None
        assert it.wire.closed[0] == code
        if error is not None:
            assert (await it.wire.next())["error"]["code"] == error


async def test_who_says_nothing_in_time() -> None:
    async with played(Times(hello=0.05)) as it:
        assert (await it.end()).code == 4408
        assert it.wire.closed == (4408, "No `hello` came within 0.05 seconds.")


async def test_who_does_not_answer_a_ping() -> None:
    async with played(Times(heartbeat=0.05)) as it:
        it.wire.ask("hello", protocol=1, name="one")
        ending = await it.end()
        assert ending.code in (4408, 4400)
        assert "No reply to `ping`" in ending.reason


async def test_texts_and_junk_end_the_connection() -> None:
    for message in ({"type": "websocket.receive", "text": "hi"}, {"type": "websocket.receive", "bytes": b"\xc1"}):
        async with played() as it:
            await it.wire.configured()
            it.wire.inbox.put_nowait(message)
            assert (await it.end()).code == 4400


async def test_settings_that_it_does_not_take() -> None:
    async with played() as it:
        wire = it.wire
        wire.ask("hello", protocol=1, name="one")
        wire.send(re=(await wire.next("info"))["id"])
        error = {"code": "invalid_settings", "message": "no such word"}
        wire.send(re=(await wire.next("configure"))["id"], error=error)
        await it.end()
        assert it.host.noted == [("refused", "invalid_settings", "no such word")]


async def test_who_is_only_asked_is_told_to_go() -> None:
    async with played(settings=None) as it:
        wire = it.wire
        wire.ask("hello", protocol=1, name="one")
        wire.send(re=(await wire.next("info"))["id"], description="d")
        wire.send(re=(await wire.next("shutdown"))["id"])
        assert (await it.end()).code == 1000
        assert it.host.info == TriggerInfo(description="d")


async def test_gofer_ends() -> None:
    async with played() as it:
        await it.wire.configured()
        await it.wire.next("ready")
        it.task.cancel()
        await asyncio.gather(it.task, return_exceptions=True)
        assert it.wire.closed == (1001, "Gofer is stopping.")
