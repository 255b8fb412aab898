"""The server killed with SIGKILL while it carries out a request: what was done has its audit event, and the other way
round."""

from __future__ import annotations

import contextlib
import http.client
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.server import Api, ServerProcess

KEY = {"GOFER_SECRET_STORE__SQLITE__ENCRYPTION_KEY": "a key for tests, 32 long, really"}
RUNS = "namespaces/default/pipelines/p/runs"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    made = ServerProcess(tmp_path, "process", KEY)
    api = made.start()
    api.register({"id": "p", "tasks": [{"id": "t", "image": "any", "command": ["true"]}]})
    made.kill()
    yield made
    assert made.stop() == 0, made.log_text()


def unanswered(api: Api, method: str, path: str, body: object = None) -> None:
    with contextlib.suppress(http.client.HTTPException, ConnectionError):
        status, answer = api.call(method, path, body)
        raise AssertionError(f"it was to die before it answers: {status} {answer}")


def told(api: Api, what: str) -> list[Any]:
    events = api.get("events", audit="true", limit=1000)["items"]
    return [event for event in events if event["data"]["what"] == what]


@pytest.mark.parametrize(("point", "count"), [("audited", 0), ("accepted", 1)])
def test_a_run_and_its_audit_event_are_there_or_neither(server: ServerProcess, point: str, count: int) -> None:
    """`audited` is in the transaction, after both were written; `accepted` is when it is on the disk, before the
    answer."""
    unanswered(server.start(GOFER_TEST_CRASH_AT=point), "POST", RUNS, {})
    server.died()
    api = server.start()
    assert len(api.get(RUNS)["items"]) == count
    assert len(api.get("events", kind="run.queued")["items"]) == count
    assert len(told(api, "POST /api/v1/namespaces/{namespace}/pipelines/{pipeline}/runs")) == count
    assert len(told(api, "POST /api/v1/namespaces/{namespace}/pipelines")) == 1


def test_no_secret_is_given_away_without_its_event(server: ServerProcess) -> None:
    api = server.start()
    status, _ = api.call("PUT", "secrets/key", {"value": "value", "namespaces": ["*"]})
    assert status == 201
    server.kill()
    unanswered(server.start(GOFER_TEST_CRASH_AT="audited"), "POST", "secrets/key/reveal", {})
    server.died()
    api = server.start()
    reveal = "POST /api/v1/secrets/{key}/reveal"
    assert told(api, reveal) == []
    assert api.get("events", kind="secret.revealed")["items"] == []
    assert api.call("POST", "secrets/key/reveal", {})[1] == {"value": "value"}
    (event,) = told(api, reveal)
    assert (event["kind"], event["data"]["by"]) == ("audit.reveal", "local")
    assert len(api.get("events", kind="secret.revealed")["items"]) == 1
