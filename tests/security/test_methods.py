"""Methods: none goes around the check, and those that only look change nothing."""

from __future__ import annotations

from gofer.server.auth.permission import DIAL_IN
from tests.security.raw import wire
from tests.security.routes import Route
from tests.security.world import World, changes

ODD = ["HEAD", "TRACE", "TRACK", "CONNECT", "PROPFIND", "MKCOL", "COPY", "LOCK", "PURGE", "LINK", "DEBUG", "QUERY"]
# In small letters they are other methods (RFC 9110, 9.1).
ODD += ["get", "Get", "post", "gET", "delete", "GETT", "GE", "XGET", "A" * 5000]

OVERRIDES = {
    "X-HTTP-Method-Override": "DELETE",
    "X-HTTP-Method": "DELETE",
    "X-Method-Override": "DELETE",
    "X-Original-Method": "DELETE",
}


def paths(world: World) -> list[str]:
    return sorted({route.path(world.names) for route in world.routes})


def of_path(world: World, path: str) -> list[Route]:
    return [route for route in world.routes if route.path(world.names) == path]


def test_without_a_token_no_method_leads_in(world: World) -> None:
    """OPTIONS tells the methods of a path, which the public documentation does too, and no more."""
    wrong = []
    with wire(world.server) as connection:
        for path in paths(world):
            has_open = any(route.is_open for route in of_path(world, path))
            for method in [*ODD, "GET", "POST", "PUT", "PATCH", "DELETE"]:
                answer = connection.ask(method, path)
                good = answer.status in (400, 401, 403, 404, 405, 426, 501)
                if not good and not (has_open and answer.status in (200, 301, 302, 415)):
                    wrong.append((method[:20], path, answer.status))
            options = connection.ask("OPTIONS", path)
            if (options.status, options.body) != (204, b"") or "access-control-allow-origin" in options.headers:
                wrong.append(("OPTIONS", path, options.status))
    assert wrong == []


def test_no_request_is_echoed(world: World) -> None:
    """TRACE would hand a page the cookie that it may not read."""
    with wire(world.server) as connection:
        for path in paths(world):
            answer = connection.ask("TRACE", path, {"Authorization": f"Bearer {world.root}", "X-Mark": "mark-4711"})
            assert answer.status in (400, 405, 501), path
            assert b"mark-4711" not in answer.body


def test_head_asks_for_as_much_as_get(world: World) -> None:
    wrong = []
    tokens = {"viewer": world.tokens["viewer"], "run": world.run_token, "root": world.root}
    for route in (route for route in world.routes if route.method == "GET"):
        path = route.path(world.names)
        for who, token in tokens.items():
            get, head = (world.ask(method, path, token) for method in ("GET", "HEAD"))
            if get.status != head.status or head.body:
                wrong.append((route.name, who, get.status, head.status))
    assert wrong == []


# What the log of events is told of something that was only looked at.
_ATTACH = "/api/v1/namespaces/{namespace}/pipelines/{pipeline}/runs/{run}/tasks/{task}/attach"
TOLD: dict[str, set[str]] = {"/api/v1/system/backup": {"backup.taken", "audit.reveal"}, _ATTACH: {"audit.attach"}}


# The trigger of this world is disabled, and nobody can look into it: 503.
_AWAY = "/api/v1/triggers/{trigger}/debug"


def test_no_header_or_parameter_makes_another_method(world: World) -> None:
    away = _AWAY.format(trigger=world.names["trigger"])
    for path in paths(world):
        before = world.digest()
        for method in ("GET", "HEAD", "OPTIONS"):
            for query in ("", "?_method=DELETE"):
                answer = world.ask(method, path + query, world.root, None, OVERRIDES)
                assert answer.status < 500 or path in ("/readyz", away), (method, path, answer)
        assert changes(before, world.digest()) <= TOLD.get(path, set()), path


def test_what_only_looks_changes_nothing(world: World) -> None:
    """Every GET, and every websocket's handshake: a link that somebody is made to follow does no harm."""
    for route in world.routes:
        if route.method in ("GET", "WS"):
            before = world.digest()
            if route.permission == DIAL_IN:  # no token opens it
                continue
            status = world.try_route(route, world.root).status
            assert status < 400 or (route.template == _AWAY and status == 503), route.name
            assert changes(before, world.digest()) <= TOLD.get(route.template, set()), route.name
