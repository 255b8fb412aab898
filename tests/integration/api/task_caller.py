"""A task of a run that has not ended, as the API sees it: a token, and the tasks' socket."""

from __future__ import annotations

import http.client
import json
import socket
from pathlib import Path

from gofer.server.auth.tokens import digest_of, token_of
from gofer.server.store import run_tokens
from tests.integration.api.server import Answer, ServerThread

HANGS = {"id": "mine", "tasks": [{"id": "t", "image": "i", "command": ["hang"]}]}


class TaskCaller:
    """The token of a task of a run that has not ended, and ways to use it."""

    def __init__(self, server: ServerThread, home: Path) -> None:
        self.server = server
        self.socket = home / "task-api" / "api.sock"
        server.api.register(HANGS)
        server.api.register({**HANGS, "id": "other"})
        server.api.post("namespaces", {"id": "elsewhere"})
        server.api.start("mine")
        self.token = token_of(bytes(32), "any")
        self.put(self.token, 1)

    def put(self, token: str, run_key: int) -> None:
        database = self.server.services.database
        self.server.in_loop(lambda: database.write(lambda tx: run_tokens.insert(tx, digest_of(token), run_key, "t", 0)))

    def ask(
        self, method: str, path: str, token: str | None, body: object = None, headers: dict[str, str] | None = None
    ) -> Answer:
        """Through the tasks' socket."""
        connection = http.client.HTTPConnection("any.name.at.all")
        connection.sock = socket.socket(socket.AF_UNIX)
        try:
            connection.sock.connect(str(self.socket))
            given = {"Content-Type": "application/json", **(headers or {})}
            given |= {"Authorization": f"Bearer {token}"} if token is not None else {}
            connection.request(method, path, None if body is None else json.dumps(body), given)
            answer = connection.getresponse()
            return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def status(self, method: str, path: str, body: object = None) -> int:
        return self.ask(method, path, self.token, body).status
