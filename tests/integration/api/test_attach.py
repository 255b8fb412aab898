"""Attach: a command beside a running task's own. Real processes run it."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from uvicorn import Config
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from gofer.server.limits.connections import Connections
from gofer.server.limits.websocket_protocol import LimitedWebSocket
from tests.integration.api.server import ServerThread
from tests.support.until import until


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerThread]:
    found = ServerThread(tmp_path_factory.mktemp("server"), engine="process")
    found.start()
    yield found
    found.stop()


@pytest.fixture(scope="module")
def task(server: ServerThread) -> Iterator[str]:
    """The path of a task run that runs until it is told to end."""
    server.api.register({"id": "waits", "tasks": [{"id": "one", "image": "none", "command": ["sleep", "600"]}]})
    number = server.api.start("waits")
    server.api.until("taskrun.running", "waits", number, "one")
    path = f"/api/v1/namespaces/default/pipelines/waits/runs/{number}"
    yield f"{path}/tasks/one"
    server.ask("POST", f"{path}/cancel")
    server.api.ended("waits", number)


def attached(server: ServerThread, task: str, *command: str, **query: object) -> ClientConnection:
    where = urlencode([*(("command", word) for word in command), *query.items()])
    return connect(f"{server.websocket_address}{task}/attach?{where}", compression=None)


def rest(websocket: ClientConnection) -> tuple[bytes, bytes, Any]:
    """What was printed on stdout and on stderr, and the last frame."""
    output = {1: b"", 2: b""}
    for message in websocket:
        if isinstance(message, str):
            return output[1], output[2], json.loads(message)
        output[message[0]] += message[1:]
    raise AssertionError("there was no last frame")


def test_very_many_small_messages_at_once(server: ServerThread, task: str) -> None:
    """More than are taken from the connection at once: none is lost, and none comes before another."""
    count = 40_000
    with attached(server, task, "sh", "-c", f"head -c {count} | sha256sum") as websocket:
        pieces = [bytes([number % 251]) for number in range(count)]
        frames = b"".join(b"\x82\x81" + bytes(4) + piece for piece in pieces)
        websocket.socket.sendall(frames)
        assert rest(websocket)[0].split()[0].decode() == hashlib.sha256(b"".join(pieces)).hexdigest()


def test_input_that_is_not_wanted_for_long(server: ServerThread, task: str, tmp_path: Path) -> None:
    """Longer than a client may be silent: its answers to pings lie behind its input."""
    size, wanted = 8_000_000, tmp_path / "wanted"
    web = server._running._front.web  # type: ignore[union-attr]
    server.in_loop(partial(ping_every, 0.1, web.config))
    with attached(server, task, "sh", "-c", f"until [ -e {wanted} ]; do sleep 0.05; done; wc -c") as websocket:
        server.in_loop(partial(ping_every, 20.0, web.config))
        sending = threading.Thread(target=send_zeros, args=(websocket, size))
        sending.start()
        (connection,) = until(partial(paused, web.connections), "the server takes no more")
        for _turn in range(3):
            until(partial(pinged_since, connection, connection.ping_sent_at), "a ping")
        wanted.touch()
        sending.join()
        websocket.send(json.dumps({"type": "eof"}))
        assert rest(websocket)[0].split() == [str(size).encode()]


def send_zeros(websocket: ClientConnection, size: int) -> None:
    for _turn in range(size // 50_000):
        websocket.send(bytes(50_000))


def paused(connections: Connections) -> list[LimitedWebSocket]:
    """The websockets that nothing is read from."""
    return [one for one in connections._open if isinstance(one, LimitedWebSocket) and one.read_paused]


def pinged_since(connection: LimitedWebSocket, before: float) -> bool:
    return connection.ping_sent_at != before or connection.close_sent


async def ping_every(seconds: float, config: Config) -> None:
    """Connections that are made from now on."""
    config.ws_ping_interval = config.ws_ping_timeout = seconds


def test_output_and_exit_code(server: ServerThread, task: str) -> None:
    with attached(server, task, "sh", "-c", "printf out; printf err >&2; exit 7") as websocket:
        assert rest(websocket) == (b"out", b"err", {"type": "exit", "code": 7})
        with pytest.raises(ConnectionClosed) as closed:
            websocket.recv()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1000


def test_input_up_to_its_end(server: ServerThread, task: str) -> None:
    with attached(server, task, "sh", "-c", "cat; echo end") as websocket:
        websocket.send(b"one\n")
        websocket.send(b"\x00\xff")
        websocket.send(json.dumps({"type": "eof"}))
        assert rest(websocket) == (b"one\n\x00\xffend\n", b"", {"type": "exit", "code": 0})


def test_shell_if_no_command_is_given(server: ServerThread, task: str) -> None:
    with attached(server, task) as websocket:
        websocket.send(b"echo $((6 * 7))\nexit 3\n")
        assert rest(websocket) == (b"42\n", b"", {"type": "exit", "code": 3})


def test_terminal_and_its_size(server: ServerThread, task: str) -> None:
    command = ("sh", "-c", "stty size; read line; stty size")
    with attached(server, task, *command, terminal="true", columns=100, rows=40) as websocket:
        begin = websocket.recv()
        assert isinstance(begin, bytes)
        assert begin[:1] == b"\x01"
        assert b"40 100" in begin
        websocket.send(json.dumps({"type": "resize", "columns": 120, "rows": 50}))
        websocket.send(b"\n")
        output, _, last = rest(websocket)
    assert b"50 120" in output
    assert last == {"type": "exit", "code": 0}


@pytest.mark.parametrize(
    "message",
    [
        "",
        "hello",
        "{}",
        "[]",
        '{"type":"kill"}',
        '{"type":"resize"}',
        '{"type":"resize","columns":0,"rows":24}',
        '{"type":"resize","columns":80,"rows":10001}',
        '{"type":"resize","columns":"80","rows":24}',
        '{"type":"eof","now":true}',
        '{"type":"resize","columns":80,"rows":24}x',
        "[" * 5_000,
    ],
)
def test_frames_that_are_none_of_its_own(server: ServerThread, task: str, message: str) -> None:
    with attached(server, task, "cat") as websocket:
        websocket.send(message)
        with pytest.raises(ConnectionClosed) as closed:
            websocket.recv()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1003
    assert "no frame of an attach" in closed.value.rcvd.reason


def test_command_that_cannot_be_started(server: ServerThread, task: str) -> None:
    with attached(server, task, "/no/such/program") as websocket:
        _, _, last = rest(websocket)
    assert last["type"] == "error" or last["code"] in (126, 127)


def test_task_that_does_not_run(server: ServerThread) -> None:
    server.api.register({"id": "over", "tasks": [{"id": "one", "image": "none", "command": ["true"]}]})
    number = server.api.start("over")
    server.api.ended("over", number)
    task = f"/api/v1/namespaces/default/pipelines/over/runs/{number}/tasks/one"
    with attached(server, task, "sh") as websocket:
        output, _, last = rest(websocket)
    assert output == b""
    assert last["type"] == "error"
    assert all(last[name] for name in ("message", "hint"))


def test_command_ends_when_its_client_goes(server: ServerThread, task: str, tmp_path: Path) -> None:
    """The command holds a pipe open; its reader sees the end of the file once the command is gone."""
    pipe = tmp_path / "held"
    os.mkfifo(pipe)
    command = f"exec 3>{pipe}; echo ready; cat"
    with attached(server, task, "sh", "-c", command) as websocket, pipe.open("rb") as held:
        assert websocket.recv() == b"\x01ready\n"
        websocket.close()
        assert held.read() == b""
