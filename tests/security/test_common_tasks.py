"""What an administrator has installed a common task with is seen by nobody whose pipelines use it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.security.routes import Route
from tests.security.world import HERE, ROLES, THERE, World
from tests.support.until import until

SECRET, LITERAL = "value-of-the-administrator-61e0", "literal-of-the-administrator-88b3"
HIDDEN = (SECRET, LITERAL)
ONE = "/api/v1/common-tasks/told"
_PIPELINE = f"/api/v1/namespaces/{HERE}/pipelines/using"
_MANIFEST = {
    "id": "using",
    "parameters": [{"name": "LD_PRELOAD", "default": "/tmp/evil.so"}],
    "tasks": [
        {"id": "quick", "common_task": "told", "settings": {"text": "param{{LD_PRELOAD}}"}},
        {"id": "hang", "common_task": "hangs"},
    ],
    "notifiers": [{"label": "all", "common_task": "told"}],
}


@pytest.fixture(scope="module")
def used(world: World) -> World:
    """Run 2 of a pipeline in `here` uses one: a task is done, another hangs. Somebody was told of run 1."""
    body = {"value": SECRET, "namespaces": [THERE]}
    assert world.call("PUT", "/api/v1/secrets/administrators", body).status == 201
    variables = {"TOKEN": "global_secret{{administrators}}", "LEVEL": LITERAL}
    command = ["variable", "TOKEN", "variable", "GOFER_SETTING_TEXT", "variable", "LD_PRELOAD"]
    for name, words in (("told", command), ("hangs", ["variable", "TOKEN", "hang"])):
        wanted = {"id": name, "image": "fake", "command": words, "variables": variables, "namespaces": ["he*"]}
        assert world.call("POST", "/api/v1/common-tasks", wanted).status == 201
    assert world.call("POST", f"/api/v1/namespaces/{HERE}/pipelines", _MANIFEST).status == 201
    for number in (1, 2):
        assert world.call("POST", f"{_PIPELINE}/runs", {}).status == 201
        run = f"{_PIPELINE}/runs/{number}"
        until(lambda run=run: get(world, f"{run}/tasks/hang")["status"] == "running", "hang runs")  # type: ignore[misc]
        until(lambda run=run: get(world, f"{run}/tasks/quick")["status"] == "successful", "quick is done")  # type: ignore[misc]
    assert world.call("POST", f"{_PIPELINE}/runs/1/cancel").status == 202
    until(lambda: is_told(world, 1), "somebody was told of run 1")
    return world


def get(world: World, path: str) -> Any:
    return world.call("GET", path).json


def is_told(world: World, run: int) -> bool:
    items = get(world, f"{_PIPELINE}/runs/{run}/notifications")["items"]
    return bool(items) and items[0]["status"] == "sent"


def test_it_has_got_them_and_nothing_of_the_run(used: World) -> None:
    log = used.ask("GET", f"{_PIPELINE}/runs/2/tasks/quick/log/raw", used.root)
    assert log.body == b"***\n/tmp/evil.so\n\n"


def answers(world: World, route: Route, token: str) -> bytes:
    names = {**world.names, "namespace": HERE, "pipeline": "using", "version": 1, "run": 2, "task": "quick"}
    return world.try_route(route, token, {**names, "common_task": "told"}).body


@pytest.mark.parametrize("role", ROLES)
def test_no_answer_to_who_has_the_namespace_shows_them(used: World, role: str) -> None:
    token = used.tokens[role]
    for route in used.routes:
        if route.method == "GET" and not route.is_websocket:
            body = answers(used, route, token).decode(errors="replace")
            assert not any(text in body for text in HIDDEN), route.name


def test_who_may_look_at_it_and_what_they_see(used: World) -> None:
    for role in ("operator", "developer", "viewer"):
        seen = used.ask("GET", ONE, used.tokens[role])
        assert seen.status == 200
        assert seen.json["variables"] == {"TOKEN": "…", "LEVEL": "…"}
    assert used.ask("GET", ONE, used.root).json["variables"]["LEVEL"] == LITERAL
    _, elsewhere = used.make_token(["admin"], [THERE])
    there, missing = used.ask("GET", ONE, elsewhere), used.ask("GET", "/api/v1/common-tasks/none", elsewhere)
    assert (there.status, missing.status) == (403, 403)
    assert there.json["detail"].replace("told", "none") == missing.json["detail"]
    assert [one["id"] for one in used.ask("GET", "/api/v1/common-tasks", elsewhere).json["items"]] == ["spare"]


def test_nobody_looks_into_its_container(used: World) -> None:
    for token in (used.root, used.tokens["developer"]):
        assert get(used, f"{_PIPELINE}/runs/2/tasks/hang")["image"] == ""
        with used.dial(f"{_PIPELINE}/runs/2/tasks/hang/attach?command=env", token) as websocket:
            said = json.loads(websocket.recv(30))
        assert said["type"] == "error"
        assert "into which nobody can look" in said["message"]


def test_events_and_the_servers_own_log_do_not_show_them(used: World) -> None:
    events = used.ask("GET", "/api/v1/events?limit=1000", used.root).body.decode()
    assert "commontask.installed" in events
    assert "notification.sent" in events
    log = used.ask("GET", "/api/v1/system/logs?limit=1000", used.root).body.decode()
    for text in HIDDEN:
        assert text not in events
        assert text not in log


def test_no_file_but_that_of_the_secrets_has_the_secret(used: World) -> None:
    for path in Path(used.home).rglob("*"):
        if path.is_file():
            assert SECRET.encode() not in path.read_bytes(), path


def test_a_pipeline_of_another_namespace_cannot_use_it(used: World) -> None:
    answer = used.call("POST", f"/api/v1/namespaces/{THERE}/pipelines", _MANIFEST)
    assert answer.status == 422
    assert "is not for the namespace" in answer.body.decode()
