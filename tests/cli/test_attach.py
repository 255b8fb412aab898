"""`gofer taskrun attach`: a shell inside what runs."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from tests.cli.conftest import GOFER, Gofer, Register
from tests.cli.terminal import in_terminal
from tests.support.server import Api


@pytest.fixture
def running(gofer: Gofer, register: Register, server: Api) -> Iterator[list[str]]:
    """The words that name a task run that is running."""
    pipeline = register({"id": "x", "script": "sleep 1000"})
    gofer.ok("run", "start", pipeline)
    server.until("taskrun.running", pipeline, 1, "x")
    yield [pipeline, "1", "x"]
    gofer.ok("run", "cancel", pipeline, "1")
    server.ended(pipeline, 1)


def test_input_both_outputs_and_exit_code(gofer: Gofer, running: list[str]) -> None:
    script = "cat; echo to err >&2; exit 7"
    said = gofer("taskrun", "attach", *running, "--", "sh", "-c", script, stdin=b"to out\n" * 1000)
    assert said == (7, "to out\n" * 1000, "to err\n")


def test_it_is_beside_the_task(gofer: Gofer, running: list[str]) -> None:
    assert gofer.ok("taskrun", "attach", *running, "sh", "-c", "echo $GOFER_TASK_ID").out == "x\n"


def test_a_terminal_with_its_size(gofer: Gofer, running: list[str]) -> None:
    command = [*GOFER, "taskrun", "attach", *running, "--", "sh", "-c", "echo ready; exec sh"]
    with in_terminal(command, gofer.environ, gofer.home) as terminal:
        before = terminal.settings()
        terminal.until(b"ready")
        terminal.type(b"echo $((6*7)); stty size\r")
        here = terminal.until(b"30 100")
        assert b"42" in terminal.seen
        raw = terminal.settings()
        terminal.resize(120, 40)
        terminal.type(b"until [ \"$(stty size)\" = '40 120' ]; do :; done; echo resi''zed\r")
        terminal.until(b"resized", here)
        terminal.type(b"exit 5\r")
        assert terminal.wait() == 5
        assert raw != before
        assert terminal.settings() == before


def test_ctrl_c_goes_to_the_command(gofer: Gofer, running: list[str]) -> None:
    script = "trap 'echo trapped; exit 9' INT; echo ready; while :; do sleep 0.05; done"
    command = [*GOFER, "taskrun", "attach", *running, "--", "sh", "-c", script]
    with in_terminal(command, gofer.environ, gofer.home) as terminal:
        terminal.until(b"ready")
        terminal.type(b"\x03")
        assert terminal.wait() == 9
    assert b"trapped" in terminal.seen


def test_one_key_leaves(gofer: Gofer, running: list[str]) -> None:
    command = [*GOFER, "taskrun", "attach", *running, "--", "sh", "-c", "echo ready; exec sleep 1000"]
    with in_terminal(command, gofer.environ, gofer.home) as terminal:
        before = terminal.settings()
        terminal.until(b"ready")
        terminal.type(b"\x1d")
        assert terminal.wait() == 0
        assert terminal.settings() == before


def test_a_task_run_that_is_not_running(gofer: Gofer, register: Register) -> None:
    pipeline = register({"id": "x", "command": ["true"]})
    gofer("run", "start", pipeline, "-f")
    said = gofer("taskrun", "attach", pipeline, "1", "x")
    assert said.code == 5
    assert "successful, not running" in said.err
    assert gofer("taskrun", "attach", pipeline, "1", "nope").code == 4
    # A mistake of the user's is no fault of the server's.
    assert "handshake" not in gofer.ok("service", "logs", "--level", "error").out


def test_a_command_that_does_not_exist(gofer: Gofer, running: list[str]) -> None:
    said = gofer("taskrun", "attach", *running, "--", "no-such-program")
    assert said.code != 0
    assert "no-such-program" in said.err + said.out


def test_a_reader_that_goes_away(gofer: Gofer, running: list[str]) -> None:
    with gofer.popen("taskrun", "attach", *running, "--", "sh", "-c", "while :; do echo y; done") as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.wait() == 141


def test_the_terminal_is_put_right_when_the_client_is_ended(gofer: Gofer, running: list[str]) -> None:
    command = [*GOFER, "taskrun", "attach", *running, "--", "sh", "-c", "echo ready; exec sleep 1000"]
    with in_terminal(command, gofer.environ, gofer.home) as terminal:
        before = terminal.settings()
        terminal.until(b"ready")
        os.kill(terminal.pid, signal.SIGTERM)
        assert terminal.wait() == 143
        assert terminal.settings() == before
