"""What the server of the one file serves: every route, every page, every websocket."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from urllib.parse import urldefrag, urljoin

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from gofer.server.routes import endpoints, sockets
from gofer.server.site.console import ARCHIVE
from tests.frozen.place import FrozenServer, Place
from tests.support.console import check_console
from tests.support.server import Api
from tests.support.until import until

NAMES = {
    "namespace": "default", "pipeline": "p", "version": "1", "run": "1", "task": "t", "key": "key", "role": "viewer",
    "common_task": "debug",
    "trigger": "cron", "label": "nightly", "hold": "deprecated", "deployment": "1",
}  # fmt: skip
_LINK = re.compile(rb'(?:href|src)="?([^">\s]+)')


@pytest.fixture(scope="module")
def api(program: object, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """A server with a pipeline whose first run goes on."""
    from tests.support.program import one_file_program

    place = Place(one_file_program(), tmp_path_factory.mktemp("server"))
    server = FrozenServer(place)
    api = server.start()
    try:
        api.register({"id": "p", "tasks": [{"id": "t", "image": "i", "script": "echo ::group::hello; exec sleep 999"}]})
        api.until("taskrun.running", "p", api.start("p"), "t")
        for path, more in (("namespaces/default/pipelines/p/secrets/key", {}), ("secrets/key", {"namespaces": ["*"]})):
            assert api.call("PUT", path, {"value": "some value", **more})[0] == 201
        assert api.call("POST", "triggers", {"id": "cron", "image": "builtin:cron"})[0] == 201
        until(lambda: api.get("triggers/cron")["state"] == "healthy", "the trigger is healthy")
        nightly = {"label": "nightly", "trigger": "cron", "settings": {"expression": "0 3 * * *"}}
        assert api.call("POST", "namespaces/default/pipelines/p/subscriptions", nightly)[0] == 201
        for path in ("objects/key", "runs/1/objects/key"):
            assert api.raw("PUT", f"namespaces/default/pipelines/p/{path}", b"content")[0] == 201
        assert api.call("POST", "common-tasks", {"id": "debug", "image": "builtin:debug"})[0] == 201
        yield api
        api.post("namespaces/default/pipelines/p/runs/1/cancel")
        api.ended("p", 1)
    finally:
        assert server.stop() == 0, server.log_text()


def described(api: Api) -> list[tuple[str, str]]:
    """Method and path of everything that the server says it has."""
    paths = api.get("/api/openapi.json")["paths"]
    return [
        (method.upper(), path) for path, ways in paths.items() for method in ways if method not in ("parameters", "x")
    ]


def filled(path: str, names: dict[str, str]) -> str:
    return re.sub(r"{(\w+)}", lambda found: names[found[1]], path)


def test_the_description_holds_every_route_of_the_table(api: Api) -> None:
    assert {(one.method, one.path) for one in endpoints()} <= set(described(api))


def test_every_page_of_the_api_answers(api: Api) -> None:
    token = api.post("tokens", {"roles": ["viewer"], "namespaces": ["default"]})["token"]["id"]
    for method, path in described(api):
        if method == "GET" and "/stream" not in path and not path.endswith(("/attach", "{trigger}/session")):
            query = "?pattern=hello" if path.endswith("/search") else ""
            status, answer = api.raw(method, filled(path, {**NAMES, "token": token}) + query)
            assert status == 200, (path, answer)


def test_every_route_refuses_what_makes_no_sense_without_a_defect(api: Api) -> None:
    nothing = {**NAMES, "namespace": "none", "pipeline": "none", "token": "none"}
    for method, path in described(api):
        if method == "GET" or path.endswith("/reload"):
            continue
        status, answer = api.raw(method, filled(path, nothing), b"[1]", {"Idempotency-Key": "k" * 300})
        assert 400 <= status < 500, (method, path, answer)
        assert json.loads(answer)["hint"], (method, path)
    assert api.call("POST", "system/reload")[0] < 300


def test_secrets_are_encrypted_and_decrypted(api: Api) -> None:
    """With the library that is unpacked only then."""
    assert api.post("secrets/key/reveal", {}) == {"value": "some value"}


def test_every_websocket_opens(api: Api) -> None:
    host = api.address.removeprefix("http://")
    known = sockets()
    assert len(known) >= 4
    for socket in known:
        if socket.permission == "trigger_session:open":
            with pytest.raises(InvalidStatus, match="403"), connect(f"ws://{host}{filled(socket.path, NAMES)}"):
                pass
            continue
        query = _query(socket.path)
        with connect(f"ws://{host}{filled(socket.path, NAMES)}?{query}", compression=None) as websocket:
            if "/triggers/" in socket.path or "/system/logs" in socket.path:
                # So that there is something in the log.
                assert api.call("POST", "triggers/cron/restart")[0] < 300
            assert websocket.recv(timeout=30), socket.path


def test_every_page_of_the_documentation_is_served(api: Api) -> None:
    waiting, seen = ["/docs/", "/api/docs", "/"], set[str]()
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        status, page = api.raw("GET", path)
        assert status in (200, 302, 307, 308), path
        if page.lstrip()[:1] == b"<":
            links = (urldefrag(urljoin(path, link.decode()))[0] for link in _LINK.findall(page))
            waiting += [link for link in links if link.startswith(("/docs/", "/api/docs"))]
    assert {"/docs/cli/", "/docs/troubleshooting/", "/docs/guide/install/"} <= seen
    assert len(seen) > 50


def test_the_console_is_served(api: Api) -> None:
    check_console(api, ARCHIVE)


def _query(path: str) -> str:
    """With which the websocket opens, and says something."""
    if path.endswith("/attach"):
        return "command=echo&command=attached"
    if path.endswith("/search/stream"):
        return "pattern=hello"
    return "" if "/log/" in path.rpartition("/pipelines/")[2] else "after=0"
