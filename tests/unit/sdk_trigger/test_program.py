"""A trigger as a program, and what holds it together when things go wrong."""

from __future__ import annotations

import asyncio
import logging
import os
import ssl
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest
from websockets.asyncio.server import ServerConnection, serve

from gofer_sdk.testing import running
from gofer_sdk.testing.gofer_side import GoferSide, Peer
from gofer_sdk.trigger import Event, NoSettings, NotFired, Subscription, Trigger, Unavailable
from gofer_sdk.trigger.dial import Address, NotStartedByGofer, Pauses
from gofer_sdk.trigger.errors import LinkLost, PeerError
from gofer_sdk.trigger.frames import Fields
from gofer_sdk.trigger.link import Link
from gofer_sdk.trigger.outbox import Outbox
from gofer_sdk.trigger.runtime import Runtime
from tests.support.certificates import Authority
from tests.unit.sdk_trigger.every import Every

PROGRAM = [sys.executable, "-m", "tests.unit.sdk_trigger.every"]


def test_the_sdk_alone_needs_neither_library() -> None:
    code = "import sys, gofer_sdk; print({'msgpack', 'websockets', 'asyncio'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout == b"set()\n"


def test_without_gofer() -> None:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("GOFER_")}
    done = subprocess.run(PROGRAM, env={**environ, "GOFER_TRIGGER_NAME": "x"}, capture_output=True, check=False)
    assert done.returncode == 2
    assert b"Not set: GOFER_TRIGGER_URL, GOFER_TRIGGER_SECRET." in done.stderr
    with pytest.raises(NotStartedByGofer, match='expected ws://… or wss://…, got "http://x"'):
        Address.from_environment(
            {"GOFER_TRIGGER_NAME": "x", "GOFER_TRIGGER_URL": "http://x", "GOFER_TRIGGER_SECRET": "s"}
        )


async def test_sigterm_while_gofer_is_away(tmp_path: Path) -> None:
    environ = {**os.environ, "GOFER_TRIGGER_NAME": "x", "GOFER_TRIGGER_URL": "ws://x/", "GOFER_TRIGGER_SECRET": "s"}
    process = await asyncio.create_subprocess_exec(
        *PROGRAM, env={**environ, "GOFER_TRIGGER_SOCKET": str(tmp_path / "none")}, stderr=asyncio.subprocess.PIPE
    )
    assert process.stderr is not None
    line = await asyncio.wait_for(process.stderr.readline(), 30)
    assert b"Gofer cannot be reached" in line
    process.terminate()
    assert await asyncio.wait_for(process.wait(), 30) == 0


class Quiet(Trigger[NoSettings, NoSettings]):
    """Does nothing by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.order: list[str] = []
        self.at_once = 0
        self.most_at_once = 0
        self.runs = 0

    async def subscribe(self, subscription: Subscription[NoSettings]) -> None:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(0)
        self.at_once -= 1
        self.order.append(f"+{subscription.label}")

    async def unsubscribe(self, subscription: Subscription[NoSettings]) -> None:
        self.order.append(f"-{subscription.label}")
        if subscription.label == "bad":
            raise RuntimeError("as told")

    async def run(self) -> None:
        self.runs += 1
        if self.runs == 1:
            raise RuntimeError("the first time")

    async def check(self, subscription: Subscription[NoSettings]) -> None:
        raise Unavailable("The service is away.")


async def test_what_is_asked_about_one_subscription_is_done_in_order() -> None:
    async with running(Quiet) as t:
        await asyncio.gather(*(t.subscribe(f"s{n}") for n in range(1000)))
        assert 1 < t.trigger.most_at_once <= 100
        t.trigger.order.clear()
        async with asyncio.TaskGroup() as group:
            for _ in range(3):
                group.create_task(t.unsubscribe("s1"))
                group.create_task(t.subscribe("s1"))
        assert t.trigger.order == ["-s1", "+s1"] * 3
        await t.subscribe("bad")
        await t.unsubscribe("bad")
        assert "bad" not in t.trigger.subscriptions
        assert "as told" in await t.logged("unsubscribe of default/pipeline/bad has failed")
        with pytest.raises(PeerError, match="The service is away"):
            await t.check("s1")


async def test_a_run_that_raises_is_begun_again() -> None:
    async with running(Quiet) as t:
        assert "the first time" in await t.logged("run has failed; it is begun again in 1 seconds")
        while t.trigger.runs < 2:
            await asyncio.sleep(0.02)


async def test_too_many_events_wait() -> None:
    lines: list[str] = []
    log = logging.Logger("test")
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(record.getMessage())  # type: ignore[method-assign]
    log.addHandler(handler)
    outbox = Outbox(log, most=2)
    waiting = [asyncio.create_task(outbox.put({"event": f"e{n}", "subscription": None})) for n in range(3)]
    with pytest.raises(NotFired, match="the oldest is dropped, e0") as caught:
        await asyncio.wait_for(waiting[0], 10)
    assert caught.value.code == "dropped"
    assert len(outbox) == 2
    assert lines == ["More than 2 events wait for Gofer: the oldest is dropped, e0. 1 so far."]
    for task in waiting:
        task.cancel()
    await asyncio.wait(waiting)
    # What is no longer waited for is kept all the same.
    assert len(outbox) == 2


async def test_an_event_that_is_dropped_while_it_is_told_stops_no_other() -> None:
    asked: asyncio.Queue[object] = asyncio.Queue()
    go = asyncio.Event()

    class Slow:
        async def request(self, _kind: str, **fields: object) -> Fields:
            asked.put_nowait(fields["event"])
            await go.wait()
            return {"outcome": "started", "run": 1}

    outbox = Outbox(logging.Logger("test"), most=1)
    telling = asyncio.create_task(outbox.tell(cast(Link, Slow()), 2))
    first = asyncio.create_task(outbox.put({"event": "e0", "subscription": None}))
    assert await asyncio.wait_for(asked.get(), 10) == "e0"
    second = asyncio.create_task(outbox.put({"event": "e1", "subscription": None}))
    with pytest.raises(NotFired, match="the oldest is dropped, e0"):
        await asyncio.wait_for(first, 10)
    go.set()
    assert (await asyncio.wait_for(second, 10)).run == 1
    assert not telling.done()
    telling.cancel()
    await asyncio.wait([telling])


def test_pauses() -> None:
    pauses = Pauses()
    assert pauses.take() == 0
    for expected in (0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5, 5):
        assert expected * 0.8 <= pauses.take() <= expected * 1.2
    pauses.reset()
    assert pauses.take() == 0


@pytest.mark.parametrize(
    ("send", "exit_code"),
    [
        (lambda peer: peer.websocket.send("a text"), 1),
        (lambda peer: peer.websocket.send(b"\xc1"), 1),
        (lambda peer: peer.websocket.close(4400, "no frame"), 1),
        (lambda peer: peer.websocket.close(4409, "another"), 4),
        (lambda peer: peer.websocket.close(4426, "version"), 1),
        (lambda peer: peer.websocket.close(1000), 0),
    ],
    ids=["text", "junk", "4400", "4409", "4426", "1000"],
)
async def test_how_a_connection_ends_it(send: Callable[..., object], exit_code: int, tmp_path: Path) -> None:
    async with GoferSide(tmp_path, name="x") as side:
        address = Address(name="x", url="ws://x/", secret=side.secret, socket=str(side.socket))
        serving = asyncio.create_task(Runtime(Every(), address, "test").serve())
        peer = await side.connection(10)
        sent = send(peer)
        assert asyncio.iscoroutine(sent)
        await sent
        assert await asyncio.wait_for(serving, 10) == exit_code


async def test_a_connection_that_is_lost_while_it_ends(tmp_path: Path) -> None:
    """It tells of what waits on the next connection, and ends."""
    told: asyncio.Queue[object] = asyncio.Queue()

    async def never(fields: Fields) -> Fields:
        told.put_nowait(fields["event"])
        await asyncio.Event().wait()
        raise AssertionError

    async def begin() -> Peer:
        peer = await side.connection(10)
        await peer.request("configure", settings={})
        await peer.request("ready")
        return peer

    async with GoferSide(tmp_path, name="x") as side:
        side.on_fire = never
        trigger = Quiet()
        address = Address(name="x", url="ws://x/", secret=side.secret, socket=str(side.socket))
        serving = asyncio.create_task(Runtime(trigger, address, "test").serve())
        peer = await begin()
        firing = asyncio.create_task(trigger.fire(None, "e1", outcome="skip"))
        assert await asyncio.wait_for(told.get(), 10) == "e1"
        ending = asyncio.create_task(peer.request("shutdown", timeout=30_000))
        while "shutdown" not in {task.get_name() for task in asyncio.all_tasks()}:
            await asyncio.sleep(0)
        side.on_fire = skipped
        peer.websocket.transport.abort()
        await begin()
        assert (await asyncio.wait_for(firing, 10)).outcome == "skipped"
        assert await asyncio.wait_for(serving, 10) == 0
        with pytest.raises(LinkLost):
            await ending


class Slow(Trigger[NoSettings, NoSettings]):
    """Takes its time."""

    events = ("run.ended",)

    def __init__(self) -> None:
        super().__init__()
        self.begun = asyncio.Event()
        self.go_on = asyncio.Event()

    async def event(self, event: Event) -> None:
        self.begun.set()
        await self.go_on.wait()
        await self.fire(None, f"event {event.seq}", outcome="skip")


async def test_what_comes_while_it_ends_is_told_again_later(tmp_path: Path) -> None:
    async with running(Slow) as t:
        first = asyncio.create_task(t.event(1, "run.ended"))
        await asyncio.wait_for(t.trigger.begun.wait(), 10)
        ending = asyncio.create_task(t.end())
        second = asyncio.create_task(t.event(2, "run.ended"))
        while "shutdown" not in {task.get_name() for task in asyncio.all_tasks()}:
            await asyncio.sleep(0)
        t.trigger.go_on.set()
        # What was taken is told of; what was not is not answered as if it were.
        assert (await t.fired()).event == "event 1"
        await first
        with pytest.raises(PeerError, match="it takes no new events") as caught:
            await second
        assert caught.value.code == "unavailable"
        await ending


async def skipped(fields: Fields) -> Fields:
    return {"outcome": "skipped", "detail": "", "run": None, "url": "", "duplicate": False}


async def test_over_tls_and_no_other_certificate(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "ca")
    made = authority.sign("localhost")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made.cert, made.key)
    peers: asyncio.Queue[Peer] = asyncio.Queue()

    async def take(websocket: ServerConnection) -> None:
        peer = Peer(websocket, lambda fields: {"heartbeat": 15_000}, skipped)
        peers.put_nowait(peer)
        await peer.serve()

    async with serve(take, "localhost", 0, ssl=context, compression=None) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        environ = {name: value for name, value in os.environ.items() if not name.startswith("GOFER_")}
        environ |= {"GOFER_TRIGGER_NAME": "x", "GOFER_TRIGGER_SECRET": "s"}
        environ |= {"GOFER_TRIGGER_URL": f"wss://localhost:{port}/api/v1/triggers/x/session"}
        trusting = await asyncio.create_subprocess_exec(*PROGRAM, env={**environ, "SSL_CERT_FILE": str(authority.ca)})
        other = await asyncio.create_subprocess_exec(*PROGRAM, env=environ, stderr=asyncio.subprocess.PIPE)
        assert other.stderr is not None
        assert b"certificate verify failed" in await asyncio.wait_for(other.stderr.readline(), 30)
        other.terminate()
        peer = await asyncio.wait_for(peers.get(), 30)
        assert (await asyncio.wait_for(peer.hello, 10))["name"] == "x"
        assert (await peer.request("info"))["version"] == "1.2.3"
        assert peers.empty()
        await peer.request("shutdown", timeout=5_000)
        assert await asyncio.wait_for(trusting.wait(), 30) == 0
        assert await asyncio.wait_for(other.wait(), 30) == 0
