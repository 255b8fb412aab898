"""The listener of external events, on a real socket, with a trigger that answers as it is told."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest

from gofer.config.live import Live
from gofer.config.settings import ExternalEventsSettings, ServerSettings, Settings
from gofer.errors import GoferError, Unavailable
from gofer.server.api.peer import Peers
from gofer.server.api.tally import Tally
from gofer.server.external_app import ExternalApp
from gofer.server.triggers import external
from gofer.server.triggers.external import ExternalEvents
from gofer.server.web import WebServer

Handler = Callable[[Mapping[str, Any]], Awaitable[Mapping[str, Any]]]


class Trigger:
    """Answers each event by `handler`."""

    def __init__(self) -> None:
        self.seen: list[Mapping[str, Any]] = []
        self.handler: Handler = self.taken

    async def taken(self, _fields: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"status": 202, "content_type": "application/json", "body": b"{}"}

    async def external_event(self, fields: Mapping[str, Any], timeout: float) -> Mapping[str, Any]:
        async with asyncio.timeout(timeout):
            self.seen.append(fields)
            return await self.handler(fields)


class Triggers:
    def __init__(self) -> None:
        self.hook = Trigger()

    def taking_external_events(self, trigger: str) -> Trigger | None:
        return self.hook if trigger == "hook" else None


class Door:
    """The listener, and what stands behind it."""

    def __init__(self, trigger: Trigger, port: int, tally: Tally, events: ExternalEvents) -> None:
        self.trigger = trigger
        self.port = port
        self.tally = tally
        self.events = events

    async def raw(self, request: bytes, source: str = "127.0.0.1") -> tuple[int, dict[str, str], bytes]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, local_addr=(source, 0))
        try:
            writer.write(request)
            await writer.drain()
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:]) if name}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            return int(head[0].split()[1]), headers, body
        finally:
            writer.close()

    async def send(
        self,
        target: str = "/events/hook",
        body: bytes = b"{}",
        method: str = "POST",
        more: str = "",
        source: str = "127.0.0.1",
    ) -> tuple[int, dict[str, str], bytes]:
        head = f"{method} {target} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n{more}\r\n"
        return await self.raw(head.encode("latin-1") + body, source)


@asynccontextmanager
async def door(**settings: int) -> AsyncIterator[Door]:
    live = Live.fixed(
        Settings(external_events_api=ExternalEventsSettings(**settings), server=ServerSettings(request_timeout=300))  # type: ignore[arg-type]
    )
    tally, triggers = Tally(), Triggers()
    loop = asyncio.get_running_loop()
    events = ExternalEvents(triggers, live, tally.refusals, loop.time)

    async def main_api(scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 299, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})

    web = WebServer(main_api, live, None, tally.refusals)
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    serving = asyncio.create_task(web.run_on(sockets[:1]))
    await web.listens(serving)
    await web.serve_too(sockets[1], ExternalApp(events, live, Peers([]), tally))
    try:
        yield Door(triggers.hook, sockets[1].getsockname()[1], tally, events)
    finally:
        web.should_exit = True
        await serving


async def test_an_event_is_passed_on_as_it_is_and_the_trigger_answers() -> None:
    async with door() as it:
        body = bytes(range(256)) * 1000
        status, headers, answer = await it.send("/events/hook?a=1&a=%20x", body, more="X-Thing: \xe9\r\nX-Thing: 2\r\n")
        assert (status, headers["content-type"], answer) == (202, "application/json", b"{}")
        (seen,) = it.trigger.seen
        assert (seen["query"], seen["body"], seen["peer"]) == ("a=1&a=%20x", body, "127.0.0.1")
        assert [pair for pair in seen["headers"] if pair[0] == "x-thing"] == [("x-thing", "\xe9"), ("x-thing", "2")]
        assert seen["event"]
        assert it.tally.requests == {("POST", "/events/{trigger}", 202): 1}
        assert it.tally.external_events == {("hook", 202): 1}


async def test_nothing_else_is_there() -> None:
    async with door() as it:
        nothing = None
        for target in ("/", "/api/v1/runs", "/healthz", "/events", "/events/", "/events/other", "/events/hook/",
                       "/events/hook/x", "/events/../events/hook", "/events/%68ook", "//events/hook", "/metrics",
                       "/events/a.b", "/events/127.0.0.1", "/events/" + "x" * 2000):  # fmt: skip
            status, headers, body = await it.send(target)
            headers.pop("x-request-id")
            assert status == 404, target
            assert nothing in (None, (headers, body)), target
            nothing = (headers, body)
        status, headers, _ = await it.send(method="GET", body=b"")
        assert (status, headers["allow"]) == (405, "POST")
        assert (await it.send("/events/other", method="GET", body=b""))[0] == 405
        handshake = (
            "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
        )
        request = f"GET /events/hook HTTP/1.1\r\nHost: x\r\n{handshake}\r\n".encode()
        assert (await it.raw(request))[0] == 404
        assert it.trigger.seen == []


async def test_what_is_too_large_is_refused_while_it_comes() -> None:
    async with door(max_body_bytes=1024) as it:
        status, _, body = await it.send(body=b"x" * 5000)
        assert (status, json.loads(body)["hint"]) == (
            413,
            "Send less at once, or have external_events_api.max_body_bytes raised.",
        )
        chunk = b"400\r\n" + b"x" * 1024 + b"\r\n"
        head = b"POST /events/hook HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        assert (await it.raw(head + chunk * 3 + b"0\r\n\r\n"))[0] == 413
        assert (await it.send(body=b"x" * 1024))[0] == 202
        assert it.tally.refusals.counts["body_too_large"] == 2


async def test_a_body_that_does_not_come_is_not_waited_for() -> None:
    async with door() as it:
        assert (await it.raw(b"POST /events/hook HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nx"))[0] == 408
        assert it.trigger.seen == []


async def test_too_many_are_told_when_to_come_again() -> None:
    async with door(rate_limit=0, address_rate_limit=1) as it:
        status, headers, body = await _until_refused(it)
        assert (status, headers["retry-after"]) == (429, "1")
        assert "from this address" in json.loads(body)["detail"]
    async with door(rate_limit=1, address_rate_limit=0) as it:
        status, _, body = await _until_refused(it)
        assert "for this trigger" in json.loads(body)["detail"]
        assert it.tally.refusals.counts["rate_limited"] == 1


async def _until_refused(it: Door) -> tuple[int, dict[str, str], bytes]:
    for _ in range(100):
        answer = await it.send()
        if answer[0] != 202:
            return answer
    raise AssertionError("nobody was refused")


async def test_only_so_many_are_under_way_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(external, "MOST_OF_ADDRESS", 3)
    async with door() as it:
        go = asyncio.Event()

        async def waits(_fields: Mapping[str, Any]) -> Mapping[str, Any]:
            await go.wait()
            return {"status": 200}

        it.trigger.handler = waits
        held = [asyncio.create_task(it.send()) for _ in range(3)]
        while len(it.trigger.seen) < 3:
            await asyncio.sleep(0.01)
        assert (await it.send())[0] == 429
        go.set()
        assert [(await one)[0] for one in held] == [200] * 3
        assert (await it.send())[0] == 200


async def test_a_trigger_that_is_away_slow_or_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    async with door() as it:

        async def away(_fields: Mapping[str, Any]) -> Mapping[str, Any]:
            raise Unavailable("the socket at /run/secret is gone")

        async def failed(_fields: Mapping[str, Any]) -> Mapping[str, Any]:
            raise GoferError("password: hunter2")

        it.trigger.handler = away
        status, headers, body = await it.send()
        assert (status, b"/run/secret" in body) == (503, False)
        assert int(headers["retry-after"]) >= 1
        it.trigger.handler = failed
        status, _, body = await it.send()
        assert (status, b"hunter2" in body) == (502, False)
        monkeypatch.setattr(external, "ANSWER_SECONDS", 0.05)

        async def sleeps(_fields: Mapping[str, Any]) -> Mapping[str, Any]:
            await asyncio.sleep(60)
            return {}

        it.trigger.handler = sleeps
        assert (await it.send())[0] == 504


@pytest.mark.parametrize(
    "reply",
    [
        {},
        {"status": 100},
        {"status": 600},
        {"status": "200"},
        {"status": True},
        {"status": 200, "content_type": "text/plain\r\nSet-Cookie: a=b"},
        {"status": 200, "content_type": 5},
        {"status": 200, "body": 5},
        {"status": 200, "body": b"x" * 70_000},
        {"status": 204, "body": b"x"},
    ],
)
async def test_an_answer_that_is_none(reply: Mapping[str, Any]) -> None:
    async with door() as it:

        async def says(_fields: Mapping[str, Any]) -> Mapping[str, Any]:
            return reply

        it.trigger.handler = says
        status, headers, _ = await it.send()
        assert status == 502
        assert "set-cookie" not in headers


async def test_bodies_together_take_only_so_much_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(external, "MOST_HELD_BYTES", 5000)
    monkeypatch.setattr(external, "_SHARES", 2)
    async with door() as it:
        go = asyncio.Event()

        async def waits(_fields: Mapping[str, Any]) -> Mapping[str, Any]:
            await go.wait()
            return {"status": 200}

        it.trigger.handler = waits
        held = [asyncio.create_task(it.send(body=b"x" * 2000, source=f"127.0.0.{number}")) for number in (1, 2)]
        while len(it.trigger.seen) < 2:
            await asyncio.sleep(0.01)
        # One address may have half of it, and all together no more than there is.
        assert (await it.send(body=b"x" * 2000))[0] == 429
        assert (await it.send(body=b"x" * 2000, source="127.0.0.3"))[0] == 503
        go.set()
        assert [(await one)[0] for one in held] == [200, 200]
        assert (await it.send(body=b"x" * 2000))[0] == 200


async def test_who_sends_slowly_takes_no_place_of_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(external, "MOST_OF_TRIGGER", 1)
    async with door() as it:
        request = b"POST /events/hook HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nx"
        slow = [asyncio.create_task(it.raw(request, "127.0.0.2")) for _ in range(5)]
        await asyncio.sleep(0)
        assert (await it.send())[0] == 202
        assert [(await one)[0] for one in slow] == [408] * 5
