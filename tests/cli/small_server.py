"""A real HTTP server that answers as it is told: for faults that Gofer's own server does not have."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple


class Request(NamedTuple):
    method: str
    target: str
    headers: dict[str, str]
    body: bytes


class Answer(NamedTuple):
    """`drop`: the connection is closed without a word."""

    status: int = 200
    body: bytes = b"{}"
    content_type: str = "application/json"
    drop: bool = False


def problem(status: int, **fields: Any) -> Answer:
    """As Gofer answers errors."""
    body = {"type": "about:blank", "title": "A title", "status": status, **fields}
    return Answer(status, json.dumps(body).encode(), "application/problem+json")


class SmallServer:
    """`requests` are those that came; `address` is host and port."""

    def __init__(self, answers: Callable[[Request], Answer]) -> None:
        self.requests: list[Request] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                request = Request(self.command, self.path, dict(self.headers), body)
                outer.requests.append(request)
                answer = answers(request)
                if answer.drop:
                    self.close_connection = True
                    self.connection.shutdown(socket.SHUT_RDWR)
                    return
                self.send_response(answer.status)
                self.send_header("Content-Type", answer.content_type)
                self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                self.wfile.write(answer.body)

            do_GET = do_POST = do_PATCH = do_DELETE = handle_any  # noqa: N815  # the base class names them so

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # as in the base class
                """Nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self._server.server_address[1]}"

    def serve(self) -> None:
        self._server.serve_forever(poll_interval=0.01)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def small_server(answers: Callable[[Request], Answer]) -> Iterator[SmallServer]:
    """A server in a thread, for as long as the context lasts."""
    server = SmallServer(answers)
    thread = threading.Thread(target=server.serve)
    thread.start()
    try:
        yield server
    finally:
        server.close()
        thread.join()


@contextmanager
def closed_port() -> Iterator[str]:
    """An address where nothing listens, and nothing else will meanwhile."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{holder.getsockname()[1]}"
