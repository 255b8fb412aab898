"""Redirects stay on the site, and nothing that a client sends gets into the head of an answer as a line of its own."""

from __future__ import annotations

import asyncio
import re
from itertools import cycle
from urllib.parse import urljoin, urlsplit

import pytest

from gofer.client.address import Address, Server
from gofer.client.websocket import events
from gofer.errors import ClientError
from tests.security.raw import wire
from tests.security.test_paths import PREFIXES, SAME, SUFFIXES
from tests.security.world import World

_SITES = """
//evil.example /%2fevil.example %2f%2fevil.example /\\evil.example \\\\evil.example /%5cevil.example
%5c%5cevil.example /.evil.example @evil.example /@evil.example .evil.example ///evil.example
https:evil.example https://evil.example https:/evil.example javascript:alert(1) data:text/html,x
%09//evil.example %0a//evil.example %0d%0aLocation:%20http://evil.example %00//evil.example
?next=//evil.example ?next=https://evil.example ?url=//evil.example ?return_to=//evil.example #//evil.example
/../../evil.example ..//evil.example cli//evil.example cli/..//evil.example %E2%80%AE//evil.example
"""
SITES = _SITES.split()
# Where a redirect may lead: nothing of it comes from the request but the name of a page that there is.
TARGET = re.compile(r"/(docs/([a-z0-9-]+/)*|ui/)\Z")


def test_redirects_stay_here(world: World) -> None:
    """Of every page and route, with all that makes a browser take the rest of a path for another host."""
    wrong, led = [], set()
    with wire(world.server) as connection:
        starts = {route.path(world.names) for route in world.routes} | {
            "/docs/cli",
            "/docs/how-to",
            "/ui",
            "/login",
            "/session",
        }
        for start in sorted(starts):
            for tail in ["", *SITES, *SUFFIXES, *SAME]:
                for host in ("localhost", f"localhost:{urlsplit(world.server.services.address).port}"):
                    answer = connection.ask("GET", start + tail, {"Host": host} if host != "localhost" else {})
                    to = answer.headers.get("location")
                    if to is None:
                        continue
                    led.add(to)
                    landed = urlsplit(urljoin(f"http://{host}{start}", to))
                    if landed.netloc != host or landed.scheme != "http" or not TARGET.match(to):
                        wrong.append((start + tail, to))
                    if "refresh" in answer.headers:
                        wrong.append((start + tail, "refresh"))
        for page in ("/docs/cli", "/ui"):
            for prefix in [*PREFIXES, *SITES]:
                answer = connection.ask("GET", prefix + page)
                if not TARGET.match(answer.headers.get("location", "/docs/")):
                    wrong.append((prefix, answer.headers["location"]))
    assert wrong == []
    assert {"/docs/", "/ui/"} <= led


# Two lines in one value, in the ways in which they survive as bytes of a header, a path or a query.
LINES = [
    "%0d%0aX-Evil:%20yes",
    "%0aX-Evil:%20yes",
    "%0dX-Evil:%20yes",
    "%E5%98%8A%E5%98%8DX-Evil:%20yes",
    "%u000d%u000aX-Evil:yes",
    "\\r\\nX-Evil: yes",
    "%25%30%64%25%30%61X-Evil:yes",
    "\x0b\x0cX-Evil: yes",
    "\x85X-Evil: yes",
    "\x1b[31m",
]
ECHOED = ["X-Request-Id", "Idempotency-Key", "Origin", "Accept", "Content-Type", "If-None-Match", "Range", "User-Agent"]
ECHOED += ["Cookie", "Referer", "X-Forwarded-For", "X-Forwarded-Proto", "Accept-Encoding", "Sec-WebSocket-Protocol"]


def test_no_header_is_made_of_what_a_client_sends(world: World) -> None:
    wrong = []
    with wire(world.server) as connection:
        for route in world.routes:
            request = route.request(world.names)
            asked = [
                ("GET", route.path(world.names), {name: line}) for name, line in zip(ECHOED, cycle(LINES), strict=False)
            ]
            for line in LINES:
                # A space would end the target.
                query = line.replace(" ", "%20")
                asked += [
                    (request.method, f"{request.path}{query}", {}),
                    ("GET", f"{request.path}?{query}={query}", {}),
                ]
            for method, target, headers in asked:
                answer = connection.ask(method, target, headers)
                values = "".join(answer.headers.values())
                if "x-evil" in answer.headers or re.search(r"[\x00-\x1f\x7f-\xff]", values) or "X-Evil" in values:
                    wrong.append((route.name, target, headers, answer))
    assert wrong == []


def test_the_id_of_a_request_is_a_plain_word_or_a_new_one(world: World) -> None:
    with wire(world.server) as connection:
        for text in [
            "a b",
            "a,b",
            "é",
            "<script>",
            "a\tb",
            "x" * 129,
            "'",
            "%0d%0a",
            "",
            ";",
            "../x",
            "a=b",
            "\x1b[0m",
        ]:
            answer = connection.ask("GET", "/healthz", {"X-Request-Id": text})
            if answer.status == 200:
                assert re.fullmatch(r"[0-9a-f]{24}", answer.headers["x-request-id"]), text
            else:
                assert answer.status == 400, text
        assert connection.ask("GET", "/healthz", {"X-Request-Id": "mine-1"}).headers["x-request-id"] == "mine-1"


def test_a_websocket_of_the_command_line_is_not_led_elsewhere() -> None:
    """Neither with the token nor without: what was said there would be taken for the server's."""
    asyncio.run(led_elsewhere())


async def led_elsewhere() -> None:
    asked = []

    async def elsewhere(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(writer.get_extra_info("peername"))
        writer.close()

    async def here(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        port = other.sockets[0].getsockname()[1]
        where = f"ws://127.0.0.1:{port}/"
        writer.write(f"HTTP/1.1 307 Temporary Redirect\r\nLocation: {where}\r\nContent-Length: 0\r\n\r\n".encode())
        await writer.drain()
        writer.close()

    async with (
        await asyncio.start_server(elsewhere, "127.0.0.1", 0) as other,
        await asyncio.start_server(here, "127.0.0.1", 0) as one,
    ):
        server = Server(Address("http", "127.0.0.1", one.sockets[0].getsockname()[1]), "a-token")
        with pytest.raises(ClientError, match="status 307"):
            await anext(events(server, "/api/v1/events/stream", {}))
    assert asked == []
