"""Logs over HTTP: pages, downloads, attempts, expiry. Real processes print them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.api.server import ServerThread

PRINT = "printf 'one\\ntwo\\n'; printf 'bad\\n' >&2; printf '\\377\\376\\nlast'"


EMPTY = {"lines": [], "next_line": 1, "total": 0, "stream_total": 0, "position": 1, "complete": True}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerThread]:
    found = ServerThread(tmp_path_factory.mktemp("server"), engine="process")
    found.start()
    yield found
    found.stop()


@pytest.fixture(scope="module")
def task(server: ServerThread) -> str:
    """The path of a task run that has ended, and printed on both streams."""
    server.api.register({"id": "prints", "tasks": [{"id": "one", "image": "none", "command": ["sh", "-c", PRINT]}]})
    number = server.api.start("prints")
    assert server.api.ended("prints", number)["status"] == "successful"
    return f"/api/v1/namespaces/default/pipelines/prints/runs/{number}/tasks/one"


def page(server: ServerThread, path: str) -> Any:
    answer = server.ask("GET", path)
    assert answer.status == 200, answer.body
    return answer.json


def test_page_of_lines(server: ServerThread, task: str) -> None:
    found = page(server, f"{task}/log")
    assert (found["total"], found["next_line"], found["complete"]) == (5, 6, True)
    assert sorted(line[0] for line in found["lines"]) == [1, 2, 3, 4, 5]
    texts = {stream: [line[3] for line in found["lines"] if line[2] == stream] for stream in ("stdout", "stderr")}
    assert texts == {"stdout": ["one", "two", "\ufffd\ufffd", "last"], "stderr": ["bad"]}


def test_some_lines(server: ServerThread, task: str) -> None:
    numbers = [line[0] for line in page(server, f"{task}/log")["lines"]]
    assert [line[0] for line in page(server, f"{task}/log?from=2&limit=2")["lines"]] == numbers[1:3]
    assert [line[0] for line in page(server, f"{task}/log?from=-2")["lines"]] == numbers[3:]
    assert page(server, f"{task}/log?from=99")["lines"] == []
    assert [line[3] for line in page(server, f"{task}/log?stream=stderr")["lines"]] == ["bad"]


def test_lines_of_one_stream_by_their_place_in_it(server: ServerThread, task: str) -> None:
    whole = page(server, f"{task}/log")
    assert (whole["position"], whole["stream_total"]) == (1, 5)
    mine = [line for line in whole["lines"] if line[2] == "stdout"]
    third = page(server, f"{task}/log?from=3&of=stream&stream=stdout")
    assert third["lines"] == mine[2:]
    assert (third["position"], third["stream_total"], third["total"]) == (3, 4, 5)
    last = page(server, f"{task}/log?from=-1&stream=stdout")
    assert (last["position"], last["lines"]) == (4, mine[3:])
    here = page(server, f"{task}/log?from={mine[1][0]}&stream=stdout")
    assert (here["position"], here["lines"]) == (2, mine[1:])
    behind = page(server, f"{task}/log?from=9&of=stream&stream=stdout")
    assert (behind["position"], behind["lines"]) == (5, [])


def test_download_may_be_looked_at(server: ServerThread, task: str) -> None:
    answer = server.ask("GET", f"{task}/log/raw?stream=stderr&download=false")
    assert answer.headers["content-disposition"] == 'inline; filename="prints-1-one-1.log"'
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("query", ["from=x", "limit=0", "limit=5001", "stream=both", "attempt=0", "from=1.5", "frm=1"])
def test_impossible_queries(server: ServerThread, task: str, query: str) -> None:
    answer = server.ask("GET", f"{task}/log?{query}")
    assert answer.status == 422
    assert answer.problem["hint"]


def test_download_has_the_very_bytes(server: ServerThread, task: str) -> None:
    answer = server.ask("GET", f"{task}/log/raw?stream=stdout")
    assert answer.body == b"one\ntwo\n\xff\xfe\nlast"
    assert answer.headers["content-disposition"] == 'attachment; filename="prints-1-one-1.log"'
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert server.ask("GET", f"{task}/log/raw?stream=stderr").body == b"bad\n"


def test_download_with_times(server: ServerThread, task: str) -> None:
    lines = server.ask("GET", f"{task}/log/raw?timestamps=true&stream=stdout").body.splitlines()
    assert [line.split(b" ", 2)[1:] for line in lines] == [
        [b"stdout", b"one"],
        [b"stdout", b"two"],
        [b"stdout", b"\xff\xfe"],
        [b"stdout", b"last"],
    ]


def test_head_of_a_download(server: ServerThread, task: str) -> None:
    answer = server.ask("HEAD", f"{task}/log/raw")
    assert (answer.status, answer.body) == (200, b"")


def test_attempts(server: ServerThread, task: str) -> None:
    assert page(server, f"{task}/log?attempt=1")["total"] == 5
    for path in (f"{task}/log?attempt=2", f"{task}/log/raw?attempt=2"):
        answer = server.ask("GET", path)
        assert answer.status == 404
        assert "It has 1" in answer.problem["hint"]


def test_task_that_never_ran_has_an_empty_log(server: ServerThread) -> None:
    tasks = [
        {"id": "bad", "image": "none", "command": ["sh", "-c", "exit 3"]},
        {"id": "never", "image": "none", "command": ["true"], "depends_on": [{"task": "bad"}]},
    ]
    server.api.register({"id": "skips", "tasks": tasks})
    number = server.api.start("skips")
    server.api.ended("skips", number)
    path = f"/api/v1/namespaces/default/pipelines/skips/runs/{number}/tasks/never"
    assert page(server, f"{path}/log") == EMPTY
    assert server.ask("GET", f"{path}/log/raw").body == b""


def test_task_that_printed_nothing(server: ServerThread) -> None:
    server.api.register({"id": "silent", "tasks": [{"id": "one", "image": "none", "command": ["true"]}]})
    number = server.api.start("silent")
    server.api.ended("silent", number)
    path = f"/api/v1/namespaces/default/pipelines/silent/runs/{number}/tasks/one"
    assert page(server, f"{path}/log") == EMPTY
    assert server.ask("GET", f"{path}/log/raw").body == b""


def test_expired_log_is_gone_and_says_why(server: ServerThread) -> None:
    server.api.register({"id": "many", "tasks": [{"id": "one", "image": "none", "command": ["echo", "x"]}]})
    for _ in range(server.services.settings.task_run_log_expiry + 1):
        server.api.ended("many", server.api.start("many"))
    server.api.until("logs.expired", "many", 1)
    path = "/api/v1/namespaces/default/pipelines/many/runs/1/tasks/one"
    for what in ("/log", "/log/raw"):
        answer = server.ask("GET", path + what)
        assert answer.status == 410
        assert "task_run_log_expiry" in answer.problem["hint"]
    assert page(server, path)["attempts"][0]["log_state"] == "expired"


def test_log_that_somebody_removed_is_not_shown_as_empty(server: ServerThread) -> None:
    server.api.register({"id": "removed", "tasks": [{"id": "one", "image": "none", "command": ["echo", "x"]}]})
    number = server.api.start("removed")
    server.api.ended("removed", number)
    log = server.services.settings.task_run_logs_dir / f"default/removed/{number}/one/1.log"
    path = f"/api/v1/namespaces/default/pipelines/removed/runs/{number}/tasks/one"
    assert server.ask("GET", f"{path}/log/raw").body == b"x\n"
    log.unlink()
    for what in ("/log", "/log/raw"):
        answer = server.ask("GET", path + what)
        assert answer.status == 410
        assert "somebody removed its file" in answer.problem["detail"]


def test_large_download_stops_when_its_client_goes(server: ServerThread) -> None:
    fill = "head -c 30000000 /dev/zero | tr '\\0' 'x' | fold -w 99"
    server.api.register({"id": "large", "tasks": [{"id": "one", "image": "none", "command": ["sh", "-c", fill]}]})
    number = server.api.start("large")
    server.api.ended("large", number)
    path = f"/api/v1/namespaces/default/pipelines/large/runs/{number}/tasks/one/log/raw"
    with server.connect() as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        assert connection.recv(1000).startswith(b"HTTP/1.1 200 ")
    whole = server.ask("GET", path).body
    assert len(whole) == 30_000_000 + 30_000_000 // 99
    assert whole.replace(b"\n", b"").strip(b"x") == b""
