"""Searching logs over HTTP and websockets: one log, all logs of a run, and the groups of a log."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from gofer.errors import Unavailable
from tests.integration.api.server import ServerThread

PRINT = "echo '--- Build'; echo one error; echo '::group::Test'; echo two; echo Error here; echo ::endgroup::"
RUNS = "/api/v1/namespaces/default/pipelines/prints/runs"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerThread]:
    found = ServerThread(tmp_path_factory.mktemp("server"), engine="process")
    found.start()
    yield found
    found.stop()


@pytest.fixture(scope="module")
def run(server: ServerThread) -> str:
    """The path of a run that has ended; its task `bad` had two attempts, `never` none."""
    bad = {"id": "bad", "image": "none", "command": ["sh", "-c", "echo error $GOFER_ATTEMPT; exit 1"]}
    tasks = [
        {"id": "one", "image": "none", "command": ["sh", "-c", PRINT]},
        {**bad, "retries": {"count": 1, "backoff": "1ms"}},
        {"id": "never", "image": "none", "command": ["true"], "depends_on": [{"task": "bad"}]},
    ]
    server.api.register({"id": "prints", "tasks": tasks})
    number = server.api.start("prints")
    assert server.api.ended("prints", number)["status"] == "failed"
    return f"{RUNS}/{number}"


def page(server: ServerThread, path: str, **query: Any) -> Any:
    answer = server.ask("GET", f"{path}?{urlencode(query)}")
    assert answer.status == 200, answer.body
    return answer.json


def frames(server: ServerThread, path: str, **query: Any) -> list[Any]:
    with connect(f"{server.websocket_address}{path}?{urlencode(query)}", compression=None) as websocket:
        return [json.loads(text) for text in websocket]


def test_search(server: ServerThread, run: str) -> None:
    path = f"{run}/tasks/one/log/search"
    found = page(server, path, pattern="error", ignore_case="true")
    assert [(match[0], match[3], match[5]) for match in found["matches"]] == [
        (2, "one error", [[4, 9]]),
        (5, "Error here", [[0, 5]]),
    ]
    assert (found["next_line"], found["total"], found["complete"]) == (None, 6, True)
    back = page(server, path, pattern="error", ignore_case="true", backward="true", limit=1, **{"from": -1})
    assert ([match[0] for match in back["matches"]], back["next_line"]) == ([5], 2)
    assert page(server, path, pattern="o.e", literal="true")["matches"] == []
    assert page(server, path, pattern="error", stream="stderr")["matches"] == []


@pytest.mark.parametrize(
    "query", ["", "pattern=", "pattern=(", "pattern=x&limit=0", "pattern=x&to=0", f"pattern={'x' * 1001}"]
)
def test_impossible_searches(server: ServerThread, run: str, query: str) -> None:
    answer = server.ask("GET", f"{run}/tasks/one/log/search?{query}")
    assert answer.status == 422
    assert answer.problem["hint"]


def test_log_that_never_was(server: ServerThread, run: str) -> None:
    path = f"{run}/tasks/never/log"
    nothing = {"total": 0, "complete": True}
    assert page(server, f"{path}/search", pattern="x") == {"matches": [], "next_line": None, **nothing}
    assert page(server, f"{path}/groups") == {"groups": [], "more": False, "searched": 0, **nothing}
    assert frames(server, f"{path}/search/stream", pattern="x") == [{"type": "end", "state": "complete"}]
    assert frames(server, f"{path}/groups/stream") == [{"type": "end", "state": "complete"}]


def test_groups(server: ServerThread, run: str) -> None:
    found = page(server, f"{run}/tasks/one/log/groups")
    assert [(one["name"], one["kind"], one["first"], one["last"], one["depth"]) for one in found["groups"]] == [
        ("Build", "section", 1, None, 0),
        ("Test", "group", 3, 6, 1),
    ]
    assert (found["more"], found["searched"], found["total"]) == (False, 6, 6)
    *told, end = frames(server, f"{run}/tasks/one/log/groups/stream")
    assert [one for frame in told for one in frame["groups"]] == found["groups"]
    assert end == {"type": "end", "state": "complete"}


def test_search_of_a_whole_log(server: ServerThread, run: str) -> None:
    *told, end = frames(server, f"{run}/tasks/one/log/search/stream", pattern="o", shown=1)
    assert [line for frame in told for line in frame["lines"]] == [2, 3, 4, 5, 6]
    assert [match[0] for frame in told for match in frame["matches"]] == [2]
    assert (told[-1]["count"], told[-1]["searched"], told[-1]["total"]) == (5, 6, 6)
    assert end == {"type": "end", "state": "complete"}


def test_search_of_a_whole_run(server: ServerThread, run: str) -> None:
    *told, end = frames(server, f"{run}/logs/search/stream", pattern="error")
    counts = {(frame["task"], frame["attempt"]): frame["count"] for frame in told}
    assert counts == {("one", 1): 1, ("bad", 1): 1, ("bad", 2): 1}
    texts = {match[3] for frame in told for match in frame["matches"]}
    assert texts == {"one error", "error 1", "error 2"}
    assert end == {"type": "end", "state": "complete"}


def test_search_of_a_run_that_goes_on(server: ServerThread, tmp_path: Any) -> None:
    """It begins before the second task does, and hears of that too."""
    wait = tmp_path / "go"
    first = f"echo needle 1; until [ -e {wait} ]; do sleep 0.05; done; echo needle 2"
    tasks = [
        {"id": "first", "image": "none", "command": ["sh", "-c", first]},
        {"id": "second", "image": "none", "command": ["echo", "needle 3"], "depends_on": [{"task": "first"}]},
    ]
    server.api.register({"id": "waits", "tasks": tasks})
    number = server.api.start("waits")
    path = f"/api/v1/namespaces/default/pipelines/waits/runs/{number}/logs/search/stream?pattern=needle"
    texts: list[str] = []
    with connect(server.websocket_address + path, compression=None) as websocket:
        for text in websocket:
            frame = json.loads(text)
            texts += [match[3] for match in frame.get("matches", [])]
            if texts == ["needle 1"]:
                wait.touch()
    assert sorted(texts) == ["needle 1", "needle 2", "needle 3"]
    assert frame == {"type": "end", "state": "complete"}


def test_searches_of_what_is_not_there(server: ServerThread, run: str) -> None:
    assert server.ask("GET", f"{run}/tasks/nothing/log/search?pattern=x").status == 404
    assert server.ask("GET", f"{run}/tasks/nothing/log/groups").status == 404
    assert server.ask("GET", f"{run}/tasks/one/log/search?pattern=x&attempt=7").status == 404


def test_a_search_of_a_run_says_why_it_fails(server: ServerThread, run: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As that of one log does, though it looks at several at once."""

    async def fails(*_: Any) -> None:
        raise Unavailable("The disk is full", "Make room.")

    address = f"{server.websocket_address}{run}/logs/search/stream?pattern=x"
    monkeypatch.setattr(server.services.runs, "task_run", fails)
    with connect(address, compression=None) as websocket, pytest.raises(ConnectionClosed) as closed:
        websocket.recv(timeout=30)
    assert closed.value.rcvd is not None
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (1013, "The disk is full Make room.")


@pytest.mark.parametrize("first", [-(2**53) + 1, 2**53 - 1, 0])
@pytest.mark.parametrize("backward", ["true", "false"])
def test_lines_far_out(server: ServerThread, run: str, first: int, backward: str) -> None:
    query = {"pattern": "o", "from": first, "backward": backward}
    found = page(server, f"{run}/tasks/one/log/search", **query)
    everything = first <= 0 if backward == "false" else first > 0
    assert len(found["matches"]) == (5 if everything else 0)
    assert found["next_line"] is None
    for wrong in ("from=9007199254740992", "from=-9007199254740992", "to=-1", "limit=1001", "from=x", "attempt=0"):
        assert server.ask("GET", f"{run}/tasks/one/log/search?pattern=o&{wrong}").status == 422
