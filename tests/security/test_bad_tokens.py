"""Who shows no token, or one that is not good, gets 401 from everything but what is open, and learns nothing more."""

from __future__ import annotations

import http.client
import json
import os
import socket
from collections.abc import Callable, Iterator

import pytest

from gofer.server.auth.tokens import new_token, token_of
from tests.security.routes import Route
from tests.security.world import HERE, World
from tests.support.until import until

# All that answers who shows no token. A new one stands here only after somebody has thought about it.
OPEN = {
    "GET /",
    "GET /docs",
    "GET /docs/",
    "GET /docs/index.html",
    # Where the caller sits, and a code that it can only know from the server's own folder, are asked for instead.
    "GET /api/v1/bootstrap",
    "POST /api/v1/bootstrap",
    "GET /healthz",
    "GET /readyz",
    "GET /api/docs",
    "GET /api/openapi.json",
    "POST /api/v1/session",
    "GET /login",
    "GET /login.css",
    "GET /login.js",
    "GET /login.svg",
}

_ABSENT = {
    "namespace": "nowhere", "run": 9999, "version": 9999, "deployment": 9999, "hold": "frozen",
    "token": "tok-aaaaaaaaaa",
}  # fmt: skip


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world = World(tmp_path_factory.mktemp("elsewhere"))
    world.server.start()
    yield world
    world.stop()


@pytest.fixture(scope="module")
def unclaimed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world = World(tmp_path_factory.mktemp("unclaimed"))
    world.server.start()
    world.names["token"] = "tok-aaaaaaaaaa"
    yield world
    world.stop()


def closed(world: World) -> list[Route]:
    return [route for route in world.routes if route.name not in OPEN]


def refused(world: World, token: str | None, headers: dict[str, str] | None = None) -> None:
    """Every route but those that are open says 401, in the same words for what there is and for what there is not."""
    wrong: list[tuple[object, ...]] = []
    for route in closed(world):
        answer = world.try_route(route, token, headers=headers)
        other = world.try_route(route, token, absent(world), headers=headers)
        if answer.status != 401 or not answer.headers.get("www-authenticate", "").startswith("Bearer"):
            wrong.append((route.name, answer.status, answer.headers))
        elif told(answer.body) != told(other.body):
            wrong.append((route.name, answer.body, other.body))
    assert wrong == []


def absent(world: World) -> dict[str, object]:
    """Names of what there is not."""
    return {name: _ABSENT.get(name, f"no-{name}") for name in world.names}


def told(body: bytes) -> object:
    problem = json.loads(body)
    return {name: problem[name] for name in problem if name != "request_id"}


def test_what_is_open_is_known_and_declared(world: World) -> None:
    assert {route.name for route in world.routes if route.is_open} == OPEN


def test_what_is_open_answers_without_a_token(world: World) -> None:
    found = {route.name: world.try_route(route).status for route in world.routes if route.is_open}
    assert found.pop("POST /api/v1/bootstrap") == 403
    assert found.pop("POST /api/v1/session") == 401
    assert {name: status for name, status in found.items() if status not in (200, 301, 302, 404)} == {}


def test_with_a_good_token_none_of_these_requests_is_401(world: World) -> None:
    """The samples reach their routes: what follows proves something."""
    reached = {route.name: world.try_route(route, world.root, absent(world)).status for route in closed(world)}
    wrong = {name: status for name, status in reached.items() if status in (400, 401, 403, 405, 415, 422)}
    assert wrong == {
        "WS /api/v1/triggers/{trigger}/session": 403,  # no token is a trigger's secret
        # The manifest is that of a pipeline that is there.
        "POST /api/v1/namespaces/{namespace}/pipelines/{pipeline}/diff": 422,
    }


def test_no_token(world: World) -> None:
    before = world.digest()
    refused(world, None)
    assert world.digest() == before


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda: new_token("management"), id="management, never made"),
        pytest.param(lambda: new_token("client"), id="client, never made"),
        pytest.param(lambda: new_token("session"), id="session, never made"),
        pytest.param(lambda: token_of(os.urandom(32), "uid"), id="run, never made"),
        pytest.param(lambda: new_token("client")[:-1], id="a letter short"),
        pytest.param(lambda: new_token("client") + "0", id="a letter long"),
        pytest.param(lambda: "gofer_client_" + "0" * 49, id="wrong checksum"),
        pytest.param(lambda: "gofer_root_" + new_token("client")[-49:], id="unknown kind"),
        pytest.param(lambda: "garbage", id="garbage"),
        pytest.param(lambda: "", id="empty"),
        pytest.param(lambda: "\xff\xfe", id="not ASCII"),
        pytest.param(lambda: "' OR 1=1 --", id="SQL"),
        pytest.param(lambda: "null", id="null"),
        pytest.param(lambda: "A" * 8000, id="very long"),
    ],
)
def test_a_wrong_token(world: World, make: Callable[[], str]) -> None:
    refused(world, make())


def test_a_good_token_that_was_written_otherwise(world: World) -> None:
    for text in (
        world.root.swapcase(),
        world.root.upper(),
        f'"{world.root}"',
        f"{world.root},{world.root}",
        f"{world.root}\t{world.root}",
        world.root + "%00",
        world.root[:20],
        world.root.replace("management", "client"),
        world.run_token.replace("run", "management"),
    ):
        refused(world, text)


def test_a_token_of_another_server(world: World, elsewhere: World) -> None:
    refused(world, elsewhere.make_token()[1])


def test_an_expired_token(world: World) -> None:
    text = world.make_token(expires_in=1)[1]
    until(lambda: world.ask("GET", "/api/v1/namespaces", text).status == 401, "it has expired")
    refused(world, text)


def test_a_disabled_token(world: World) -> None:
    name, text = world.make_token()
    assert world.ask("GET", "/api/v1/namespaces", text).status == 200
    world.disable(name)
    refused(world, text)


def test_a_deleted_token(world: World) -> None:
    name, text = world.make_token()
    assert world.ask("GET", "/api/v1/namespaces", text).status == 200
    world.delete(name)
    refused(world, text)


def test_the_old_text_of_a_rotated_token(world: World) -> None:
    name, text = world.make_token()
    assert world.ask("GET", "/api/v1/namespaces", text).status == 200
    new = world.rotate(name)
    refused(world, text)
    assert world.ask("GET", "/api/v1/namespaces", new).status == 200


def test_a_runs_token_after_its_run(world: World) -> None:
    run = world.start_run()
    text = world.token_of_run(HERE, run)
    path = f"/api/v1/namespaces/{HERE}/pipelines/main/runs/{run}"
    assert world.ask("GET", path, text).status == 200
    world.end_run(run)
    refused(world, text)
    assert "its run has ended" in world.ask("GET", path, text).problem["detail"]


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param(lambda token: {"Authorization": f"Basic {token}"}, id="Basic"),
        pytest.param(lambda token: {"Authorization": f"Token {token}"}, id="Token"),
        pytest.param(lambda token: {"Authorization": token}, id="no scheme"),
        pytest.param(lambda token: {"Authorization": f"Bearer={token}"}, id="Bearer="),
        pytest.param(lambda token: {"Authorization": f"BearerX {token}"}, id="BearerX"),
        pytest.param(lambda token: {"Proxy-Authorization": f"Bearer {token}"}, id="Proxy-Authorization"),
        pytest.param(lambda token: {"X-Authorization": f"Bearer {token}"}, id="X-Authorization"),
        pytest.param(lambda token: {"X-Api-Key": token}, id="X-Api-Key"),
        pytest.param(lambda token: {"X-Gofer-Token": token}, id="X-Gofer-Token"),
        pytest.param(lambda token: {"Cookie": f"token={token}; session={token}; gofer={token}"}, id="cookie"),
        pytest.param(lambda token: {"Sec-WebSocket-Protocol": f"bearer, {token}"}, id="subprotocol"),
        pytest.param(lambda token: {"X-Forwarded-User": "admin", "Remote-User": "admin"}, id="Remote-User"),
        pytest.param(lambda token: {"X-Forwarded-For": "127.0.0.1", "X-Real-Ip": "127.0.0.1"}, id="loopback"),
        pytest.param(lambda token: {"X-Original-Url": "/healthz", "X-Rewrite-Url": "/healthz"}, id="other path"),
    ],
)
def test_a_good_token_at_another_place(world: World, headers: Callable[[str], dict[str, str]]) -> None:
    refused(world, None, headers(world.root))


def test_a_token_in_the_query_or_the_body(world: World) -> None:
    """Addresses are kept in logs and histories: a token in one counts for nothing."""
    wrong = []
    for route in closed(world):
        request = route.request(world.names)
        for name in ("token", "access_token", "authorization", "api_key"):
            joint = "&" if "?" in request.path else "?"
            path = f"{request.path}{joint}{name}={world.root}"
            answer = world.ask_unread(request.method, path, None, request.body, request.headers)
            if answer.status != 401:
                wrong.append((route.name, name, answer.status))
        if request.method in ("POST", "PUT", "PATCH"):
            form = {"Content-Type": "application/x-www-form-urlencoded"}
            body = f"access_token={world.root}".encode()
            answer = world.ask_unread(request.method, request.path, None, body, form)
            if answer.status != 401:
                wrong.append((route.name, "form", answer.status))
    assert wrong == []


def test_two_tokens(world: World) -> None:
    """Whichever comes first, and be both the same."""
    viewer, root = world.tokens["viewer"], world.root
    for first, second in ((root, viewer), (viewer, root), (root, root), (root, "garbage")):
        lines = f"Authorization: Bearer {first}\r\nAuthorization: Bearer {second}\r\n"
        for path in ("/api/v1/namespaces", f"/api/v1/namespaces/{HERE}", "/healthz"):
            request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{lines}\r\n"
            assert world.server.send_raw(request.encode()).status == 401, path


def test_a_wrong_token_is_told_on_what_is_open_too(world: World) -> None:
    """Who shows one means it: a program learns that its token has died, also where none is needed."""
    assert {
        route.name: status
        for route in world.routes
        if route.is_open and (status := world.try_route(route, "garbage").status) != 401
    } == {}


def test_on_the_socket_of_tasks_everything_needs_a_token(world: World) -> None:
    """What is open to the network too: the one who calls there is a task, which has one."""
    wrong = []
    for route in world.routes:
        request = route.request(world.names)
        for token in (None, "garbage", new_token("management")):
            connection = http.client.HTTPConnection("localhost")
            connection.sock = socket.socket(socket.AF_UNIX)
            connection.sock.connect(str(world.home / "task-api" / "api.sock"))
            given = {**request.headers, **({"Authorization": f"Bearer {token}"} if token else {})}
            connection.request(request.method, request.path, request.body, given)
            status = connection.getresponse().status
            connection.close()
            if status != 401:
                wrong.append((route.name, token, status))
    assert wrong == []


def test_a_server_that_nobody_has_claimed_serves_nobody(unclaimed: World) -> None:
    """And says what to do, on every route but those that are open."""
    wrong = []
    for route in closed(unclaimed):
        for token in (None, "garbage", new_token("management")):
            answer = unclaimed.try_route(route, token)
            if answer.status != 401 or (
                token is None and "gofer service token bootstrap" not in answer.problem["hint"]
            ):
                wrong.append((route.name, token, answer))
    assert wrong == []
