"""The server, or the command line, killed while the first token is made: it can be made all the same."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gofer.cli.service.code_file import CodeFile
from tests.support.server import Api, ServerProcess

IN_PRODUCTION = {
    "GOFER_DEV_MODE": "false",
    "GOFER_ALLOW_PROCESS_ENGINE": "true",
    "GOFER_SECRET_STORE__SQLITE__ENCRYPTION_KEY": "k" * 32,
}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    made = ServerProcess(tmp_path, "process", IN_PRODUCTION)
    yield made
    assert made.stop() == 0, made.log_text()


def gofer(api: Api, *arguments: str) -> subprocess.CompletedProcess[str]:
    environ = {k: v for k, v in os.environ.items() if not k.startswith("GOFER_")}
    environ |= {"GOFER_CLI_HOST": api.address, "HOME": "/nonexistent"}
    command = [sys.executable, "-m", "gofer", *arguments]
    return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(("point", "made"), [("bootstrap_code_taken", False), ("bootstrap_committed", True)])
def test_before_its_answer(server: ServerProcess, tmp_path: Path, point: str, made: bool) -> None:
    api = server.start(GOFER_TEST_CRASH_AT=point)
    with (
        CodeFile(api.get("bootstrap")["code_file"]) as code,
        contextlib.suppress(http.client.HTTPException, ConnectionError),
    ):
        answer = api.call("POST", "bootstrap", {"code": code})
        raise AssertionError(f"it was to die before it answers: {answer}")
    server.died()
    api = server.start()
    assert api.get("bootstrap")["done"] is made
    first = gofer(api, "service", "token", "bootstrap")
    if made:
        assert first.returncode == 5
        assert "--again" in first.stderr
        first = gofer(api, "service", "token", "bootstrap", "--again")
    assert first.returncode == 0, first.stderr
    owner = Api(api.address, first.stdout.strip())
    assert [one["root"] for one in owner.get("tokens")["items"]] == [True]
    assert not (tmp_path / "data" / "bootstrap.code").exists()


def test_the_command_line_with_its_code_on_the_disk(server: ServerProcess, tmp_path: Path) -> None:
    """As `gofer service token bootstrap` does it, up to where it would ask."""
    api = server.start()
    file = tmp_path / "data" / "bootstrap.code"
    script = (
        "import os, signal, sys\n"
        "from gofer.cli.service.code_file import CodeFile\n"
        "with CodeFile(sys.argv[1]):\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(file)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert file.exists()
    # Who finds it and may not read it has nothing; the next call replaces it.
    assert file.stat().st_mode & 0o777 == 0o600
    found = gofer(api, "service", "token", "bootstrap")
    assert found.returncode == 0, found.stderr
    assert not file.exists()
    assert Api(api.address, found.stdout.strip()).get("whoami")["kind"] == "management"
