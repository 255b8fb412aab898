"""Who may call: without a token, with a good one, with a dead one, with none where one is needed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, get_args

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect, unix_connect

from gofer.errors import Refused
from gofer.server.auth.allow import check_allowed
from gofer.server.auth.permission import Permission
from gofer.server.auth.registry import Registry
from gofer.server.auth.tokens import token_of
from gofer.server.routes import endpoints, sockets
from tests.integration.api.server import ServerThread
from tests.integration.api.task_caller import HANGS, TaskCaller

P = "/api/v1/namespaces/default/pipelines/mine"
RUN = f"{P}/runs/1"


@pytest.fixture(scope="module")
def task(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TaskCaller]:
    home = tmp_path_factory.mktemp("gofer")
    server = ServerThread(home)
    server.start()
    yield TaskCaller(server, home)
    server.stop()


def routes() -> list[tuple[str, str, Permission, bool]]:
    """Method, path, permission and whether the handler filters, of everything that the server describes."""
    return [(e.method, e.path, e.permission, e.filtered) for e in endpoints()] + [
        ("WS", s.path, s.permission, s.filtered) for s in sockets()
    ]


def test_every_route_declares_what_it_needs(task: TaskCaller) -> None:
    document = task.server.ask("GET", "/api/openapi.json").json
    described = {
        f"{method} {path}": operation["x-permission"]
        for path, item in document["paths"].items()
        for method, operation in item.items()
    }
    assert [route for route, permission in described.items() if permission == "undeclared"] == []
    assert set(described.values()) <= set(get_args(Permission))
    assert [route for route in routes() if route[2] == "undeclared"] == []


def test_a_run_reaches_no_more_than_these_routes() -> None:
    """A new route stands here only after somebody has thought about it."""
    known = re.compile(
        r"GET /healthz|GET /readyz|GET /api/v1/whoami|(GET|POST) /api/v1/bootstrap"
        r"|GET /api/v1/namespaces(/\{namespace\})?"
        r"|(GET|POST|DELETE) /api/v1/session|GET /login(\.css|\.js|\.svg)?"
        r"|POST /api/v1/manifests/(validate|graph)"
        r"|GET N/(pipelines|overview)|GET P|GET P/graph|GET P/versions|GET P/versions/\{version\}(/diff)?|POST P/diff"
        r"|GET P/export"
        r"|GET P/deployments(/\{deployment\}(/comparison)?)?"
        r"|GET P/subscriptions(/\{label\})?|GET P/trigger-events|GET R/notifications"
        r"|GET N/runs|GET P/runs|GET P/grid|POST P/runs|GET R|GET R/(tasks|graph|attempts)|GET R/tasks/\{task\}"
        r"|(GET|WS) R/tasks/\{task\}/log(/raw|/stream|/(search|groups)(/stream)?)?|WS R/logs/search/stream"
        r"|GET /api/v1/events|WS /api/v1/events/stream"
        r"|(GET|PUT|DELETE) [PR]/objects(/\{key\}(/info)?)?"
    )
    short = {"R": "/runs/{run}", "P": "/pipelines/{pipeline}", "N": "/api/v1/namespaces/{namespace}"}
    task = Registry().of_run("mine", "p", 1, "t")
    for method, path, permission, filtered in routes():
        try:
            check_allowed(task, permission, "mine" if "{namespace}" in path else None, filtered=filtered)
        except Refused:
            continue
        else:
            name = path.replace(short["N"] + "/", "N/").replace("N" + short["P"], "P").replace("P" + short["R"], "R")
            assert known.fullmatch(f"{method} {name}"), f"{method} {name}"


def test_what_a_run_may(task: TaskCaller) -> None:
    for path in (
        P,
        f"{P}/runs",
        RUN,
        f"{RUN}/tasks",
        f"{RUN}/graph",
        f"{RUN}/attempts",
        f"{RUN}/tasks/t",
        f"{RUN}/tasks/t/log",
        f"{P}/versions/1",
    ):
        assert task.status("GET", path) == 200, path
    assert task.status("GET", "/api/v1/namespaces/default") == 200
    assert task.status("GET", "/healthz") == 200
    assert task.status("GET", "/docs/") in (200, 404)
    assert task.status("HEAD", RUN) == 200
    assert task.status("POST", f"{P}/runs", {}) == 201


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/api/v1/namespaces", {"id": "x"}),
        ("DELETE", "/api/v1/namespaces/default", None),
        ("GET", "/api/v1/namespaces/elsewhere", None),
        ("GET", "/api/v1/namespaces/elsewhere/runs", None),
        ("GET", "/api/v1/namespaces/nowhere/runs", None),
        ("GET", "/api/v1/namespaces/%65lsewhere/runs", None),
        ("POST", "/api/v1/namespaces/default/pipelines", HANGS),
        ("DELETE", P, None),
        ("PATCH", P, {"enabled": False}),
        ("POST", f"{P}/runs/cancel", None),
        ("POST", f"{RUN}/cancel", None),
        ("POST", f"{RUN}/retry", {}),
        ("POST", f"{RUN}/tasks/t/cancel", None),
        ("GET", "/api/v1/events?namespace=elsewhere", None),
        ("GET", "/api/v1/system/info", None),
        ("GET", "/api/v1/system/settings", None),
        ("GET", "/api/v1/system/logs", None),
        ("GET", "/api/v1/system/statistics", None),
        ("GET", "/api/v1/system/backup", None),
        ("POST", "/api/v1/system/reload", None),
        ("PUT", "/api/v1/system/ingress", {"open": False}),
        ("GET", "/metrics", None),
    ],
)
def test_what_a_run_may_not_through_either_door(task: TaskCaller, method: str, path: str, body: object) -> None:
    answer = task.ask(method, path, task.token, body)
    assert (answer.status, answer.problem["title"]) == (403, "Refused")
    headers = {"Authorization": f"Bearer {task.token}"}
    assert task.server.send_json(method, path, body, headers).status == 403


@pytest.mark.parametrize("value", ["Bearer", "bearer ", "Bearer \t"])
def test_an_empty_token_is_none_that_is_good(task: TaskCaller, value: str) -> None:
    """In development mode, too: a variable that is not set gives nobody more than the token that was meant."""
    answer = task.server.ask("GET", "/api/v1/whoami", headers={"Authorization": value})
    assert (answer.status, answer.problem["detail"]) == (401, "The request brings an empty token.")


def test_events_of_its_own_namespace_alone(task: TaskCaller) -> None:
    task.server.api.post("namespaces", {"id": "noisy"})
    mine = task.ask("GET", "/api/v1/events?limit=100", task.token).json["items"]
    assert {event["namespace"] for event in mine} == {"default"}
    named = task.ask("GET", "/api/v1/events?limit=100&namespace=default", task.token).json["items"]
    # Runs of other tests are under way.
    assert named[: len(mine)] == mine
    newest = task.server.api.get("/api/v1/events?kind=namespace.created&newest_first=true")["items"][0]
    assert newest["namespace"] == "noisy"


@pytest.mark.parametrize("path", [RUN, "/healthz", "/", "/docs/", "/nothing/here", "/api/openapi.json"])
def test_without_a_token_nothing_answers_on_the_socket_of_tasks(task: TaskCaller, path: str) -> None:
    answer = task.ask("GET", path, None)
    assert answer.status == 401
    assert answer.problem["detail"] == "This socket is for tasks, and they show the token of their run."
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.headers["x-request-id"] == answer.problem["request_id"]


@pytest.mark.parametrize("token", ["", "garbage", "gofer_run_" + "0" * 49, "é", "x" * 5000])
def test_a_token_that_is_none(task: TaskCaller, token: str) -> None:
    for answer in (
        task.ask("GET", RUN, token),
        task.server.ask("GET", RUN, headers={"Authorization": f"Bearer {token}"}),
    ):
        assert (answer.status, answer.problem["title"]) == (401, "Not authenticated")


def test_one_that_nobody_has_any_more(task: TaskCaller) -> None:
    answer = task.ask("GET", RUN, token_of(bytes(32), "another"))
    assert (answer.status, answer.problem["detail"]) == (401, "This token is dead: its run has ended.")


def test_two_tokens(task: TaskCaller) -> None:
    request = f"GET {RUN} HTTP/1.1\r\nHost: localhost\r\n" + f"Authorization: Bearer {task.token}\r\n" * 2 + "\r\n"
    assert task.server.send_raw(request.encode()).status == 401


@pytest.mark.parametrize("header", ["Basic YTpi", "bearer TOKEN", "BEARER  TOKEN "])
def test_schemes(task: TaskCaller, header: str) -> None:
    """What another scheme says counts as nothing; the name of this one may be written in any way (RFC 9110, 11.1)."""
    given = {"Authorization": header.replace("TOKEN", task.token)}
    assert task.server.ask("GET", RUN, headers=given).status == 200
    expected = 403 if "TOKEN" in header else 200
    assert task.server.ask("GET", "/api/v1/system/info", headers=given).status == expected


def test_without_a_token_the_servers_own_address_is_as_before(task: TaskCaller) -> None:
    assert task.server.ask("GET", "/api/v1/system/info").status == 200
    assert task.server.ask("GET", RUN, headers={"Host": "evil.example"}).status == 403


def test_what_holds_elsewhere_holds_on_the_socket(task: TaskCaller) -> None:
    big = task.ask("POST", f"{P}/runs", task.token, {"parameters": {"x": "y" * 9_000_000}})
    assert big.status == 413
    first = task.ask("POST", f"{P}/runs", task.token, {}, {"Idempotency-Key": "k", "X-Request-Id": "mine"})
    again = task.ask("POST", f"{P}/runs", task.token, {}, {"Idempotency-Key": "k"})
    assert (first.json["id"], again.headers["idempotent-replayed"]) == (again.json["id"], "true")
    assert (first.headers["x-request-id"], first.json["correlation_id"]) == ("mine", "mine")


def test_an_answer_that_is_kept_is_not_for_everybody(task: TaskCaller) -> None:
    """A key is good for the very same request alone, and that was judged before."""
    path = "/api/v1/namespaces"
    done = task.server.send_json("POST", path, {"id": "kept"}, {"Idempotency-Key": "theirs"})
    assert done.status == 201
    assert task.ask("POST", path, task.token, {"id": "kept"}, {"Idempotency-Key": "theirs"}).status == 403


def dial(task: TaskCaller, path: str, token: str | None) -> Any:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return unix_connect(str(task.socket), f"ws://localhost{path}", additional_headers=headers, compression=None)


def test_websockets(task: TaskCaller) -> None:
    stream = f"{RUN}/tasks/t/log/stream"
    with dial(task, "/api/v1/events/stream?after=0", task.token) as events:
        frame = json.loads(events.recv(timeout=30))
        assert {event["namespace"] for event in frame["events"]} == {"default"}
    with dial(task, stream, task.token):
        pass
    for path, token, status in (
        (stream, None, 401),
        (stream, "garbage", 401),
        (f"{RUN}/tasks/t/attach", task.token, 403),
        ("/api/v1/system/logs/stream", task.token, 403),
        ("/api/v1/events/stream?namespace=elsewhere", task.token, 403),
        (stream.replace("default", "elsewhere"), task.token, 403),
    ):
        with pytest.raises(InvalidStatus) as refused, dial(task, path, token):
            pass
        assert refused.value.response.status_code == status, path


def test_a_websocket_with_a_token_over_tcp(task: TaskCaller) -> None:
    headers = {"Authorization": f"Bearer {task.token}"}
    address = f"{task.server.websocket_address}{RUN}/tasks/t/attach"
    with pytest.raises(InvalidStatus) as refused, connect(address, additional_headers=headers):
        pass
    assert refused.value.response.status_code == 403


def read_on(connection: Any) -> None:
    while True:
        connection.recv(timeout=30)


def test_a_websocket_ends_with_the_token(task: TaskCaller) -> None:
    run = task.server.api.start("other")
    token = token_of(bytes(32), f"another {run}")
    key = task.server.in_loop(
        lambda: task.server.services.database.read(lambda c: c.execute("SELECT max(key) FROM runs").fetchone()[0])
    )
    task.put(token, key)
    path = "/api/v1/events/stream"
    with dial(task, path, token) as events:
        task.server.api.post(f"namespaces/default/pipelines/other/runs/{run}/cancel")
        with pytest.raises(ConnectionClosed) as closed:
            read_on(events)
    assert closed.value.rcvd is not None
    assert (closed.value.rcvd.code, closed.value.rcvd.reason[:40]) == (1008, "This token is dead: its run has ended. E")
    with pytest.raises(InvalidStatus) as refused, dial(task, path, token):
        pass
    assert refused.value.response.status_code == 401
