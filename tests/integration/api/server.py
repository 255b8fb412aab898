"""The whole server in a thread of the tests' own process, and ways to speak to it as no proper client would."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
import threading
from collections.abc import Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeVar
from urllib.parse import urlsplit

import uvloop

from gofer.config.live import Live
from gofer.config.settings import (
    ObjectStoreSettings,
    SchedulerSettings,
    SecretStoreSettings,
    ServerSettings,
    Settings,
    SqliteSecretStoreSettings,
    TriggersSettings,
)
from gofer.models.access import CreateToken, NewToken
from gofer.server.app import Running, running
from gofer.server.services import Services
from tests.support.server import Api, bearer

T = TypeVar("T")


class Answer(NamedTuple):
    """Of one request. Header names are in small letters."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def problem(self) -> Any:
        """The body, which must be a problem with everything that one has to have."""
        assert self.headers["content-type"] == "application/problem+json", (self.status, self.body)
        problem = json.loads(self.body)
        assert problem["status"] == self.status
        assert problem["type"] == "about:blank"
        assert all(problem[name] for name in ("title", "detail", "hint"))
        return problem


_WITH_KEY = SecretStoreSettings(sqlite=SqliteSecretStoreSettings(encryption_key="a key for tests, 32 long, really"))


class ServerThread:
    """Starts with `start`, ends with `stop`. `api` speaks to it properly, `ask` and `send_raw` as they are told.

    `production`: not in development mode, so that everybody needs a token; `api` then has the root token, which is
    made when it is first needed. `server` are settings of the block of that name, `settings` are others.
    """

    def __init__(
        self,
        home: Path,
        engine: Literal["fake", "process"] = "fake",
        objects: Mapping[str, Any] | None = None,
        *,
        production: bool = False,
        settings: Mapping[str, Any] | None = None,
        host: str = "127.0.0.1:0",
        **server: Any,
    ) -> None:
        self._settings = Settings(
            task_run_logs_dir=home / "logs",
            dev_mode=not production,
            allow_process_engine=True,
            secret_store=_WITH_KEY if production else SecretStoreSettings(),
            **{"triggers": TriggersSettings(install_base_triggers=False), **(settings or {})},
            server=ServerSettings(host=host, storage_path=home, **server),
            scheduler=SchedulerSettings(engine=engine),
            object_store=ObjectStoreSettings(**(objects or {})),
        )
        self._thread = threading.Thread(target=self._run, name="gofer under test")
        self._ready = threading.Event()
        self._running: Running | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._error: BaseException | None = None
        self._root = ""

    def start(self) -> None:
        self._thread.start()
        self._ready.wait()
        if self._error is not None:
            raise self._error

    def stop(self) -> None:
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()
        if self._error is not None:
            raise self._error

    @property
    def services(self) -> Services:
        assert self._running is not None
        return self._running.services

    @property
    def api(self) -> Api:
        """With the root token, if one is needed."""
        return self.api_of("" if self._settings.dev_mode else self.bootstrap())

    def api_of(self, token: str) -> Api:
        """For who has that token."""
        return Api(self.services.address, token)

    def bootstrap(self) -> str:
        """The root token: made when it is asked for first."""
        if not self._root:
            self._root = self.in_loop(lambda: self.services.tokens.create_root(again=True)).secret
        return self._root

    def token(
        self,
        roles: Sequence[str] = (),
        namespaces: Sequence[str] = ("*",),
        *,
        expires_in: int | None = None,
        description: str = "",
    ) -> str:
        """The text of a new client token; without roles that of a new management token."""
        return self.new_token(roles, namespaces, expires_in=expires_in, description=description).secret

    def new_token(
        self,
        roles: Sequence[str] = (),
        namespaces: Sequence[str] = ("*",),
        *,
        expires_in: int | None = None,
        description: str = "",
    ) -> NewToken:
        """As `token`, with what else is known of it."""
        wanted = CreateToken(
            kind="client" if roles else "management",
            roles=list(roles),
            namespaces=list(namespaces) if roles else [],
            expires_in=expires_in,
            description=description,
        )
        return self.in_loop(lambda: self.services.tokens.create(wanted))

    @property
    def netloc(self) -> str:
        return urlsplit(self.services.address).netloc

    @property
    def websocket_address(self) -> str:
        return f"ws://{self.netloc}"

    def in_loop(self, make: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Run a coroutine in the server's own event loop."""
        assert self._loop is not None
        return asyncio.run_coroutine_threadsafe(make(), self._loop).result(timeout=60)

    def settle(self) -> None:
        """Waits until it has written to its log what it says after an answer. A test that captures output must not end
        before: pytest takes away the file that is being written to."""
        self.in_loop(_nothing)

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        token: str = "",
    ) -> Answer:
        """One request with just these headers, besides Host and Content-Length, and Authorization with a token."""
        connection = http.client.HTTPConnection(self.netloc, timeout=30)
        try:
            connection.request(method, path, body, {**(headers or {}), **bearer(token)})
            answer = connection.getresponse()
            return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def send_json(
        self, method: str, path: str, body: object, headers: Mapping[str, str] | None = None, token: str = ""
    ) -> Answer:
        given = {"Content-Type": "application/json", **(headers or {})}
        return self.ask(method, path, json.dumps(body).encode(), given, token)

    def send_raw(self, request: bytes, method: str = "GET") -> Answer:
        """The answer to these very bytes."""
        with self.connect() as connection:
            connection.sendall(request)
            return self.read_answer(connection, method)

    def connect(self) -> socket.socket:
        host, _, port = self.netloc.rpartition(":")
        return socket.create_connection((host, int(port)), timeout=30)

    @staticmethod
    def read_answer(connection: socket.socket, method: str = "GET") -> Answer:
        answer = http.client.HTTPResponse(connection, method=method)
        answer.begin()
        return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())

    def _run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(self._serve())
        except BaseException as error:
            self._error = error
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        async with running(Live.fixed(self._settings)) as self._running:
            self._ready.set()
            await self._stop.wait()


async def _nothing() -> None:
    return
