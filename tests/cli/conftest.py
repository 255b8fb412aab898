"""The real `gofer`, as a process, against a real server with the process engine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.support.server import Api, ServerProcess

ENGINE = "process"
# The one-file program where GOFER_TEST_CLI names one: `make test-cli-frozen`.
GOFER = [os.environ["GOFER_TEST_CLI"]] if "GOFER_TEST_CLI" in os.environ else [sys.executable, "-m", "gofer"]


class Said(NamedTuple):
    """What a call of `gofer` printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Its one document. Fails where stdout holds anything else."""
        return json.loads(self.out)

    @property
    def items(self) -> list[Any]:
        """Its JSON lines."""
        return [json.loads(line) for line in self.out.splitlines()]


class Gofer:
    """Calls `gofer` with a home folder of its own, so that nobody's settings matter."""

    def __init__(self, home: Path, address: str) -> None:
        self.home = home
        self.environ = {k: v for k, v in os.environ.items() if not k.startswith("GOFER_") and k != "NO_COLOR"}
        self.environ |= {"HOME": str(home), "GOFER_CLI_HOST": address, "TERM": "xterm-256color"}
        # They would outlive the servers that tests start.
        self.environ["GOFER_TRIGGERS__INSTALL_BASE_TRIGGERS"] = "false"

    def __call__(self, *arguments: str, stdin: bytes = b"", environ: Mapping[str, str] | None = None) -> Said:
        done = subprocess.run(
            [*GOFER, *arguments],
            input=stdin,
            capture_output=True,
            env={**self.environ, **(environ or {})},
            cwd=self.home,
            timeout=120,
            check=False,
        )
        return Said(done.returncode, done.stdout.decode(), done.stderr.decode())

    def ok(self, *arguments: str, stdin: bytes = b"") -> Said:
        """A call that must succeed."""
        said = self(*arguments, stdin=stdin)
        assert said.code == 0, said
        return said

    def popen(self, *arguments: str, environ: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
        """A call that goes on; its stdout and stderr are pipes."""
        environ = {**self.environ, "PYTHONUNBUFFERED": "1", **(environ or {})}
        pipe = subprocess.PIPE
        return subprocess.Popen([*GOFER, *arguments], env=environ, cwd=self.home, stdout=pipe, stderr=pipe)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """One server for all tests here; each uses pipelines of its own."""
    process = ServerProcess(tmp_path_factory.mktemp("server"), ENGINE)
    try:
        yield process.start()
    finally:
        assert process.stop() == 0, process.log_text()


@pytest.fixture
def gofer(server: Api, tmp_path: Path) -> Gofer:
    return Gofer(tmp_path, server.address)


@pytest.fixture
def alone(tmp_path: Path) -> Gofer:
    """Without a server."""
    return Gofer(tmp_path, "127.0.0.1:1")


Register = Callable[..., str]


@pytest.fixture
def register(server: Api, request: pytest.FixtureRequest) -> Register:
    """Registers a pipeline with the given tasks under an id made from the test's name."""

    def make(*tasks: dict[str, Any], **rest: Any) -> str:
        name = "".join(c if c.isalnum() else "-" for c in request.node.name)[:60].strip("-")
        server.register({"id": name, "tasks": [{"image": "busybox:stable", **task} for task in tasks], **rest})
        return name

    return make
