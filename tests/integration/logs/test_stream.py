"""The websocket of a log, against a whole server. No engine knows these task runs: the test writes their logs."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections.abc import AsyncIterator
from contextlib import ExitStack
from functools import partial
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from gofer.engines.scheduler.base import Chunk
from gofer.models.event import Kind
from gofer.server.logs.logs import LogId
from gofer.server.store.transaction import Transaction
from tests.integration.api.server import ServerThread

_NAMES = (f"pipe{number}" for number in itertools.count())


class TaskRun:
    """A task run in the database."""

    def __init__(self, server: ServerThread, attempts: int = 1) -> None:
        self.server = server
        self.name = next(_NAMES)
        self.key = self._write(self._insert)
        for number in range(1, attempts + 1):
            self.begin(number)

    def begin(self, number: int) -> None:
        """Begin an attempt, as a run does."""
        self._write(partial(self._begin, number=number))

    def skip(self) -> None:
        """End the task run without any attempt."""
        self._write(self._skip)

    def set_state(self, state: str, printed: int = 0) -> None:
        """Of the log of every attempt. `printed`: in bytes."""
        sql = "UPDATE attempts SET log_state = ?, log_bytes = ? WHERE run_key = ?"
        self._write(lambda tx: tx.execute(sql, (state, printed, self.key)).rowcount)

    def log(self, attempt: int = 1) -> LogId:
        return LogId("default", self.name, 1, "one", attempt)

    def capture(self, text: bytes, attempt: int = 1) -> None:
        async def chunks() -> AsyncIterator[Chunk]:
            yield Chunk("stdout", text, time.time_ns())

        self.server.in_loop(lambda: self.server.services.logs.capture(self.log(attempt), chunks()))

    def finish(self, attempt: int = 1) -> None:
        self.server.in_loop(lambda: self.server.services.logs.finish(self.log(attempt)))

    def connect(self, query: str = "") -> ClientConnection:
        path = f"/api/v1/namespaces/default/pipelines/{self.name}/runs/1/tasks/one/log/stream{query}"
        return connect(self.server.websocket_address + path)

    def follow(self, query: str = "") -> list[Any]:
        """Every frame, decoded; fails unless the websocket is closed as it should be."""
        with self.connect(query) as websocket:
            return rest(websocket)

    def _write(self, work: Any) -> Any:
        return self.server.in_loop(lambda: self.server.services.database.write(work))

    def _insert(self, tx: Transaction) -> int:
        sql = """INSERT INTO pipelines (namespace, id, live_version, last_version, last_run, created_at, modified_at)
                 VALUES ('default', ?, 1, 1, 1, 0, 0)"""
        pipeline = tx.execute(sql, (self.name,)).lastrowid
        manifest = json.dumps({"id": self.name, "tasks": [{"id": "one", "image": "fake"}]})
        sql = "INSERT INTO versions (pipeline_key, number, hash, created_at, manifest) VALUES (?, 1, 'h', 0, ?)"
        tx.execute(sql, (pipeline, manifest))
        sql = """INSERT INTO runs (pipeline_key, namespace, number, version, status, initiator_kind, task_count,
                                   created_at) VALUES (?, 'default', 1, 1, 'running', 'user', 1, 0)"""
        run = tx.execute(sql, (pipeline,)).lastrowid
        tx.execute("INSERT INTO task_runs (run_key, position, id, status) VALUES (?, 0, 'one', 'waiting')", (run,))
        assert run is not None
        return run

    def _begin(self, tx: Transaction, number: int) -> None:
        tx.execute("UPDATE task_runs SET status = 'running', attempt = ? WHERE run_key = ?", (number, self.key))
        sql = """INSERT INTO attempts (run_key, position, number, uid, container, status, starting_at)
                 VALUES (?, 0, ?, 'u', 'c', 'running', 0)"""
        tx.execute(sql, (self.key, number))
        self._emit(tx, Kind.TASKRUN_STARTING)

    def _skip(self, tx: Transaction) -> None:
        tx.execute("UPDATE task_runs SET status = 'skipped' WHERE run_key = ?", (self.key,))
        self._emit(tx, Kind.TASKRUN_ENDED)

    def _emit(self, tx: Transaction, kind: Kind) -> None:
        tx.emit(kind, 0, namespace="default", pipeline=self.name, run=1, run_key=self.key, task="one")


def rest(websocket: ClientConnection) -> list[Any]:
    """What still comes, until the server closes the websocket in good order."""
    frames = [json.loads(message) for message in websocket]
    assert websocket.close_code == 1000
    return frames


def texts(frames: list[Any]) -> list[str]:
    return [line[3] for frame in frames if frame["type"] == "lines" for line in frame["lines"]]


def end(state: str, total: int) -> dict[str, Any]:
    return {"type": "end", "state": state, "total": total}


def test_a_complete_log(server: ServerThread) -> None:
    task = TaskRun(server)
    task.capture("eins\nzwei €\ndrei".encode())
    task.finish()
    task.set_state("complete")
    frames = task.follow()
    assert texts(frames) == ["eins", "zwei €", "drei"]
    assert [line[0] for line in frames[0]["lines"]] == [1, 2, 3]
    assert frames[0]["lines"][2][4] is True
    assert frames[-1] == end("complete", 3)
    assert texts(task.follow("?from=2&attempt=1")) == ["zwei €", "drei"]
    assert texts(task.follow("?from=-1")) == ["drei"]
    assert task.follow("?stream=stderr") == [end("complete", 3)]


def test_lines_come_as_they_are_printed(server: ServerThread) -> None:
    task = TaskRun(server)
    task.capture(b"old\n")
    with task.connect() as websocket:
        assert texts([json.loads(websocket.recv())]) == ["old"]
        for text in ("one", "two"):
            task.capture(text.encode() + b"\n")
            assert texts([json.loads(websocket.recv())]) == [text]
        task.finish()
        assert rest(websocket) == [end("complete", 3)]


def test_it_waits_for_the_first_attempt(server: ServerThread) -> None:
    task = TaskRun(server, attempts=0)
    with task.connect() as websocket:
        task.begin(1)
        task.capture(b"one\n")
        task.finish()
        frames = rest(websocket)
    assert texts(frames) == ["one"]
    assert frames[-1] == end("complete", 1)


def test_a_task_run_that_ends_without_any_attempt(server: ServerThread) -> None:
    task = TaskRun(server, attempts=0)
    with task.connect() as websocket:
        task.skip()
        assert rest(websocket) == [end("complete", 0)]
    assert task.follow() == [end("complete", 0)]


def test_the_newest_attempt_or_the_one_asked_for(server: ServerThread) -> None:
    task = TaskRun(server, attempts=2)
    for attempt in (1, 2):
        task.capture(b"attempt %d\n" % attempt, attempt)
        task.finish(attempt)
    assert texts(task.follow()) == ["attempt 2"]
    assert texts(task.follow("?attempt=1")) == ["attempt 1"]


def test_an_expired_log_says_so(server: ServerThread) -> None:
    task = TaskRun(server)
    task.set_state("expired")
    assert task.follow() == [end("expired", 0)]


def test_a_log_whose_file_somebody_removed_is_not_an_empty_one(server: ServerThread) -> None:
    task = TaskRun(server)
    task.set_state("complete", printed=0)
    assert task.follow() == [end("complete", 0)]
    task.set_state("complete", printed=5)
    assert task.follow() == [end("expired", 0)]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("?attempt=9", 404),
        ("?attempt=0", 422),
        ("?from=x", 422),
        ("?stream=stdin", 422),
        ("?line=1", 422),
        ("?attempt=1&attempt=2", 422),
    ],
)
def test_a_bad_request_is_refused_with_a_hint(server: ServerThread, query: str, status: int) -> None:
    task = TaskRun(server)
    with pytest.raises(InvalidStatus) as raised, task.connect(query):
        pass
    assert raised.value.response.status_code == status
    problem = json.loads(raised.value.response.body)
    assert problem["status"] == status
    assert problem["hint"]


def test_a_task_that_does_not_exist(server: ServerThread) -> None:
    path = "/api/v1/namespaces/default/pipelines/none/runs/1/tasks/one/log/stream"
    with pytest.raises(InvalidStatus) as raised, connect(server.websocket_address + path):
        pass
    assert raised.value.response.status_code == 404


def test_a_client_that_talks_is_sent_away(server: ServerThread) -> None:
    with TaskRun(server).connect() as websocket:
        websocket.send("hello")
        with pytest.raises(ConnectionClosed) as raised:
            websocket.recv()
    assert raised.value.rcvd is not None
    assert raised.value.rcvd.code == 1003


def test_a_client_that_goes_away_leaves_nothing(server: ServerThread) -> None:
    async def tasks() -> int:
        return len(asyncio.all_tasks())

    task = TaskRun(server)
    task.capture(b"old\n")
    before = server.in_loop(tasks)
    with ExitStack() as stack:
        for websocket in [stack.enter_context(task.connect()) for _ in range(5)]:
            websocket.recv()
        assert server.in_loop(tasks) > before
    while server.in_loop(tasks) > before:
        time.sleep(0.001)
