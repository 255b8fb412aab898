"""The server killed with SIGKILL in the midst of every change of the live version, and right after it."""

from __future__ import annotations

import contextlib
import http.client
import json
from pathlib import Path
from typing import Any, NamedTuple

from tests.support.server import Api, ServerProcess

PIPELINES = "namespaces/default/pipelines"


class State(NamedTuple):
    """`subscribed` are the labels of the pipeline's subscriptions: those of its live version. `events` counts those of
    the deployments, and `deployments` are their statuses, oldest first."""

    live: int
    versions: int
    under_way: int | None
    name: str
    subscribed: list[str]
    deployments: list[str]
    events: int


class Step(NamedTuple):
    """A request that changes what is live, or what is tried."""

    path: str
    body: dict[str, Any]


def manifest(pipeline: str, number: int) -> dict[str, Any]:
    """Of a version, which `number` tells from others."""
    return {
        "id": pipeline,
        "name": f"version {number}",
        "tasks": [{"id": "t", "image": "i", "script": "true"}],
        "subscriptions": [{"label": f"s{number}", "trigger": "off", "settings": {"every": "1h"}}],
    }


CANARY = {"version": 2, "strategy": "canary", "manual": True}
# Each on a pipeline of its own, of which version 3 is live; in the second group a canary of version 2 is under way.
QUIET = {
    "start": Step("/start/deployments", CANARY),
    "register": Step("", manifest("register", 4)),
    "rollback": Step("/rollback/rollback", {}),
}
UNDER_WAY = {
    "promote": Step("/promote/deployments/4/promote", {}),
    "abort": Step("/abort/deployments/4/abort", {}),
    "force": Step("/force/deployments", {"version": 1, "force": True}),
    "force-register": Step("?force=true", manifest("force-register", 4)),
}
BEFORE = ["completed"] * 3
AFTER = {
    "start": (3, 4, [*BEFORE, "running"]),
    "register": (4, None, [*BEFORE, "completed"]),
    "rollback": (2, None, [*BEFORE, "completed"]),
    "promote": (2, None, [*BEFORE, "completed"]),
    "abort": (3, None, [*BEFORE, "aborted"]),
    "force": (1, None, [*BEFORE, "aborted", "completed"]),
    "force-register": (4, None, [*BEFORE, "aborted", "completed"]),
}


def prepare(api: Api) -> None:
    api.post("triggers", {"id": "off", "image": "builtin:interval", "enabled": False})
    for name in AFTER:
        for number in (1, 2, 3):
            api.register(manifest(name, number))
        if name in UNDER_WAY:
            api.post(f"{PIPELINES}/{name}/deployments", CANARY)


def state(api: Api, name: str) -> State:
    pipeline = api.get(f"{PIPELINES}/{name}")
    subscriptions = api.get(f"{PIPELINES}/{name}/subscriptions")["items"]
    deployments = api.get(f"{PIPELINES}/{name}/deployments")["items"]
    events = api.get("events", limit=1_000, pipeline=name)["items"]
    return State(
        pipeline["version"],
        pipeline["versions"],
        pipeline.get("deployment"),
        pipeline["name"],
        [one["label"] for one in subscriptions],
        [one["status"] for one in reversed(deployments)],
        sum(event["kind"].startswith("deployment.") for event in events),
    )


def send(api: Api, name: str, step: Step) -> tuple[int, Any]:
    """Always with the same Idempotency-Key."""
    headers = {"Idempotency-Key": name}
    status, answer = api.raw("POST", f"{PIPELINES}{step.path}", json.dumps(step.body).encode(), headers)
    return status, json.loads(answer)


def unanswered(api: Api, name: str, step: Step) -> None:
    with contextlib.suppress(http.client.HTTPException, ConnectionError):
        raise AssertionError(f"it was to die before it answers: {send(api, name, step)}")


def test_a_change_of_the_live_version_is_done_or_not(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path, "process", {"GOFER_TRIGGERS__INSTALL_BASE_TRIGGERS": "false"})
    try:
        prepare(server.start())
        server.kill()
        for name, step in (QUIET | UNDER_WAY).items():
            api = server.start(GOFER_TEST_CRASH_AT="deploying")
            before = state(api, name)
            assert (before.live, before.subscribed, before.name) == (3, ["s3"], "version 3")
            unanswered(api, name, step)
            server.died()

            api = server.start(GOFER_TEST_CRASH_AT="deployed")
            assert state(api, name) == before
            unanswered(api, name, step)
            server.died()
        api = server.start()
        for name, step in (QUIET | UNDER_WAY).items():
            check(api, name, step)
    finally:
        assert server.stop() == 0, server.log_text()


def check(api: Api, name: str, step: Step) -> None:
    """That it was done, and once."""
    after = state(api, name)
    live, under_way, statuses = AFTER[name]
    assert (after.live, after.under_way, after.deployments) == (live, under_way, statuses)
    assert (after.subscribed, after.name) == ([f"s{live}"], f"version {live}")
    assert after.versions == (4 if "register" in name else 3)
    assert after.events == len(statuses) + (name in UNDER_WAY)
    # What was done and not answered is answered now, and not done again.
    status, answer = send(api, name, step)
    assert status in (200, 201), answer
    assert state(api, name) == after
    assert api.start(name) == 1
    assert api.run(name, 1)["version"] == live
