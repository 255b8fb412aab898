"""A trigger for tests, without the SDK: `trigger.py MODE` behaves as MODE says. It knows nothing of Gofer's code."""

from __future__ import annotations

import os
import signal
import sys
import time
from typing import Any

import msgpack  # type: ignore[import-untyped]
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, unix_connect

MODE = sys.argv[1]
NAME = os.environ["GOFER_TRIGGER_NAME"]
SECRET = os.environ["GOFER_TRIGGER_SECRET"]


class Connection:
    def __init__(self, websocket: ClientConnection) -> None:
        self.websocket = websocket
        self.last_id = 0
        self.settings: dict[str, Any] = {}

    def send(self, **frame: Any) -> None:
        self.websocket.send(msgpack.packb(frame))

    def ask(self, kind: str, **fields: Any) -> None:
        self.last_id += 1
        self.send(id=self.last_id, kind=kind, **fields)

    def receive(self) -> dict[str, Any]:
        frame: dict[str, Any] = msgpack.unpackb(self.websocket.recv())
        return frame

    def serve(self) -> None:
        while True:
            frame = self.receive()
            kind = frame.get("kind")
            if kind is None:
                continue
            if kind == "ping" and MODE == "deaf":
                continue
            if kind == "configure" and MODE == "refuses":
                error = {"code": "invalid_settings", "message": "word: must not be x"}
                self.send(re=frame["id"], error=error)
                continue
            if kind == "configure":
                self.settings = frame["settings"]
            self.send(re=frame["id"], **self.answer(kind))
            if kind == "shutdown":
                self.websocket.close(1000)
                sys.exit(0)
            if kind == "ready":
                self.ready()

    def answer(self, kind: str) -> dict[str, Any]:
        if kind == "info" and MODE == "odd":
            return {"settings": "none"}
        if kind == "info":
            return {
                "description": "for tests",
                "version": "1",
                "settings": [{"name": "word"}, {"name": "key", "type": "string", "secret": True}],
            }
        if kind == "debug":
            told = {"settings": [self.settings]} if MODE == "tells" else {}
            return {"state": {"pid": os.getpid(), **told}}
        return {}

    def ready(self) -> None:
        if MODE == "logs":
            for number in range(5_000):
                self.send(kind="log", level="info", message=f"line {number}")
        elif MODE == "pings":
            for _ in range(20_000):
                self.ask("ping")
        elif MODE == "fires":
            for number in range(2_000):
                self.ask("fire", event=f"event {number}", outcome="refuse", detail="nobody wants it")
        elif MODE == "junk-later":
            self.websocket.send(b"\xc1 junk")
        elif MODE == "huge":
            self.websocket.send(bytes(3 * 1024 * 1024))
        elif MODE == "half":
            # The head of a binary message of 1000 bytes, and some of them: then it is gone.
            self.websocket.socket.sendall(b"\x82\xfe\x03\xe8\x00\x00\x00\x00some")
            os.kill(os.getpid(), signal.SIGKILL)
        elif MODE == "flaps":
            self.websocket.close(1000)


def dial() -> ClientConnection:
    secret = "gofer_trigger_" + "0" * 49 if MODE == "wrong-secret" else SECRET
    return unix_connect(
        os.environ["GOFER_TRIGGER_SOCKET"],
        os.environ["GOFER_TRIGGER_URL"],
        additional_headers={"Authorization": f"Bearer {secret}"},
        compression=None,
        ping_interval=None,
    )


def begin(connection: Connection) -> None:
    if MODE == "junk":
        connection.websocket.send(b"\xff\x00junk")
    elif MODE == "text":
        connection.websocket.send("a text")
    elif MODE == "late":
        time.sleep(3600)
    elif MODE == "early":
        connection.ask("fire", event="e", subscription="1")
    else:
        protocol = 2 if MODE == "old" else 1
        connection.ask("hello", protocol=protocol, name="somebody" if MODE == "liar" else NAME, program="tests")


def main() -> None:
    if MODE == "exits":
        print("nothing to do here", file=sys.stderr)
        sys.exit(3)
    if MODE == "never":
        time.sleep(3600)
    if MODE == "prints":
        print(f"the secret is {SECRET}", flush=True)
    while True:
        try:
            with dial() as websocket:
                connection = Connection(websocket)
                begin(connection)
                connection.serve()
        except InvalidStatus as error:
            if error.response.status_code in (401, 403, 404):
                print("the secret is dead", file=sys.stderr)
                sys.exit(4)
        except ConnectionClosed as closed:
            code = closed.rcvd.code if closed.rcvd is not None else 0
            if MODE == "deaf":
                time.sleep(3600)
            if code in (4400, 4426):
                sys.exit(5)
            if code in (1000, 4409) and MODE != "flaps":
                sys.exit(0)
        except OSError:
            pass
        time.sleep(0.05)


main()
