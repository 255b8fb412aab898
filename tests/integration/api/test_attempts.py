"""The graph of a run and all attempts of it: what a picture of a run is drawn from."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.api.server import ServerThread

PIPELINE = "/api/v1/namespaces/default/pipelines/attempts"
RUN = f"{PIPELINE}/runs/1"
MANIFEST: dict[str, Any] = {
    "id": "attempts",
    "tasks": [
        {"id": "last", "image": "fake", "depends_on": [{"task": "wide", "when": "any"}], "allow_failure": True},
        {"id": "wide", "image": "fake", "description": "Of each letter.", "matrix": {"letter": ["a", "b", "c"]}},
        {"id": "often", "image": "fake", "command": ["exit", "3"], "retries": {"count": 3, "backoff": "1ms"}},
        {"id": "never", "image": "fake", "depends_on": [{"task": "often"}]},
    ],
}
EXPECTED = [("last", 1), ("wide-a", 1), ("wide-b", 1), ("wide-c", 1), *(("often", number) for number in range(1, 5))]


@pytest.fixture(scope="module")
def ended(server: ServerThread) -> ServerThread:
    """A server with a run that has failed after some attempts."""
    server.api.register(MANIFEST)
    server.api.ended("attempts", server.api.start("attempts"))
    return server


def test_graph_says_what_each_task_has_become(ended: ServerThread) -> None:
    tasks = {task["id"]: task for task in ended.ask("GET", f"{RUN}/graph").json["tasks"]}
    assert list(tasks) == ["last", "wide", "often", "never"]
    assert tasks["wide"]["task_runs"] == ["wide-a", "wide-b", "wide-c"]
    assert tasks["wide"]["description"] == "Of each letter."
    assert tasks["last"]["depends_on"] == [{"task": "wide", "when": "any"}]
    assert (tasks["last"]["allow_failure"], tasks["wide"]["allow_failure"]) == (True, False)
    listed = [task["id"] for task in ended.ask("GET", f"{RUN}/tasks").json["items"]]
    assert [name for task in tasks.values() for name in task["task_runs"]] == listed


@pytest.mark.parametrize("limit", [1, 3, 8, 200])
def test_attempts_page_by_page(ended: ServerThread, limit: int) -> None:
    found: list[tuple[str, int]] = []
    cursor: str | None = ""
    while cursor is not None:
        more = f"&cursor={cursor}" if cursor else ""
        page = ended.ask("GET", f"{RUN}/attempts?limit={limit}{more}").json
        assert 0 < len(page["items"]) <= limit
        found += [(item["task"], item["number"]) for item in page["items"]]
        cursor = page["next"]
    assert found == EXPECTED


def test_an_attempt_is_that_of_its_task_run(ended: ServerThread) -> None:
    every = ended.ask("GET", f"{RUN}/attempts").json["items"]
    for task in {item["task"] for item in every}:
        of_task = ended.ask("GET", f"{RUN}/tasks/{task}").json["attempts"]
        assert [item for item in every if item["task"] == task] == [{**item, "task": task} for item in of_task]


@pytest.mark.parametrize("what", ["graph", "attempts"])
def test_of_no_run_there_is_neither(ended: ServerThread, what: str) -> None:
    for path in (f"{PIPELINE}/runs/99", "/api/v1/namespaces/default/pipelines/none/runs/1"):
        assert ended.ask("GET", f"{path}/{what}").status == 404
    assert ended.ask("GET", f"{RUN}/attempts?cursor=nonsense").status == 422
