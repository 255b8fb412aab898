"""Websockets: refused properly, closed with a reason, and streams without a gap."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from gofer.models.event import Kind
from gofer.server.store.database import Transaction
from tests.integration.api.server import ServerThread

EVENTS = "/api/v1/events/stream"


def opened(server: ServerThread, path: str) -> ClientConnection:
    return connect(server.websocket_address + path, compression=None)


def refusal(server: ServerThread, path: str) -> Any:
    """Status and problem of a websocket that is refused."""
    with pytest.raises(InvalidStatus) as refused, opened(server, path):
        raise AssertionError("the websocket was opened")
    response = refused.value.response
    assert response.headers["Content-Type"] == "application/problem+json"
    problem = json.loads(response.body or b"")
    assert problem["hint"]
    return response.status_code, problem


def events(websocket: ClientConnection) -> Iterator[Any]:
    for message in websocket:
        frame = json.loads(message)
        assert frame["type"] == "events"
        assert frame["events"]
        yield from frame["events"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/v1/events/streams", 404),
        ("/api/v1/events", 404),
        (f"{EVENTS}/", 404),
        (f"{EVENTS}?afer=1", 422),
        (f"{EVENTS}?after=-1", 422),
        (f"{EVENTS}?pause=1001", 422),
        (f"{EVENTS}?kind=run.endet", 422),
        (f"{EVENTS}?namespace=..", 422),
        (f"{EVENTS}?namespace=%ff", 400),
        ("/api/v1/namespaces/default/pipelines/none/runs/1/tasks/one/log/stream", 404),
        ("/api/v1/namespaces/a%2Fb/pipelines/none/runs/0/tasks/one/log/stream", 422),
        ("/api/v1/namespaces/default/pipelines/none/runs/1/tasks/one/attach", 404),
        ("/api/v1/namespaces/default/pipelines/none/runs/1/tasks/one/attach?columns=0", 422),
    ],
)
def test_bad_requests_are_refused_before_the_websocket_opens(server: ServerThread, path: str, status: int) -> None:
    assert refusal(server, path)[0] == status


def test_what_happens_in_a_pause_comes_together(server: ServerThread) -> None:
    with opened(server, f"{EVENTS}?kind=namespace.created&pause=1000") as websocket:
        for created in (["paused-1"], ["paused-2", "paused-3"]):
            for name in created:
                assert server.send_json("POST", "/api/v1/namespaces", {"id": name}).status == 201
            frame = json.loads(websocket.recv(timeout=60))
            assert [event["namespace"] for event in frame["events"]] == created


def test_what_happens_is_streamed(server: ServerThread, pipeline: str) -> None:
    with opened(server, f"{EVENTS}?pipeline=plain") as websocket:
        number = server.api.start("plain")
        kinds = []
        for event in events(websocket):
            assert (event["namespace"], event["pipeline"], event["run"]) == ("default", "plain", number)
            kinds.append(event["kind"])
            if event["kind"] == "run.ended":
                break
    assert kinds[0] == "run.queued"
    assert "taskrun.ended" in kinds


def test_stream_from_a_number_has_no_gap_and_no_double(server: ServerThread, pipeline: str) -> None:
    for _ in range(5):
        server.api.ended("plain", server.api.start("plain"))
    middle = server.services.bus.last_seq // 2
    with opened(server, f"{EVENTS}?after={middle}") as websocket:
        last = server.api.start("plain")
        found = []
        for event in events(websocket):
            found.append(event["seq"])
            if event["kind"] == "run.ended" and event["run"] == last:
                break
    stored = server.api.get("events", after=middle, limit=200)["items"]
    assert found == [event["seq"] for event in stored if event["seq"] <= found[-1]]


def test_frames_stay_small_however_much_there_is(server: ServerThread) -> None:
    def emit(tx: Transaction) -> None:
        for _ in range(3_000):
            tx.emit(Kind.RUN_STARTED, 1)

    server.in_loop(lambda: server.services.database.write(emit))
    sizes: list[int] = []
    with opened(server, f"{EVENTS}?after=0&kind=run.started") as websocket:
        while sum(sizes) < 3_000:
            sizes.append(len(json.loads(websocket.recv())["events"]))
    assert max(sizes) == 200


@pytest.mark.parametrize("message", ["hello", b"\x00", json.dumps({"type": "eof"})])
def test_stream_takes_no_messages(server: ServerThread, message: str | bytes) -> None:
    with opened(server, EVENTS) as websocket:
        websocket.send(message)
        with pytest.raises(ConnectionClosed) as closed:
            websocket.recv()
    assert closed.value.rcvd is not None
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (1003, "This stream takes no messages.")


def test_frame_that_is_too_large(server: ServerThread) -> None:
    with opened(server, EVENTS) as websocket:
        websocket.send(b"x" * (1024 * 1024 + 1))
        with pytest.raises(ConnectionClosed) as closed:
            websocket.recv()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1009


@pytest.mark.parametrize(
    "frame",
    [
        b"\x81\x05hello",  # not masked
        b"\x83\x80\x00\x00\x00\x00",  # unknown opcode
        b"\xf1\x80\x00\x00\x00\x00",  # reserved bits
        b"\x80\x80\x00\x00\x00\x00",  # continuation of nothing
        b"\x81\x81\x00\x00\x00\x00\xff",  # text that is not UTF-8
        b"\x89\xfe\x00\x80" + b"\x00" * 132,  # a ping longer than pings may be
    ],
)
def test_frames_that_no_websocket_sends(server: ServerThread, frame: bytes) -> None:
    with handshaken(server) as connection:
        connection.sendall(frame)
        received = b""
        while part := connection.recv(4096):
            received += part
    # A close frame, with a code of the protocol's own.
    assert received[0] == 0x88
    assert int.from_bytes(received[2:4], "big") in (1002, 1003, 1007)
    assert server.ask("GET", "/healthz").status == 200


def handshaken(server: ServerThread) -> socket.socket:
    connection = server.connect()
    connection.sendall(
        f"GET {EVENTS} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
    )
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += connection.recv(1)
    assert head.startswith(b"HTTP/1.1 101 ")
    assert b"permessage-deflate" not in head
    return connection


def test_client_that_vanishes_leaves_nothing_behind(server: ServerThread) -> None:
    with handshaken(server):
        assert open_websockets(server) == 1
    # Its end is noticed in the same loop that answers this, at the latest when the next one has come and gone.
    with opened(server, EVENTS) as websocket:
        websocket.ping().wait()
    while open_websockets(server):
        pass


def open_websockets(server: ServerThread) -> int:
    for line in server.ask("GET", "/metrics").body.decode().splitlines():
        if line.startswith("gofer_websockets{") and EVENTS in line:
            return int(float(line.rpartition(" ")[2]))
    return 0


def test_server_that_stops_says_so(tmp_path: Path) -> None:
    server = ServerThread(tmp_path)
    server.start()
    with opened(server, EVENTS) as websocket:
        server.stop()
        # The event that says so came before.
        assert json.loads(websocket.recv())["events"][0]["kind"] == "server.stopping"
        with pytest.raises(ConnectionClosed) as closed:
            websocket.recv()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1012
