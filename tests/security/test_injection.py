"""What means something to SQL, to patterns or to a parser means nothing in a path, a query or a cursor."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlencode

import msgspec
import pytest

from gofer.models.ids import is_id
from gofer.server.api.endpoint import shapes_of
from tests.security.raw import Wire, wire
from tests.security.routes import Route
from tests.security.world import HERE, NAMES_OF_THERE, THERE, World

_WORDS = """' " ` '' % %% _ ____ * ? [a-z] [^x]* -- /* ; \\ \\' () {} $1 here% h_re h* [h]ere null true [] here,there"""
TEXTS = [
    *_WORDS.split(),
    "' OR '1'='1",
    '" OR 1=1 --',
    "here' --",
    "here\x00",
    "' UNION SELECT hash FROM tokens --",
    "'; DROP TABLE runs; --",
    "1; ATTACH DATABASE '/tmp/x' AS x",
    *("1 OR 1=1", "1e3", "0x1", "-0", "+1", " 1", "1 ", "1_0", "NaN", "Infinity"),
    *("9" * 30, "-" + "9" * 30, str(2**63 - 1), str(2**63), str(2**64)),
    *('{"a":1}', '["*"]', "here|there", "\u0661", "\uff11", "\ufeffhere", "h\u0435re", "\n", "\r\n"),
    *("\x1b[31m", "\u202ehere", "${7*7}", "{{7*7}}", "$(id)", "`id`", "../../etc/passwd", "file:///etc/passwd"),
    "a" * 20_000,
]


def reading(world: World) -> list[Route]:
    return [route for route in world.routes if route.method == "GET" and route.declared is not None]


def query_names(route: Route) -> list[str]:
    assert route.declared is not None
    fields = msgspec.inspect.type_info(shapes_of(route.declared.handler).query)
    assert isinstance(fields, msgspec.inspect.StructType)
    return [field.encode_name for field in fields.fields]


def get(connection: Wire, target: str, token: str) -> Any:
    return connection.ask("GET", target, {"Authorization": f"Bearer {token}"})


def harmless(status: int) -> bool:
    return status in (200, 204, 304, 400, 403, 404, 406, 410, 413, 414, 416, 422, 426, 431)


def test_parameters_of_queries(world: World) -> None:
    """Every parameter of every list and stream, for who may see one namespace: no fault, and nothing of the other."""
    wrong = []
    with wire(world.server) as connection:
        for route in (route for route in world.routes if route.method in ("GET", "WS") and route.declared is not None):
            path = route.path(world.names)
            for name in query_names(route):
                for text in TEXTS:
                    answer = get(
                        connection, f"{path}?{urlencode({name: text}, errors='surrogatepass')}", world.tokens["admin"]
                    )
                    if not harmless(answer.status) or foreign(answer.body):
                        wrong.append((route.name, name, text[:40], answer.status, answer.body[:200]))
    assert wrong == []


def test_parameters_of_paths(world: World) -> None:
    """Every parameter of every route, reading ones and others."""
    before, wrong = world.digest(), []
    with wire(world.server) as connection:
        for route in (route for route in world.routes if route.declared is not None and "{" in route.template):
            for name in (segment[1:-1] for segment in route.template.split("/") if segment.startswith("{")):
                for text in (text for text in TEXTS if not is_id(text)):
                    request = route.request({**world.names, name: quote(text, safe="")})
                    headers = {**request.headers, "Authorization": f"Bearer {world.tokens['admin']}"}
                    answer = connection.ask(request.method, request.path, headers, request.body or b"")
                    if answer.status not in (400, 403, 404, 414, 422, 426, 431) or foreign(answer.body):
                        wrong.append((route.name, name, text[:40], answer.status, answer.body[:200]))
    assert wrong == []
    assert world.digest() == before


def foreign(body: bytes) -> bool:
    """Whether an answer holds what lies in the other namespace alone."""
    return any(name.encode() in body for name in NAMES_OF_THERE)


def cursors(world: World) -> Iterator[str]:
    """Of other lists, of the other namespace, and made up."""
    with wire(world.server) as connection:
        for route in reading(world):
            if "cursor" in query_names(route):
                for names in (world.names, {**world.names, "namespace": THERE}):
                    answer = get(connection, f"{route.path(names)}?limit=1", world.root)
                    if answer.status == 200 and answer.json.get("next"):
                        yield answer.json["next"]
    kinds = [
        "runs",
        "pipelines",
        "namespaces",
        "events",
        "events newest first",
        "objects",
        "tokens",
        "roles",
        "own log",
    ]
    positions = [
        0,
        -1,
        1,
        2**31,
        2**53,
        2**62,
        2**63 - 1,
        2**64 - 1,
        THERE,
        "",
        "%",
        "' OR 1=1 --",
        None,
        1.5,
        [1],
        {"a": 1},
        b"x",
    ]
    for kind in kinds:
        for position in positions:
            yield sealed((kind, position))
    odd: list[object] = [None, 1, "runs", [], ("runs",), ("runs", 1, 2), {"runs": 1}]
    yield from map(sealed, odd)
    yield from ("", "=", "AAAA", "%", "é", "a" * 513, "....", base64.b64encode(b"\xdd\xff\xff\xff\xff").decode())


def sealed(value: object) -> str:
    return base64.urlsafe_b64encode(msgspec.msgpack.encode(value)).decode().rstrip("=")


def test_cursors(world: World) -> None:
    """A cursor is a place in a list, not a right: whatever it holds, the list is that of who asks."""
    found, wrong = list(dict.fromkeys(cursors(world))), []
    assert len(found) > 100
    with wire(world.server) as connection:
        for route in (route for route in reading(world) if "cursor" in query_names(route)):
            for cursor in found:
                answer = get(connection, f"{route.path(world.names)}?cursor={quote(cursor)}", world.tokens["admin"])
                if answer.status not in (200, 400, 403, 422) or foreign(answer.body):
                    wrong.append((route.name, cursor, answer.status, answer.body[:300]))
    assert wrong == []


def test_filters_take_their_texts_as_they_are(world: World) -> None:
    """A pattern's characters find only themselves."""
    for text in ("%", "_", "*", "[m]ain", "m%", "m_in", "main%", "' OR ''='"):
        for path in (
            f"/api/v1/namespaces/{HERE}/runs?{urlencode({'correlation_id': text})}",
            f"/api/v1/system/logs?{urlencode({'contains': text + 'no such line'})}",
        ):
            answer = world.ask("GET", path, world.root)
            assert (answer.status, answer.json["items"]) == (200, []), path


@pytest.mark.parametrize(
    "text", ["' OR 1=1 --", "%", "x'; DROP TABLE namespaces; --", 'a"b', "$(id)", "*", "here/main"]
)
def test_texts_in_bodies_are_kept_as_they_are(world: World, text: str) -> None:
    """Where any text may stand it comes back as it went in; where an id must, it is refused."""
    path = f"/api/v1/namespaces/{HERE}"
    assert world.call("PATCH", path, {"description": text}).status == 200
    assert world.call("GET", path).json["description"] == text
    assert world.call("POST", "/api/v1/namespaces", {"id": text}).status == 422
    run = world.call("POST", f"{path}/pipelines/main/runs", {"parameters": {"word": text}})
    assert (run.status, run.json["parameters"]["word"]) == (201, text)
    world.end_run(run.json["id"])
    assert json.dumps(text)[1:-1] in world.call("GET", f"{path}/pipelines/main/runs?limit=1").body.decode()
