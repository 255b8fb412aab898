"""`gofer service logs`, and the request's id beside a fault of the server."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Gofer
from tests.cli.small_server import problem, small_server
from tests.support.server import Api, ServerProcess


@pytest.fixture
def talkative(tmp_path: Path) -> Iterator[ServerProcess]:
    """A server that tells each request."""
    process = ServerProcess(tmp_path / "server", "process", {"GOFER_LOG_LEVEL": "debug"})
    process.start()
    yield process
    assert process.stop() == 0


def ask(api: Api, request_id: str, path: str = "/healthz") -> None:
    api.raw("GET", path, headers={"X-Request-Id": request_id})


def test_lines_are_shown_and_filtered(talkative: ServerProcess, alone: Gofer) -> None:
    host = ("--host", talkative.api.address)
    for number in range(5):
        ask(talkative.api, f"look-{number}")
    ask(talkative.api, "other")
    found = alone.ok("service", "logs", "--contains", "look-", "--lines", "3", "--format", "json", *host).items
    assert [line["fields"]["correlation_id"] for line in found] == ["look-2", "look-3", "look-4"]
    assert {line["event"] for line in found} == {"request"}
    (line,) = alone.ok("service", "logs", "--contains", "other", *host).out.splitlines()
    assert "debug    gofer.api: request  client=127.0.0.1 method=GET path=/healthz status=200" in line
    assert "correlation_id=other" in line
    said = alone.ok("service", "logs", "--level", "error", "--since", "1h", *host)
    assert (said.out, "No such lines" in said.err) == ("", True)


def test_following_goes_on_over_a_restart(talkative: ServerProcess, alone: Gofer) -> None:
    talkative.host = talkative.api.address.removeprefix("http://")
    ask(talkative.api, "before")
    command = ["service", "logs", "--follow", "--contains", "/healthz", "--format", "json", "--host"]
    with alone.popen(*command, talkative.host) as process:
        assert process.stdout is not None

        def next_id() -> str:
            assert process.stdout is not None
            line = json.loads(process.stdout.readline())
            found: str = line["fields"]["correlation_id"]
            return found

        assert next_id() == "before"
        ask(talkative.api, "while")
        assert next_id() == "while"
        talkative.kill()
        talkative.start()
        ask(talkative.api, "after")
        while (found := next_id()) != "after":
            assert found not in ("before", "while")
        process.send_signal(signal.SIGINT)
        _, err = process.communicate()
        assert process.returncode == 130
    assert b"Traceback" not in err


def test_without_a_server(alone: Gofer) -> None:
    said = alone("service", "logs")
    assert said.code == 3
    assert "cannot reach the server" in said.err


def test_what_is_no_duration(alone: Gofer) -> None:
    said = alone("service", "logs", "--since", "yesterday")
    assert said.code == 2
    assert "not a duration" in said.err


def test_the_journal_is_asked_by_its_own_program(alone: Gofer) -> None:
    tools = alone.home / "bin"
    tools.mkdir()
    journalctl = tools / "journalctl"
    journalctl.write_text('#!/bin/sh\necho "$@"\n')
    journalctl.chmod(0o755)
    command = ["service", "logs", "--journal", "--level", "error", "--contains", "a.b", "--lines", "7", "--follow"]
    said = alone(*command, environ={"PATH": str(tools)})
    assert (said.code, said.out) == (0, "-u gofer -n 7 -p err -g a\\.b -f\n")
    without = alone(*command, environ={"PATH": str(alone.home / "nothing")})
    assert without.code == 4
    assert "stderr" in without.err


@pytest.mark.parametrize(("status", "shown"), [(503, True), (500, True), (404, False)])
def test_a_fault_of_the_server_is_shown_with_the_requests_id(alone: Gofer, status: int, shown: bool) -> None:
    answer = problem(status, detail="it is full", hint="make room", request_id="abc-1")
    with small_server(lambda _: answer) as server:
        said = alone("run", "list", "--host", server.address)
    assert ("gofer service logs --contains abc-1" in said.err) is shown
