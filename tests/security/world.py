"""A server in production mode, full of things: two namespaces with the same in each, and somebody of every kind."""

from __future__ import annotations

import http.client
import json
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from functools import cached_property
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

from gofer.engines.scheduler.fake import FakeScheduler
from gofer.models.access import RotateToken, UpdateToken
from tests.integration.api.server import Answer, ServerThread
from tests.security.routes import Route, routes_of
from tests.support.until import until

HERE, THERE = "here", "there"
"""Two namespaces with things of the same names in each."""

NAMES_OF_THERE = ("described-there", "/there/", '"namespace":"there"', "value-of-there")
"""Texts that stand in answers about the second namespace alone."""

SECRET_HERE, SECRET_THERE, SECRET_GLOBAL = "value-of-here-7c1f", "value-of-there-93ab", "value-of-all-55d0"
OBJECT = b"bytes of an object"

_MAIN = {
    "id": "main",
    "name": "The main one",
    "parameters": [{"name": "word", "default": "none"}],
    "tasks": [
        {"id": "talk", "image": "fake", "command": ["say", "hello", "complain", "oh", "say", "bye"]},
        {"id": "hang", "image": "fake", "command": ["say", "waiting", "hang"], "inject_api_token": True},
    ],
}

ROLES = ("admin", "operator", "developer", "viewer")


_NO_AUDIT = {"events": " WHERE kind NOT GLOB 'audit.*'", "sqlite_sequence": " WHERE name <> 'events'"}


class World:
    """`root` is the text of a management token, `tokens` those of client tokens for the namespace `here`, one for each
    role of the system, by its name; `run_token` is that of run 2's task `hang`, as it finds it in its variables.

    In both namespaces, run 1 of the pipeline `main` has ended (it was cancelled), and run 2 is under way: its task
    `talk` is done, and `hang` runs; deployment 2 is under way. `names` are what the parameters of paths may be: each
    names something there.
    """

    def __init__(self, home: Path, **server: Any) -> None:
        self.home = home
        # So many bad tokens as these tests send are more than anybody may: tests/security/test_failed_auth.py.
        self.server = ServerThread(home, production=True, **{"failed_auth_limit": 0, **server})
        self.root = ""
        self.tokens: dict[str, str] = {}
        self.run_token = ""
        self.names: dict[str, object] = {
            "namespace": HERE,
            "pipeline": "main",
            "version": 1,
            "deployment": 2,
            "run": 2,
            "task": "hang",
            "key": "thing",
            "role": "spare",
            "common_task": "spare",
            "trigger": "ticker",
            "label": "added",
            "hold": "deprecated",
        }

    def start(self) -> None:
        self.server.start()
        self.root = self.server.bootstrap()
        self.tokens = {role: self.make_token([role], [HERE])[1] for role in ROLES}
        self.names["token"] = self.make_token(["viewer"], [HERE])[0]
        trigger = {"id": "ticker", "image": "builtin:interval", "enabled": False}
        assert self.call("POST", "/api/v1/triggers", trigger).status == 201
        for namespace, secret in ((HERE, SECRET_HERE), (THERE, SECRET_THERE)):
            self._fill(namespace, secret)
        body = {"value": SECRET_GLOBAL, "namespaces": ["*"]}
        assert self.call("PUT", "/api/v1/secrets/thing", body).status == 201
        role = {"id": "spare", "permissions": [{"resources": ["logs"], "actions": ["read"]}]}
        assert self.call("POST", "/api/v1/roles", role).status == 201
        common_task = {"id": "spare", "image": "builtin:debug"}
        assert self.call("POST", "/api/v1/common-tasks", common_task).status == 201
        self.run_token = self.token_of_run(HERE, 2)

    def stop(self) -> None:
        self.server.stop()

    @cached_property
    def routes(self) -> list[Route]:
        """Everything that the server answers."""
        return routes_of(self.server)

    def _fill(self, namespace: str, secret: str) -> None:
        base = f"/api/v1/namespaces/{namespace}/pipelines"
        body = {"id": namespace, "description": f"described-{namespace}"}
        assert self.call("POST", "/api/v1/namespaces", body).status == 201
        assert self.call("POST", base, {**_MAIN, "description": f"described-{namespace}"}).status == 201
        for number in (1, 2):
            self.start_run(namespace, number)
        assert self.call("POST", f"{base}/main/runs/1/cancel").status == 202
        self.until_ended(namespace, 1)
        assert self.call("PUT", f"{base}/main/secrets/thing", {"value": secret}).status == 201
        tried = {**_MAIN, "name": "The next one", "description": f"described-{namespace}"}
        assert self.call("POST", f"{base}?deploy=false", tried).status == 200
        canary = {"strategy": "canary", "percent": 0.0001, "manual": True, "notes": f"described-{namespace}"}
        assert self.call("POST", f"{base}/main/deployments", canary).status == 201
        added = {"label": "added", "trigger": "ticker", "settings": {"about": f"described-{namespace}"}}
        assert self.call("POST", f"{base}/main/subscriptions", added).status == 201
        for where in (f"{base}/main", f"{base}/main/runs/1", f"{base}/main/runs/2"):
            assert self.ask("PUT", f"{where}/objects/thing", self.root, OBJECT).status == 201

    # -- runs

    def start_run(self, namespace: str = HERE, number: int | None = None) -> int:
        """Start a run of `main`; returns once `hang` runs and `talk` is done."""
        base = f"/api/v1/namespaces/{namespace}/pipelines/main/runs"
        answer = self.call("POST", base, {})
        assert answer.status == 201, answer.body
        run: int = answer.json["id"]
        assert number in (None, run)
        until(lambda: self._status(f"{base}/{run}/tasks/hang") == "running", "hang runs")
        until(lambda: self._status(f"{base}/{run}/tasks/talk") == "successful", "talk is done")
        return run

    def end_run(self, run: int, namespace: str = HERE) -> None:
        """Cancel a run of `main`, and wait until it has ended."""
        assert self.call("POST", f"/api/v1/namespaces/{namespace}/pipelines/main/runs/{run}/cancel").status == 202
        self.until_ended(namespace, run)

    def until_ended(self, namespace: str, run: int) -> None:
        path = f"/api/v1/namespaces/{namespace}/pipelines/main/runs/{run}"
        until(lambda: self.call("GET", path).json.get("ended_at"), "the run has ended")

    def token_of_run(self, namespace: str, run: int) -> str:
        """What the task `hang` of a run that is under way has as its token."""
        engine = self.server.services.scheduler.configured
        assert isinstance(engine, FakeScheduler)
        labels = {"gofer.namespace": namespace, "gofer.run": str(run), "gofer.task": "hang"}
        (container,) = engine.world.find(labels)
        return container.spec.environment["GOFER_API_TOKEN"]

    def _status(self, path: str) -> str:
        status: str = self.call("GET", path).json["status"]
        return status

    # -- tokens

    def make_token(
        self, roles: Sequence[str] = (), namespaces: Sequence[str] = ("*",), *, expires_in: int | None = None
    ) -> tuple[str, str]:
        """The id and the text of a new client token; without roles of a management token."""
        made = self.server.new_token(roles, namespaces, expires_in=expires_in)
        return made.token.id, made.secret

    def disable(self, token: str) -> None:
        """From now on it does nothing."""
        self.server.in_loop(lambda: self.server.services.tokens.update(token, UpdateToken(enabled=False)))

    def rotate(self, token: str, grace: int = 0) -> str:
        """Its new text; the old one is dead after `grace` milliseconds."""
        return self.server.in_loop(lambda: self.server.services.tokens.rotate(token, RotateToken(grace=grace))).secret

    def delete(self, token: str) -> None:
        """It is gone."""
        self.server.in_loop(lambda: self.server.services.tokens.delete(token))

    def now(self) -> int:
        """As the server counts, in milliseconds since the epoch."""
        return self.server.services.clock.now()

    # -- asking

    def ask(
        self,
        method: str,
        path: str,
        token: str | None = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """One request, with a token or none."""
        given = {"Authorization": f"Bearer {token}"} if token is not None else {}
        return self.server.ask(method, path, body, {**given, **(headers or {})})

    def call(self, method: str, path: str, body: object = None, token: str | None = None) -> Answer:
        """One request with a body of JSON, by root unless a token is given."""
        data = None if body is None else json.dumps(body).encode()
        return self.ask(method, path, token or self.root, data, {"Content-Type": "application/json"})

    def try_route(
        self,
        route: Route,
        token: str | None = None,
        names: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """The answer to a request that would succeed with a good token; to a websocket's handshake, too (101)."""
        request = route.request({**self.names, **(names or {})})
        return self.ask_unread(
            request.method, request.path, token, request.body, {**request.headers, **(headers or {})}
        )

    def ask_unread(
        self, method: str, path: str, token: str | None, body: bytes | None, headers: Mapping[str, str]
    ) -> Answer:
        """As `ask`; of a websocket that was opened, only the head of the answer is read."""
        given = {"Authorization": f"Bearer {token}"} if token is not None else {}
        connection = http.client.HTTPConnection(self.server.netloc, timeout=30)
        try:
            connection.request(method, path, body, {**given, **headers})
            answer = connection.getresponse()
            read = b"" if answer.status == 101 else answer.read()
            return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, read)
        finally:
            connection.close()

    def dial(
        self, path: str, token: str | None, headers: Mapping[str, str] | None = None
    ) -> AbstractContextManager[ClientConnection]:
        """A websocket. Raises InvalidStatus where it is refused."""
        given = {"Authorization": f"Bearer {token}"} if token is not None else {}
        address = f"{self.server.websocket_address}{path}"
        return connect(address, additional_headers={**given, **(headers or {})}, compression=None, max_size=None)

    # -- looking behind

    def digest(self, *, without: frozenset[str] = frozenset()) -> dict[str, Any]:
        """What the server's stores hold, by file and table. See `changes`.

        Not counted: the tables `without`, when a token was used last, attempts that were refused, and to log in.
        """
        found: dict[str, Any] = {}
        for file in sorted(self.home.glob("*.db")):
            connection = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
            connection.row_factory = sqlite3.Row
            try:
                tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
                for table in sorted(set(tables) - {"sqlite_sequence", *without}):
                    rows = [dict(row) for row in connection.execute(f'SELECT * FROM "{table}"')]
                    counted = [_lasting(row) for row in rows if row.get("kind") not in _ATTEMPTS]
                    found[f"{file.name}: {table}"] = sorted(counted, key=repr)
            finally:
                connection.close()
        return found


# Also those that were refused.
_ATTEMPTS = ("audit.refused", "audit.login")


def _lasting(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if not name.startswith("last_used")}


_EVENTS = "gofer.db: events"


def changes(before: dict[str, Any], after: dict[str, Any]) -> set[str]:
    """The kinds of events that have come since, and the names of all tables that have changed otherwise."""
    events = {event["seq"]: event["kind"] for event in after[_EVENTS]}
    old = {event["seq"] for event in before[_EVENTS]}
    gone = {_EVENTS} if old - set(events) else set()
    tables = {name for name in after if name != _EVENTS and after[name] != before.get(name)}
    return {kind for seq, kind in events.items() if seq not in old} | gone | tables
