"""A trigger that does most things wrong: it takes every kind, tells of what is no event, never pings or comes back."""

from __future__ import annotations

import os
import sys

import msgpack  # type: ignore[import-untyped]
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import unix_connect

INFO = {"description": "Broken.", "version": "0", "settings": [], "subscription_settings": [], "next": True}


def main() -> int:
    headers = {"Authorization": f"Bearer {os.environ['GOFER_TRIGGER_SECRET']}"}
    with unix_connect(os.environ["GOFER_TRIGGER_SOCKET"], "ws://x/", additional_headers=headers) as socket:
        socket.send(msgpack.packb({"id": 1, "kind": "hello", "protocol": 1, "name": os.environ["GOFER_TRIGGER_NAME"]}))
        try:
            while True:
                frame = msgpack.unpackb(socket.recv())
                if frame.get("id") is None:
                    if "error" in frame:
                        return 1
                    continue
                reply = INFO if frame["kind"] == "info" else {"times": [2, 1]} if frame["kind"] == "next" else {}
                socket.send(msgpack.packb({"re": frame["id"], **reply}))
                if frame["kind"] == "shutdown":
                    return 1
                if frame["kind"] == "ready":
                    socket.send(msgpack.packb({"id": 2, "kind": "fire", "event": "", "subscription": None}))
                    print("told of nothing", flush=True)
        except ConnectionClosed:
            return 1


if __name__ == "__main__":
    sys.exit(main())
