"""A real server as a child process, and a small client of its API for tests."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from websockets.sync.client import connect

_ADDRESS = re.compile(rb"https?://[^\s]+")


def bearer(token: str) -> dict[str, str]:
    """The header that brings a token, if there is one."""
    return {"Authorization": f"Bearer {token}"} if token else {}


class Api:
    """JSON over HTTP under /api/v1 of one server, for who has `token`, or nobody."""

    def __init__(self, address: str, token: str = "") -> None:
        self.address = address
        self.token = token
        self._host = urlsplit(address).netloc

    def call(
        self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, Any]:
        """Status and decoded answer."""
        status, data = self.raw(method, path, None if body is None else json.dumps(body).encode(), headers)
        return status, json.loads(data) if data[:1] in (b"{", b"[") else data

    def raw(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, bytes]:
        """Status and the answer's bytes."""
        connection = http.client.HTTPConnection(self._host, timeout=60)
        try:
            given = {"Content-Type": "application/json", **bearer(self.token), **(headers or {})}
            connection.request(method, path if path.startswith("/") else f"/api/v1/{path}", body, given)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def get(self, path: str, **query: object) -> Any:
        status, answer = self.call("GET", path + (f"?{urlencode(query)}" if query else ""))
        assert status == 200, (status, answer)
        return answer

    def post(self, path: str, body: object = None) -> Any:
        status, answer = self.call("POST", path, body)
        assert status in (200, 201, 202), (status, answer)
        return answer

    def register(self, manifest: Mapping[str, object]) -> Any:
        return self.post("namespaces/default/pipelines", manifest)

    def start(self, pipeline: str, **parameters: object) -> int:
        run = self.post(f"namespaces/default/pipelines/{pipeline}/runs", {"parameters": parameters})
        assert isinstance(run["id"], int)
        return run["id"]

    def run(self, pipeline: str, run: int) -> Any:
        return self.get(f"namespaces/default/pipelines/{pipeline}/runs/{run}")

    def tasks(self, pipeline: str, run: int) -> dict[str, Any]:
        """Every task run in detail, by its id."""
        base = f"namespaces/default/pipelines/{pipeline}/runs/{run}/tasks"
        items: list[Any] = []
        cursor: str | None = ""
        while cursor is not None:
            page = self.get(base, limit=200, **({"cursor": cursor} if cursor else {}))
            items += page["items"]
            cursor = page.get("next")
        return {item["id"]: self.get(f"{base}/{item['id']}") for item in items}

    def log(self, pipeline: str, run: int, task: str, **query: object) -> bytes:
        """The raw log of an attempt."""
        path = f"namespaces/default/pipelines/{pipeline}/runs/{run}/tasks/{task}/log/raw"
        status, data = self.raw("GET", f"/api/v1/{path}?{urlencode(query)}")
        assert status == 200, (status, data)
        return data

    def events(self, after: int = 0, **query: object) -> Iterator[dict[str, Any]]:
        """Every stored event above `after` and then new ones, as long as the server lives."""
        where = urlencode({"after": after, **query})
        address = f"ws://{self._host}/api/v1/events/stream?{where}"
        with connect(address, max_size=None, compression=None, additional_headers=bearer(self.token)) as socket:
            for frame in socket:
                yield from json.loads(frame)["events"]

    def until(self, kind: str, pipeline: str, run: int, task: str = "") -> dict[str, Any]:
        """Waits for an event of a run; returns at once if it has happened."""
        for event in self.events(namespace="default", pipeline=pipeline, run=run):
            if event["kind"] == kind and event.get("task", "") == task:
                return event
        raise AssertionError(f"the event stream ended before {kind}")

    def ended(self, pipeline: str, run: int) -> Any:
        """Waits for the end of a run and returns it."""
        self.until("run.ended", pipeline, run)
        return self.run(pipeline, run)


class ServerProcess:
    """`gofer service start` on a free port. `home` keeps its data over several lives."""

    program: Sequence[str] = (sys.executable, "-m", "gofer")

    def __init__(
        self,
        home: Path,
        engine: str,
        environ: Mapping[str, str] | None = None,
        host: str = "127.0.0.1:0",
        program: Sequence[str] = (sys.executable, "-m", "gofer"),
    ) -> None:
        self.home = home
        self.host = host
        self.engine = engine
        self.environ = dict(environ or {})
        self.program = program
        self.process: subprocess.Popen[bytes] | None = None
        self.api: Api

    def start(self, **extra: str) -> Api:
        """Start it and wait until it says where it listens; `extra` is added to its environment."""
        self.home.mkdir(parents=True, exist_ok=True)
        environ = {k: v for k, v in os.environ.items() if not k.startswith("GOFER_")}
        environ |= {"GOFER_TRIGGERS__INSTALL_BASE_TRIGGERS": "false"}
        environ |= self.environ | extra | {"PYTHONUNBUFFERED": "1"}
        command = [*self.program, "service", "start", "--host", self.host]
        command += ["--storage", str(self.home / "data"), "--engine", self.engine]
        with (self.home / "server.log").open("ab") as log:
            self.process = subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=log)
        assert self.process.stdout is not None
        for line in self.process.stdout:
            found = _ADDRESS.search(line)
            if found:
                self.api = Api(found[0].decode())
                return self.api
        raise AssertionError(f"the server did not start:\n{self.log_text()}")

    def kill(self) -> None:
        """SIGKILL."""
        assert self.process is not None
        self.process.kill()
        self.died()

    def died(self) -> None:
        """Waits for its death by SIGKILL, its own or ours."""
        assert self.process is not None
        code = self.process.wait(timeout=60)
        assert code == -signal.SIGKILL, f"ended with {code}:\n{self.log_text()}"
        self._close()

    def stop(self) -> int:
        """SIGTERM; returns the exit code."""
        if self.process is None:
            return 0
        if self.process.poll() is None:
            self.process.terminate()
        code = self.process.wait(timeout=60)
        self._close()
        return code

    def log_text(self) -> str:
        return (self.home / "server.log").read_text(errors="replace")[-4000:]

    def _close(self) -> None:
        if self.process is not None and self.process.stdout is not None:
            self.process.stdout.close()
