"""Webhooks against a real server with its built-in triggers, as GitHub and others send them: one server's life."""

from __future__ import annotations

import hmac
import http.client
import json
import os
import signal
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.support.server import ServerProcess
from tests.support.until import until

SECRET = "a secret that is long enough"
MANIFEST: dict[str, Any] = {
    "id": "build",
    "parameters": [{"name": "REF", "default": "none"}],
    "tasks": [{"id": "a", "image": "i", "command": ["exit", "0"]}],
    "subscriptions": [
        {"label": "main", "trigger": "github", "settings": {"repository": "acme/web", "branches": ["main"]}},
        {
            "label": "hook",
            "trigger": "webhook",
            "settings": {"verify": "hmac", "secret": SECRET, "event_id": "body.id", "parameters": {"REF": "body.ref"}},
        },
    ],
}


class Server(ServerProcess):
    """One that listens for external events on `port`."""

    port: int

    def send(
        self, target: str, body: bytes, headers: dict[str, str] | None = None, method: str = "POST"
    ) -> tuple[int, dict[str, Any]]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, target, body, headers or {})
            answer = connection.getresponse()
            data = answer.read()
            return answer.status, json.loads(data) if data else {}
        finally:
            connection.close()

    def push(
        self, delivery: str, branch: str = "main", secret: str = SECRET, size: int = 0
    ) -> tuple[int, dict[str, Any]]:
        told = {"ref": f"refs/heads/{branch}", "repository": {"full_name": "acme/web"}, "sender": {"login": "me"}}
        body = json.dumps(told | {"after": "6" * 40, "filler": "x" * size}).encode()
        mac = "sha256=" + hmac.new(secret.encode(), body, "sha256").hexdigest()
        headers = {"X-GitHub-Event": "push", "X-GitHub-Delivery": delivery, "X-Hub-Signature-256": mac}
        return self.send("/events/github", body, headers)

    def hook(self, event: object, secret: str = SECRET) -> tuple[int, dict[str, Any]]:
        body = json.dumps({"id": event, "ref": "v1"}).encode()
        mac = hmac.new(secret.encode(), body, "sha256").hexdigest()
        return self.send("/events/webhook?to=default/build/hook", body, {"X-Signature": mac})

    def told(self, trigger: str) -> list[dict[str, Any]]:
        """The newest events of a trigger."""
        items: list[dict[str, Any]] = self.api.get(f"triggers/{trigger}/events", limit=200)["items"]
        return items

    def healthy(self, trigger: str) -> None:
        until(lambda: self.api.get(f"triggers/{trigger}")["state"] == "healthy", f"{trigger} is healthy")

    def pid_of(self, trigger: str) -> int:
        """Of the process that is this server's trigger."""
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                command = (folder / "cmdline").read_bytes().split(b"\0")
                environ = (folder / "environ").read_bytes()
            except OSError:
                continue
            if command[-3:-1] == [b"trigger", trigger.encode()] and bytes(self.home) in environ:
                return int(folder.name)
        raise AssertionError(f"{trigger} does not run")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environ = {
        "GOFER_EXTERNAL_EVENTS_API__ENABLE": "true",
        "GOFER_EXTERNAL_EVENTS_API__HOST": f"127.0.0.1:{port}",
        "GOFER_EXTERNAL_EVENTS_API__MAX_BODY_BYTES": "3MiB",
        "GOFER_SERVER__REQUEST_TIMEOUT": "500ms",
    }
    server = Server(tmp_path_factory.mktemp("external"), "fake", environ)
    server.port = port
    server.start()
    try:
        until(lambda: server.api.raw("GET", "/healthz")[1].find(b"starting") < 0, "it has started")
        for name, settings in (("github", {"secret": SECRET}), ("webhook", {})):
            server.api.post("triggers", {"id": name, "image": f"builtin:{name}", "settings": settings})
            server.healthy(name)
        server.api.register(MANIFEST)
        yield server
    finally:
        # Triggers outlive their server.
        for name in ("github", "webhook"):
            server.api.call("DELETE", f"/api/v1/triggers/{name}?force=true")
        server.stop()


def test_a_delivery_starts_one_run_with_what_it_says(server: Server) -> None:
    status, answer = server.push("first")
    assert (status, answer["outcomes"]) == (200, {"started": 1})
    (one,) = answer["subscriptions"]
    run = server.api.ended("build", one["run"])
    assert urlsplit(one["url"]).path.endswith(f"/runs/{one['run']}")
    assert run["status"] == "successful"
    variables = {each["name"]: each["value"] for each in server.api.tasks("build", one["run"])["a"]["variables"]}
    assert (variables["GITHUB_BRANCH"], variables["GITHUB_DELIVERY"]) == ("main", "first")
    again = server.push("first")[1]["subscriptions"][0]
    assert (again["run"], again["duplicate"]) == (one["run"], True)
    status, answer = server.hook(1)
    assert status == 200
    assert server.api.run("build", answer["run"])["parameters"]["REF"] == "v1"


def test_why_nothing_happened_is_told(server: Server) -> None:
    assert server.push("other", branch="next")[1]["outcomes"] == {"skipped": 1}
    assert server.push("forged", secret="wrong")[0] == 401
    for number in range(30):
        assert server.hook(f"forged {number}", secret="wrong")[0] == 401
    newest = until(lambda: [one for one in server.told("github") if one["outcome"] == "refused"], "the refusal is told")
    assert "the signature in X-Hub-Signature-256 matches no secret" in newest[0]["detail"]
    assert any('branches (main) does not match "next"' in one["detail"] for one in server.told("github"))
    # Many alike are one row.
    counted = until(
        lambda: [one for one in server.told("webhook") if one["outcome"] == "refused" and one["count"] == 30],
        "the refusals are counted",
    )
    assert "default/build/hook: the signature in X-Signature does not match" in counted[0]["detail"]
    assert SECRET not in json.dumps(server.told("webhook") + server.told("github"))
    metrics = server.api.raw("GET", "/metrics")[1].decode()
    assert 'gofer_external_events_total{status="401",trigger="webhook"} 30.0' in metrics


def test_large_slow_and_strange_requests(server: Server) -> None:
    # Larger than other frames of the protocol may be.
    assert server.push("large", size=2 * 1024 * 1024)[1]["outcomes"] == {"started": 1}
    assert server.push("too large", size=3 * 1024 * 1024)[0] == 413
    assert server.send("/events/github", b"", method="GET")[0] == 405
    for target in ("/events/other", "/", "/healthz", "/api/v1/triggers", "/events/github/x"):
        assert server.send(target, b"{}")[0] == 404
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as slow:
        slow.sendall(b"POST /events/github HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{")
        assert b" 408 " in slow.recv(1000).partition(b"\r\n")[0]


def test_a_flood_loses_nothing(server: Server) -> None:
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda number: server.hook(f"flood {number % 150}"), range(300)))
    assert {status for status, _ in answers} == {200}
    runs = [answer["run"] for _, answer in answers]
    assert len(set(runs)) == 150
    assert [runs[number] for number in range(150)] == [runs[number + 150] for number in range(150)]


def test_a_trigger_that_dies_is_waited_for(server: Server) -> None:
    before = server.pid_of("webhook")
    os.kill(before, signal.SIGKILL)
    answer = until(lambda: _taken(server.hook("while it is away")), "it is back")
    assert answer["outcome"] == "started"
    assert server.pid_of("webhook") != before
    assert server.hook("while it is away")[1]["run"] == answer["run"]
    assert server.push("beside it")[0] == 200


def _taken(answer: tuple[int, dict[str, Any]]) -> dict[str, Any]:
    """Empty for what is to be sent again."""
    assert answer[0] in (200, 503, 504), answer
    return answer[1] if answer[0] == 200 else {}


def test_after_a_restart_of_gofer_the_same_trigger_goes_on(server: Server) -> None:
    first, pid = server.hook("kept")[1]["run"], server.pid_of("webhook")
    server.kill()
    server.start()
    answer = until(lambda: _reached(server, "kept"), "the server listens")
    assert (answer["run"], answer["duplicate"]) == (first, True)
    assert server.pid_of("webhook") == pid


def _reached(server: Server, event: str) -> dict[str, Any]:
    try:
        return _taken(server.hook(event))
    except OSError:
        return {}


def test_a_disabled_trigger_is_as_none(server: Server) -> None:
    unknown = server.send("/events/other", b"{}")
    status, _ = server.api.call("PATCH", "/api/v1/triggers/github", {"enabled": False})
    assert status == 200
    until(lambda: server.push("disabled") == unknown, "it takes nothing any more")
    assert server.hook("the other one")[0] == 200
