"""The server killed with SIGKILL in the midst of an import, and right after it."""

from __future__ import annotations

import contextlib
import http.client
import json
from pathlib import Path
from typing import Any

from tests.support.server import Api, ServerProcess

PATH = "namespaces/default/import"
PIPELINES = "namespaces/default/pipelines"


def manifest(pipeline: str, number: int) -> dict[str, Any]:
    return {
        "id": pipeline,
        "name": f"version {number}",
        "tasks": [{"id": "t", "image": "i", "script": "true"}],
        "subscriptions": [{"label": f"s{number}", "trigger": "off", "settings": {"every": "1h"}}],
    }


def exported(api: Api, pipeline: str) -> dict[str, Any]:
    """An export of three versions, which are taken away, but for the second one of `known`."""
    for number in (1, 2, 3):
        api.register(manifest(pipeline, number))
    added = {"label": "added", "trigger": "off", "settings": {"every": "2h"}}
    api.post(f"{PIPELINES}/{pipeline}/subscriptions", added)
    assert api.call("PUT", f"{PIPELINES}/{pipeline}/holds/deprecated", {"reason": "old"})[0] == 200
    document: dict[str, Any] = api.get(f"{PIPELINES}/{pipeline}/export")
    assert api.call("DELETE", f"{PIPELINES}/{pipeline}")[0] == 204
    if pipeline == "known":
        api.register(manifest(pipeline, 2))
    return document


def state(api: Api, pipeline: str) -> Any:
    """Everything that an import may change; None: there is no such pipeline."""
    if api.call("GET", f"{PIPELINES}/{pipeline}")[0] == 404:
        return None
    document = api.get(f"{PIPELINES}/{pipeline}/export")
    subscribed = [one["label"] for one in api.get(f"{PIPELINES}/{pipeline}/subscriptions")["items"]]
    deployments = [one["to_version"] for one in api.get(f"{PIPELINES}/{pipeline}/deployments")["items"]]
    events = len(api.get("events", limit=1_000, pipeline=pipeline)["items"])
    return {**document, "exported_at": 0}, subscribed, deployments, events


def send(api: Api, pipeline: str, document: dict[str, Any]) -> tuple[int, Any]:
    """Always with the same Idempotency-Key."""
    status, answer = api.raw("POST", PATH, json.dumps(document).encode(), {"Idempotency-Key": pipeline})
    return status, json.loads(answer)


def unanswered(api: Api, pipeline: str, document: dict[str, Any]) -> None:
    with contextlib.suppress(http.client.HTTPException, ConnectionError):
        raise AssertionError(f"it was to die before it answers: {send(api, pipeline, document)}")


def test_an_import_is_done_whole_or_not_at_all(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path, "process", {"GOFER_TRIGGERS__INSTALL_BASE_TRIGGERS": "false"})
    try:
        api = server.start()
        api.post("triggers", {"id": "off", "image": "builtin:interval", "enabled": False})
        documents = {pipeline: exported(api, pipeline) for pipeline in ("new", "known")}
        server.kill()
        for pipeline, document in documents.items():
            api = server.start(GOFER_TEST_CRASH_AT="importing")
            before = state(api, pipeline)
            unanswered(api, pipeline, document)
            server.died()
            api = server.start(GOFER_TEST_CRASH_AT="imported")
            assert state(api, pipeline) == before
            unanswered(api, pipeline, document)
            server.died()
        api = server.start()
        for pipeline, document in documents.items():
            check(api, pipeline, document)
    finally:
        assert server.stop() == 0, server.log_text()


def check(api: Api, pipeline: str, document: dict[str, Any]) -> None:
    """That it was done, and once."""
    after = state(api, pipeline)
    found, subscribed, deployments, _ = after
    if pipeline == "new":
        assert found == {**document, "exported_at": 0}
        assert (subscribed, deployments) == (["added", "s3"], [3])
        numbers = [1, 2, 3]
    else:
        assert (found["live_version"], subscribed, deployments) == (3, ["s3"], [3, 1])
        numbers = [2, 1, 3]
    status, answer = send(api, pipeline, document)
    assert status == (201 if pipeline == "new" else 200), answer
    assert [one["version"] for one in answer["versions"]] == numbers
    assert answer["deployed"]
    assert state(api, pipeline) == after
    assert api.start(pipeline) == 1
    assert api.run(pipeline, 1)["version"] == 3
