"""The server killed with SIGKILL between the end of a run and the moment at which somebody has been told of it."""

from __future__ import annotations

import contextlib
import http.client
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.support.receivers import http_receiver
from tests.support.server import Api, ServerProcess
from tests.support.until import until

POINTS = ["ended:1", "notifier_recorded:1", "notifier_started:1", "notifier_ended:1", "notifier_stored:1"]
MANIFEST = {
    "id": "told",
    "tasks": [{"id": "t", "image": "any", "command": ["true"]}],
    "notifiers": [{"label": "all", "common_task": "tell"}],
}


class Witness(NamedTuple):
    """A common task, and how often it has told somebody."""

    common_task: dict[str, Any]
    told: Callable[[], int]


@pytest.fixture(params=["built-in", "of the engine"])
def witness(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Witness]:
    if request.param == "built-in":
        with http_receiver() as receiver:
            body = {"id": "tell", "image": "builtin:webhook", "variables": {"WEBHOOK_URL": receiver.url}}
            yield Witness(body, lambda: len(receiver.got))
        return
    file = tmp_path / "witness"
    file.touch()
    script = f"echo $GOFER_NOTIFY_STATUS >> {file}; sleep 0.3"
    body = {"id": "tell", "image": "any", "command": ["sh", "-c", script]}
    yield Witness(body, lambda: len(file.read_text().splitlines()))


@pytest.mark.parametrize("point", POINTS)
def test_killed_at(point: str, witness: Witness, tmp_path: Path) -> None:
    server = ServerProcess(tmp_path, "process")
    try:
        api = server.start(GOFER_TEST_CRASH_AT=point)
        api.post("common-tasks", witness.common_task)
        api.register(MANIFEST)
        with contextlib.suppress(http.client.HTTPException, ConnectionError):
            api.start("told")
        server.died()
        api = server.start()
        api.ended("told", 1)
        until(lambda: notification(api)["status"] != "pending", "somebody was told")
        assert notification(api)["status"] == "sent"
        assert notification(api)["attempts"] == 1
        events = [event["kind"] for event in api.get("events", namespace="default", limit=1000)["items"]]
        assert events.count("notification.sent") == 1
        assert events.count("run.ended") == 1
        assert witness.told() == 1
    finally:
        code = server.stop()
    assert code == 0
    for folder in (tmp_path / "data" / "built-ins", tmp_path / "data" / "process"):
        assert not folder.exists() or list((folder / "records").iterdir()) == []


def notification(api: Api) -> Any:
    (found,) = api.get("namespaces/default/pipelines/told/runs/1/notifications")["items"]
    return found
