"""What a kept data folder holds: at least one of everything that a server stores, ended and unfinished.

Written against the API only, so that it also runs on the server that it is to be kept from.
"""

from __future__ import annotations

import json
from typing import Any

from tests.support.server import Api

UNFINISHED: dict[str, dict[int, str]] = {
    # A run that waits for its turn goes on; what ran in the fake engine is lost with the server.
    "line": {1: "failed", 2: "successful", 3: "successful"},
    "busy": {1: "failed"},
    "backoff": {1: "failed"},
    "stopping": {1: "cancelled"},
}
"""The runs that have not ended when the folder is kept, and how they must end under a later program."""

KEY = "kept-by-the-upgrade-test"
KEPT_REQUEST = "namespaces/default/pipelines/words/runs"
BODY = json.dumps({"parameters": {"WORD": "again"}})


def play(api: Api) -> None:
    """Fill an empty server that has the fake engine and keeps the logs of 20 runs."""
    _pipelines(api)
    _ended(api)
    _expired(api)
    _elsewhere(api)
    _deployed(api)
    status, _ = api.call("POST", KEPT_REQUEST, json.loads(BODY), {"Idempotency-Key": KEY})
    assert status in (200, 201, 202)
    for run in api.get(KEPT_REQUEST)["items"]:
        api.ended("words", run["id"])
    _unfinished(api)


def _task(name: str, *words: str, after: str = "", **rest: Any) -> dict[str, Any]:
    depends = [{"task": after}] if after else []
    return {"id": name, "image": "any:1", "command": list(words), "depends_on": depends, **rest}


def _pipelines(api: Api) -> None:
    word = {"name": "WORD", "type": "string", "default": "hello", "choices": ["hello", "again"]}
    first = {"id": "words", "name": "Words", "parameters": [word], "tasks": [_task("say", "say", "param{{WORD}}")]}
    second = {**first, "tasks": [*first["tasks"], _task("more", "log", "30", after="say")], "labels": {"a": "b"}}
    for manifest in (first, second, first):
        api.register(manifest)
    never = {**_task("never", "exit", "0", after="fail"), "description": "is skipped"}
    may = _task("may", "complain", "no", "exit", "4", allow_failure=True)
    api.register({"id": "fails", "tasks": [_task("fail", "say", "a", "complain", "b", "exit", "3"), never, may]})
    api.register({"id": "flaky", "tasks": [_task("t", "exit", "1", retries={"count": 2, "backoff": "0s"})]})
    api.register({"id": "unstartable", "tasks": [_task("t", "fail-to-start", "image_not_found")]})
    api.register({"id": "slow", "tasks": [_task("t", "hang", timeout="50ms")]})
    api.register({"id": "vanishing", "tasks": [_task("t", "vanish")]})
    api.register({"id": "cancelled", "tasks": [_task("t", "hang")]})
    api.register({"id": "many", "tasks": [_task("t", "log", "3")]})


def _ended(api: Api) -> None:
    for pipeline in ("words", "fails", "flaky", "unstartable", "slow", "vanishing"):
        api.ended(pipeline, api.start(pipeline))
    api.ended("words", api.start("words", WORD="again"))
    again = api.post("namespaces/default/pipelines/fails/runs/1/retry", {"from_failed": True})
    api.ended("fails", again["id"])
    run = api.start("cancelled")
    api.until("taskrun.running", "cancelled", run, "t")
    api.post(f"namespaces/default/pipelines/cancelled/runs/{run}/cancel")
    api.ended("cancelled", run)


def _expired(api: Api) -> None:
    """The logs of the first of these runs expire."""
    for _ in range(23):
        api.ended("many", api.start("many"))
    events = api.events(namespace="default", pipeline="many", run=3)
    while next(events)["kind"] != "logs.expired":
        pass


def _elsewhere(api: Api) -> None:
    api.post("namespaces", {"id": "team", "name": "The team", "description": "Others"})
    api.post("namespaces/team/pipelines", {"id": "theirs", "tasks": [_task("t", "say", "theirs")]})
    api.register({"id": "off", "tasks": [_task("t", "say", "off")]})
    assert api.call("PATCH", "namespaces/default/pipelines/off", {"enabled": False})[0] == 200
    api.register({"id": "gone", "tasks": [_task("t", "say", "gone")]})
    api.ended("gone", api.start("gone"))
    assert api.call("DELETE", "namespaces/default/pipelines/gone")[0] == 204


def _deployed(api: Api) -> None:
    """Versions that went live, one that is tried, and what is held of them."""
    pipeline = "namespaces/default/pipelines/deployed"
    for word in ("one", "two"):
        api.register({"id": "deployed", "tasks": [_task("t", "say", word)]})
    third = {"id": "deployed", "tasks": [_task("t", "say", "three")]}
    api.post("namespaces/default/pipelines?deploy=false&notes=Is%20tried", third)
    api.post(f"{pipeline}/rollback", {"reason": "it was better"})
    api.post(f"{pipeline}/deployments", {"version": 3, "strategy": "ab", "percent": 50})
    for _ in range(4):
        api.ended("deployed", api.start("deployed"))
    for path in (pipeline, f"{pipeline}/versions/2"):
        status, _ = api.call("PUT", f"{path}/holds/deprecated", {"reason": "there is a better one"})
        assert status in (200, 201)


def _unfinished(api: Api) -> None:
    seconds = {"name": "SECONDS", "type": "integer", "required": True}
    line = _task("t", "say", "begun", "sleep", "param{{SECONDS}}")
    api.register({"id": "line", "parallelism": {"limit": 1}, "parameters": [seconds], "tasks": [line]})
    api.register({"id": "busy", "tasks": [_task("a", "say", "begun", "hang"), _task("b", "exit", "0", after="a")]})
    backoff = _task("t", "exit", "1", retries={"count": 1, "backoff": "1m"})
    api.register({"id": "backoff", "tasks": [backoff]})
    api.register({"id": "stopping", "tasks": [_task("t", "deaf", stop_timeout="1h")]})
    for wait in (100_000, 0, 0):
        api.start("line", SECONDS=wait)
    for pipeline in ("busy", "backoff", "stopping"):
        api.start(pipeline)
    api.until("taskrun.running", "line", 1, "t")
    api.until("taskrun.running", "busy", 1, "a")
    api.until("taskrun.retrying", "backoff", 1, "t")
    api.until("taskrun.running", "stopping", 1, "t")
    api.post("namespaces/default/pipelines/stopping/runs/1/cancel")
    api.until("run.cancelling", "stopping", 1)


def answers(api: Api) -> dict[str, Any]:
    """What the API says of everything that can no longer change, by path."""
    found: dict[str, Any] = {}

    def take(path: str) -> Any:
        found[path] = api.get(path)
        return found[path]

    for space in take("namespaces?limit=200")["items"]:
        base = f"namespaces/{space['id']}/pipelines"
        for pipeline in api.get(f"{base}?limit=200")["items"]:
            one = f"{base}/{pipeline['id']}"
            for version in take(f"{one}/versions?limit=200")["items"]:
                take(f"{one}/versions/{version['number']}")
            if "deployment" in pipeline:
                take(f"{one}/deployments?limit=200")
            if pipeline["id"] not in UNFINISHED:
                take(one)
                _runs(api, one, found)
    found["events?limit=200"] = api.get("events?limit=200")
    return found


def _runs(api: Api, pipeline: str, found: dict[str, Any]) -> None:
    listed = found[f"{pipeline}/runs?limit=200"] = api.get(f"{pipeline}/runs?limit=200")
    for run in listed["items"]:
        path = f"{pipeline}/runs/{run['id']}"
        found[path] = api.get(path)
        tasks = found[f"{path}/tasks?limit=200"] = api.get(f"{path}/tasks?limit=200")
        for task in tasks["items"]:
            one = found[f"{path}/tasks/{task['id']}"] = api.get(f"{path}/tasks/{task['id']}")
            for attempt in one["attempts"]:
                log = f"{path}/tasks/{task['id']}/log?attempt={attempt['number']}"
                found[log] = list(api.call("GET", log)) if attempt["log_state"] == "expired" else api.get(log)
