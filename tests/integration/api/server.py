"""The whole server in a thread of the tests' own process, and ways to speak to it as no proper client would."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
import threading
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeVar
from urllib.parse import urlsplit

import uvloop

from gofer.config.live import Live
from gofer.config.settings import ObjectStoreSettings, SchedulerSettings, ServerSettings, Settings
from gofer.server.app import Running, running
from gofer.server.services import Services
from tests.support.server import Api

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


class ServerThread:
    """Starts with `start`, ends with `stop`. `api` speaks to it properly, `ask` and `send_raw` as they are told."""

    def __init__(
        self,
        home: Path,
        engine: Literal["fake", "process"] = "fake",
        objects: Mapping[str, Any] | None = None,
        **server: Any,
    ) -> None:
        self._settings = Settings(
            task_run_logs_dir=home / "logs",
            server=ServerSettings(host="127.0.0.1:0", storage_path=home, **server),
            scheduler=SchedulerSettings(engine=engine),
            object_store=ObjectStoreSettings(**(objects or {})),
        )
        self._thread = threading.Thread(target=self._run, name="gofer under test")
        self._ready = threading.Event()
        self._running: Running | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._error: BaseException | None = None

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
        return Api(self.services.address)

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
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """One request with just these headers, besides Host and Content-Length."""
        connection = http.client.HTTPConnection(self.netloc, timeout=30)
        try:
            connection.request(method, path, body, dict(headers or {}))
            answer = connection.getresponse()
            return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def send_json(self, method: str, path: str, body: object, headers: Mapping[str, str] | None = None) -> Answer:
        given = {"Content-Type": "application/json", **(headers or {})}
        return self.ask(method, path, json.dumps(body).encode(), given)

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
