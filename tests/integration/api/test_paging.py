"""Lists are paged by opaque cursors."""

from __future__ import annotations

import base64
from typing import Any

import msgspec
import pytest

from gofer.server.api import paging
from tests.integration.api.server import ServerThread

PIPELINES = "/api/v1/namespaces/default/pipelines"


def pages(server: ServerThread, path: str, limit: int) -> list[list[Any]]:
    """The items of every page."""
    found: list[list[Any]] = []
    cursor = ""
    mark = "&" if "?" in path else "?"
    while True:
        answer = server.ask("GET", f"{path}{mark}limit={limit}{cursor}")
        assert answer.status == 200, answer.body
        found.append(answer.json["items"])
        if answer.json["next"] is None:
            return found
        cursor = f"&cursor={answer.json['next']}"


@pytest.fixture(scope="module")
def many(server: ServerThread) -> str:
    """A pipeline with seven versions, seven runs and seven task runs in each, beside six others."""
    for number in range(6):
        server.api.register({"id": f"p{number}", "tasks": [{"id": "one", "image": "fake"}]})
    for number in range(7):
        tasks = [{"id": f"t{task}", "image": f"fake:{number}"} for task in range(7)]
        server.api.register({"id": "many", "tasks": tasks})
    for _ in range(7):
        server.api.start("many")
    return f"{PIPELINES}/many"


@pytest.mark.parametrize(
    ("path", "key", "expected"),
    [
        (PIPELINES, "id", ["many", "p0", "p1", "p2", "p3", "p4", "p5"]),
        (f"{PIPELINES}/many/versions", "number", [7, 6, 5, 4, 3, 2, 1]),
        (f"{PIPELINES}/many/deployments", "number", [7, 6, 5, 4, 3, 2, 1]),
        (f"{PIPELINES}/many/runs", "id", [7, 6, 5, 4, 3, 2, 1]),
        ("/api/v1/namespaces/default/runs", "id", [7, 6, 5, 4, 3, 2, 1]),
        (f"{PIPELINES}/many/runs/1/tasks", "id", [f"t{task}" for task in range(7)]),
    ],
)
def test_pages_together_are_the_list(server: ServerThread, many: str, path: str, key: str, expected: list[Any]) -> None:
    for limit in (1, 3, 7, 200, 1000):
        found = pages(server, path, limit)
        assert [item[key] for page in found for item in page] == expected
        assert all(len(page) == limit for page in found[:-1])
        assert found[-1]


def test_namespaces_are_paged(server: ServerThread) -> None:
    for name in ("a", "b", "c"):
        server.api.post("namespaces", {"id": name})
    assert [[n["id"] for n in page] for page in pages(server, "/api/v1/namespaces", 2)] == [
        ["a", "b"],
        ["c", "default"],
    ]


@pytest.mark.parametrize("order", ["", "?newest_first=true"])
def test_events_are_paged_in_both_directions(server: ServerThread, many: str, order: str) -> None:
    for run in range(1, 8):
        server.api.ended("many", run)
    found = [event["seq"] for page in pages(server, f"/api/v1/events{order}", 7) for event in page]
    hidden = [event["seq"] for page in pages(server, "/api/v1/events?audit=true", 7) for event in page]
    every = set(range(1, server.services.bus.last_seq + 1)) - set(hidden)
    assert found == sorted(every, reverse=bool(order))
    assert hidden


def test_events_above_a_number(server: ServerThread, many: str) -> None:
    newest = [event["seq"] for event in server.api.get("events", newest_first="true", limit=6)["items"]]
    for order in ("", "&newest_first=true"):
        found = [e["seq"] for page in pages(server, f"/api/v1/events?after={newest[-1]}{order}", 2) for e in page]
        assert sorted(found, reverse=True) == newest[:-1]


def test_events_below_a_number(server: ServerThread, many: str) -> None:
    oldest = [event["seq"] for event in server.api.get("events", limit=6)["items"]]
    for order in ("", "&newest_first=true"):
        found = [e["seq"] for page in pages(server, f"/api/v1/events?before={oldest[-1]}{order}", 2) for e in page]
        assert sorted(found) == oldest[:-1]
        between = f"/api/v1/events?after={oldest[0]}&before={oldest[-1]}{order}"
        assert sorted(e["seq"] for page in pages(server, between, 2) for e in page) == oldest[1:-1]


def test_events_filtered(server: ServerThread, many: str) -> None:
    path = "/api/v1/events?kind=run.ended&kind=version.*&namespace=default&pipeline=many"
    kinds = {event["kind"] for page in pages(server, path, 200) for event in page}
    assert kinds == {"run.ended", "version.registered"}
    of_run = [
        event for page in pages(server, "/api/v1/events?namespace=default&pipeline=many&run=3", 200) for event in page
    ]
    assert {event["run"] for event in of_run} == {3}


def test_runs_by_status(server: ServerThread, many: str) -> None:
    assert [r["id"] for page in pages(server, f"{many}/runs?status=successful", 3) for r in page] == [
        7,
        6,
        5,
        4,
        3,
        2,
        1,
    ]
    assert pages(server, f"{many}/runs?status=failed", 3) == [[]]


def test_new_runs_do_not_disturb_a_paging_client(server: ServerThread, many: str) -> None:
    first = server.ask("GET", f"{many}/runs?limit=3").json
    server.api.start("many")
    second = server.ask("GET", f"{many}/runs?limit=3&cursor={first['next']}").json
    assert second["items"][0]["id"] == first["items"][-1]["id"] - 1


def _forged(*values: object) -> str:
    return base64.urlsafe_b64encode(msgspec.msgpack.encode(values)).decode().rstrip("=")


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "%00",
        "1",
        "====",
        "a" * 512,
        "a" * 513,
        "%C3%A4",
        _forged("runs", -1),
        _forged("runs", 2**63),
        _forged("runs", 2**64 - 1),
        _forged("runs", "1"),
        _forged("runs", 1.0),
        _forged("runs"),
        _forged("namespace runs", 5),
        _forged("runs", 1) + "!",
    ],
)
def test_impossible_cursors(server: ServerThread, many: str, cursor: str) -> None:
    answer = server.ask("GET", f"{many}/runs?cursor={cursor}")
    assert answer.status == 422
    assert answer.problem["problems"][0]["place"] == "query.cursor"


@pytest.mark.parametrize("forged", ["", "../x", "a" * 65, "' OR 1=1 --"])
def test_cursor_with_a_forged_id(server: ServerThread, forged: str) -> None:
    assert server.ask("GET", f"{PIPELINES}?cursor={paging.seal('pipelines', forged)}").status == 422


def test_cursor_of_another_list(server: ServerThread, many: str) -> None:
    cursor = server.ask("GET", f"{many}/versions?limit=1").json["next"]
    assert server.ask("GET", f"{many}/runs?cursor={cursor}").status == 422
