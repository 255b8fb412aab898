"""What says two things at once is refused, so that nobody in between reads it otherwise than Gofer does; and bodies
that say much in little, or more than they hold."""

from __future__ import annotations

import json
import struct

import msgspec
import pytest

from tests.integration.api.server import Answer
from tests.security.raw import wire
from tests.security.routes import Route
from tests.security.world import HERE, THERE, World

BASE = f"/api/v1/namespaces/{HERE}"


def send(world: World, method: str, path: str, lines: list[str], body: bytes = b"") -> Answer:
    head = [f"{method} {path} HTTP/1.1", "Host: localhost", f"Authorization: Bearer {world.root}", *lines]
    if not any(line.lower().startswith(("content-length:", "transfer-encoding:")) for line in lines):
        head.append(f"Content-Length: {len(body)}")
    return world.server.send_raw("\r\n".join([*head, "", ""]).encode("latin-1") + body, method)


def taking(world: World) -> list[Route]:
    """Every route that takes a body of JSON."""
    return [
        route for route in world.routes if route.request(world.names).headers.get("Content-Type") == "application/json"
    ]


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("two hosts", ["Host: evil.example"]),
        ("two hosts alike", ["Host: localhost"]),
        ("two tokens", ["Authorization: Bearer gofer_client_x"]),
        ("two lengths", ["Content-Length: 0", "Content-Length: 5"]),
        ("length and chunks", ["Content-Length: 4", "Transfer-Encoding: chunked"]),
        ("chunks in another way", ["Transfer-Encoding: chunked, identity"]),
        ("chunks in another way", ["Transfer-Encoding: xchunked"]),
        ("a length that is none", ["Content-Length: +5"]),
        ("a length that is none", ["Content-Length: 0x5"]),
        ("a length that is none", ["Content-Length: -1"]),
        ("a length in a list", ["Content-Length: 0, 0"]),
        ("a space before the colon", ["X-Any : x"]),
        ("a name with a space", ["X Any: x"]),
        ("a line feed alone", ["X-Any: a\nX-Other: b"]),
        ("a carriage return alone", ["X-Any: a\rX-Other: b"]),
        ("a folded line", ["X-Any: a\r\n b"]),
        ("a NUL", ["X-Any: a\x00b"]),
    ],
)
def test_headers_that_say_two_things(world: World, name: str, lines: list[str]) -> None:
    """Each is a way to have a proxy and Gofer disagree about where a request ends, or whose it is."""
    answer = send(world, "GET", f"{BASE}/runs", lines)
    assert answer.status in (400, 401, 403), (name, answer)


def test_what_follows_a_request_that_was_refused_is_not_taken_for_another(world: World) -> None:
    """The body of one that a proxy took for a body must not be a request of its own here."""
    smuggled = f"DELETE {BASE}/pipelines/main HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {world.root}\r\n\r\n"
    for lines in (
        f"Content-Length: {len(smuggled)}\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
        "Content-Length: 0\r\nContent-Length: 4\r\n",
    ):
        with world.server.connect() as connection:
            connection.sendall(
                f"POST {BASE}/pipelines/main/runs HTTP/1.1\r\nHost: localhost\r\n{lines}\r\n{smuggled}".encode()
            )
            answers = b""
            while data := connection.recv(65_536):
                answers += data
        assert answers.startswith(b"HTTP/1.1 4"), (lines, answers)
        assert answers.count(b"HTTP/1.1 ") == 1, (lines, answers)
    assert world.call("GET", f"{BASE}/pipelines/main").status == 200


def test_two_content_types(world: World) -> None:
    before = world.digest()
    for route in taking(world):
        request = route.request(world.names)
        lines = ["Content-Type: application/json", "Content-Type: application/msgpack"]
        assert request.body is not None
        answer = send(world, request.method, request.path, lines, request.body)
        assert answer.status == 400, route.name
    assert world.digest() == before


def test_parameters_given_twice(world: World) -> None:
    """Nobody takes the first where another takes the last."""
    for query in ("limit=1&limit=2", "limit=1&limit=1", "limit=1&%6cimit=2", "namespace=here&namespace=there"):
        assert send(world, "GET", f"/api/v1/events?{query}", []).status == 422, query
    for query in ("limit=1;limit=2", "limit[]=1", "limit[0]=1", "LIMIT=1", "limit%00=1", "&&&=&="):
        assert send(world, "GET", f"{BASE}/runs?{query}", []).status in (400, 422), query


@pytest.mark.parametrize("form", ["json", "msgpack"])
def test_of_keys_given_twice_the_last_counts(world: World, form: str) -> None:
    """For what is checked as for what is done: parsers in between may go by the first."""
    permissions = [{"resources": ["pipelines", "deployments"], "actions": ["write"], "names": ["mine-*"]}]
    assert world.call("PUT", "/api/v1/roles/spare", {"permissions": permissions}).status == 200
    token = world.make_token(["spare"], [HERE])[1]
    tasks = [{"id": "t", "image": "i"}]
    for ids, status in (((f"mine-{form}", "main"), 403), (("main", f"mine-{form}"), 201)):
        pairs: list[tuple[str, object]] = [("id", ids[0]), ("tasks", tasks), ("id", ids[1])]
        if form == "json":
            body = ("{" + ",".join(f"{json.dumps(k)}:{json.dumps(v)}" for k, v in pairs) + "}").encode()
        else:
            body = b"\x83" + b"".join(msgspec.msgpack.encode(part) for pair in pairs for part in pair)
        headers = {"Content-Type": f"application/{form}"}
        assert world.ask("POST", f"{BASE}/pipelines", token, body, headers).status == status, ids
    assert world.call("GET", f"{BASE}/pipelines/main").json["versions"] == 2


@pytest.mark.parametrize(
    "field", ["namespace", "pipeline", "run", "token", "role", "key", "created_by", "system", "root"]
)
def test_a_body_that_names_what_the_path_names(world: World, field: str) -> None:
    """No body says of which namespace, pipeline or person it is: what it has too much is refused, not overlooked."""
    before, wrong = world.digest(), []
    for route in taking(world):
        request = route.request(world.names)
        assert request.body is not None
        body = json.loads(request.body)
        if field in body:
            continue
        for value in (THERE, 1, True, None):
            data = json.dumps({**body, field: value}).encode()
            answer = world.ask(request.method, request.path, world.root, data, request.headers)
            if answer.status not in (400, 403, 422):
                wrong.append((route.name, field, value, answer.status))
    assert wrong == []
    assert world.digest() == before


@pytest.mark.parametrize("name", ["namespace", "pipeline", "run", "task", "key", "token"])
def test_a_query_that_names_what_the_path_names(world: World, name: str) -> None:
    """Of another namespace by the query: refused where the path says which."""
    wrong = []
    for route in (route for route in world.routes if f"{{{name}}}" in route.template and route.method in ("GET", "WS")):
        request = route.request(world.names)
        joint = "&" if "?" in request.path else "?"
        answer = world.ask_unread(
            request.method, f"{request.path}{joint}{name}={THERE}", world.root, None, request.headers
        )
        if answer.status != 422:
            wrong.append((route.name, answer.status))
    assert wrong == []


DEEP = 100_000
BODIES: dict[str, tuple[str, bytes]] = {
    "deep lists": ("json", b"[" * DEEP + b"]" * DEEP),
    "deep lists that do not end": ("json", b"[" * DEEP),
    "deep objects": ("json", b'{"a":' * DEEP + b"1" + b"}" * DEEP),
    "deep in a field": ("json", b'{"id": "x", "tasks": ' + b"[" * DEEP + b"]" * DEEP + b"}"),
    "deep in an unknown field": ("json", b'{"nobody": ' + b"[" * DEEP + b"]" * DEEP + b"}"),
    "a huge whole number": ("json", b'{"id": ' + b"9" * 1_000_000 + b"}"),
    "a huge exponent": ("json", b'{"id": 1e999999999}'),
    "a long fraction": ("json", b'{"id": 0.' + b"1" * 1_000_000 + b"}"),
    "many keys": ("json", b"{" + b",".join(b'"k%d":1' % i for i in range(200_000)) + b"}"),
    "half a character": ("json", b'{"id": "\\ud800"}'),
    "NaN": ("json", b'{"id": NaN}'),
    "not UTF-8": ("json", b'{"id": "\xff\xfe"}'),
    "UTF-16": ("json", '{"id": "x"}'.encode("utf-16")),
    "a mark before": ("json", b"\xef\xbb\xbf" + b'{"id": "x"}'),
    "a comment": ("json", b'{"id": "x"} // y'),
    "two documents": ("json", b'{"id": "x"}{"id": "y"}'),
    "a NUL behind": ("json", b'{"id": "x"}\x00'),
    "a list of 4 billion": ("msgpack", b"\xdd" + struct.pack(">I", 2**32 - 1)),
    "a map of 4 billion": ("msgpack", b"\xdf" + struct.pack(">I", 2**32 - 1)),
    "a text of 4 GiB": ("msgpack", b"\xdb" + struct.pack(">I", 2**32 - 1)),
    "bytes of 4 GiB": ("msgpack", b"\xc6" + struct.pack(">I", 2**32 - 1)),
    "an extension of 4 GiB": ("msgpack", b"\xc9" + struct.pack(">I", 2**32 - 1) + b"\x05"),
    "a key of 4 GiB": ("msgpack", b"\x81\xdb" + struct.pack(">I", 2**32 - 1)),
    "deep lists of MessagePack": ("msgpack", b"\x91" * DEEP + b"\xc0"),
    "deep maps of MessagePack": ("msgpack", b"\x81\xa1a" * DEEP + b"\xc0"),
    "an extension": ("msgpack", msgspec.msgpack.encode({"id": msgspec.msgpack.Ext(5, b"x")})),
    "a time": ("msgpack", b"\x81\xa2id\xd6\xff\x00\x00\x00\x00"),
    "an extension as key": ("msgpack", b"\x81\xd4\x05\x00\xc0"),
    "bytes behind": ("msgpack", msgspec.msgpack.encode({"id": "x"}) + b"\xc0"),
}


@pytest.mark.parametrize("name", BODIES)
def test_bodies_that_are_made_to_hurt(world: World, name: str) -> None:
    """On every route that takes one, quickly, and without harm to the server."""
    form, body = BODIES[name]
    before = world.digest()
    wrong = []
    with wire(world.server) as connection:
        for route in taking(world):
            request = route.request(world.names)
            headers = {"Authorization": f"Bearer {world.root}", "Content-Type": f"application/{form}"}
            status = connection.ask(request.method, request.path, headers, body).status
            if status not in (400, 403, 413, 422):
                wrong.append((route.name, status))
    assert wrong == []
    assert world.digest() == before
    assert world.call("GET", "/healthz").status == 200
