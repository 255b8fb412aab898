"""Following a run: plain, as JSON, in a terminal, through a server that dies."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.cli.conftest import GOFER, Gofer, Register
from tests.cli.terminal import in_terminal
from tests.support.server import Api

DIAMOND = (
    {"id": "first", "script": "echo one; echo two"},
    {"id": "left", "script": "echo left", "depends_on": [{"task": "first"}]},
    {"id": "right", "script": "echo right", "depends_on": [{"task": "first"}]},
    {"id": "last", "script": "printf 'no end'", "depends_on": [{"task": "left"}, {"task": "right"}]},
)


def test_plain_lines_in_order(gofer: Gofer, register: Register) -> None:
    pipeline = register(*DIAMOND)
    said = gofer.ok("run", "start", pipeline, "--follow")
    lines = said.out.splitlines()
    assert "\x1b" not in said.out
    for log in ("first | one", "first | two", "left | left", "right | right", "last | no end"):
        assert lines.count(log) == 1
    ends = [next(i for i, line in enumerate(lines) if f"{task}: ✔ successful" in line) for task in ("first", "last")]
    assert lines.index("first | two") < ends[0]
    assert lines.index("last | no end") < ends[1]
    assert "4 tasks: 4 successful" in said.out


def test_a_run_that_has_ended_is_shown_from_its_beginning(gofer: Gofer, register: Register) -> None:
    pipeline = register(
        {"id": "x", "script": "echo attempt $GOFER_ATTEMPT; [ $GOFER_ATTEMPT = 2 ]",
         "retries": {"count": 1, "backoff": "1ms"}},
    )  # fmt: skip
    gofer("run", "start", pipeline, "-f")
    lines = gofer.ok("run", "follow", pipeline, "1").out.splitlines()
    assert [line for line in lines if line.startswith("x |")] == ["x | attempt 1", "x | attempt 2"]
    retry = next(i for i, line in enumerate(lines) if "attempt 1 failed: exited with code 1" in line)
    assert lines.index("x | attempt 1") < retry < lines.index("x | attempt 2")
    assert "x |" not in gofer.ok("run", "follow", pipeline, "1", "--no-logs").out


def test_json_lines(gofer: Gofer, register: Register) -> None:
    pipeline = register(*DIAMOND)
    said = gofer.ok("run", "start", pipeline, "--follow", "--format", "json")
    items = said.items
    assert said.err == ""
    assert (items[0]["type"], items[-1]["type"]) == ("run", "run")
    assert items[-1]["run"]["status"] == "successful"
    logs = [(item["task"], item["number"], item["text"]) for item in items if item["type"] == "log"]
    assert sorted(logs) == [
        ("first", 1, "one"),
        ("first", 2, "two"),
        ("last", 1, "no end"),
        ("left", 1, "left"),
        ("right", 1, "right"),
    ]
    numbers = [item["event"]["seq"] for item in items if item["type"] == "event"]
    assert numbers == sorted(set(numbers))


def test_control_sequences_of_a_log_reach_nobody(gofer: Gofer, register: Register) -> None:
    pipeline = register({"id": "x", "script": r"printf '\033[2J\033]0;title\007\033[31mred\033[0m 10%%\r20%%\n'"})
    said = gofer.ok("run", "start", pipeline, "-f")
    assert "\x1b" not in said.out
    assert "title" not in said.out
    assert "x | 20%" in said.out
    with in_terminal([*GOFER, "run", "follow", pipeline, "1"], gofer.environ, gofer.home) as terminal:
        assert terminal.wait() == 0
    assert b"\x1b[2J" not in terminal.seen
    assert b"title" not in terminal.seen


def test_colors_of_a_log_reach_a_terminal(gofer: Gofer, register: Register) -> None:
    pipeline = register({"id": "x", "script": r"printf '\033[38;5;99mviolet\033[0m\n'"})
    gofer("run", "start", pipeline, "-f")
    command = [*GOFER, "run", "follow", pipeline, "1"]
    with in_terminal(command, gofer.environ, gofer.home) as terminal:
        assert terminal.wait() == 0
    assert b"\x1b[38;5;99mviolet" in terminal.seen
    with in_terminal([*command, "--no-color"], gofer.environ, gofer.home) as terminal:
        assert terminal.wait() == 0
    assert b"violet" in terminal.seen
    assert b"38;5;99m" not in terminal.seen


def test_a_terminal_shows_the_graph_and_the_progress(gofer: Gofer, register: Register) -> None:
    pipeline = register(*DIAMOND, {"id": "fails", "script": "exit 3", "allow_failure": True})
    with in_terminal([*GOFER, "run", "start", pipeline, "-f"], gofer.environ, gofer.home) as terminal:
        assert terminal.wait() == 0
    end = terminal.seen.decode().rpartition("\x1b[?25h")[0].splitlines()[-6:]
    for shown, line in zip(("first", "left", "right", "last", "fails", "5/5"), end, strict=True):
        assert shown in line
    assert end[1].startswith("  ")
    assert end[3].startswith("    ")
    assert "exited with code 3" in end[4]
    assert b"first \xe2\x94\x82\x1b[0m one" in terminal.seen


def test_more_tasks_than_rows(gofer: Gofer, register: Register) -> None:
    pipeline = register({"id": "many", "script": "echo $N", "matrix": {"N": [str(n) for n in range(60)]}})
    with in_terminal([*GOFER, "run", "start", pipeline, "-f"], gofer.environ, gofer.home) as terminal:
        assert terminal.wait() == 0
    text = terminal.seen.decode()
    assert "… 45 more: 45 successful" in text
    assert "60/60" in text
    for number in (0, 30, 59):
        assert f"many-{number} │" in text


def test_ctrl_c_stops_only_the_following(gofer: Gofer, register: Register, server: Api) -> None:
    pipeline = register({"id": "x", "script": "echo there; sleep 1000"})
    with in_terminal([*GOFER, "run", "start", pipeline, "-f"], gofer.environ, gofer.home) as terminal:
        terminal.until(b"there")
        terminal.type(b"\x03")
        assert terminal.wait() == 130
    text = terminal.seen.decode()
    assert "Traceback" not in text
    assert f"gofer run follow {pipeline} 1" in text
    assert "\x1b[?25h" in text
    assert server.run(pipeline, 1)["status"] == "running"
    gofer.ok("run", "cancel", pipeline, "1")
    assert server.ended(pipeline, 1)["status"] == "cancelled"


def test_a_reader_that_goes_away_is_no_error(gofer: Gofer, register: Register) -> None:
    pipeline = register({"id": "x", "script": "seq 1 100000"})
    for form in ("pretty", "json"):
        with gofer.popen("run", "start", pipeline, "-f", "--format", form) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            process.stdout.readline()
            process.stdout.close()
            assert process.wait() == 141
            assert b"error:" not in process.stderr.read()


def test_sigterm_ends_it_quietly(gofer: Gofer, register: Register) -> None:
    pipeline = register({"id": "x", "script": "echo there; sleep 1000"})
    with gofer.popen("run", "start", pipeline, "-f") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        while b"x | there" not in process.stdout.readline():
            pass
        process.send_signal(signal.SIGTERM)
        assert process.wait() == 143
        assert b"Traceback" not in process.stderr.read()
    gofer.ok("run", "cancel", pipeline, "1")


class Restarted:
    """A server on a fixed port that can be killed and started again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self.address = "127.0.0.1:0"

    def start(self) -> None:
        environ = {k: v for k, v in os.environ.items() if not k.startswith("GOFER_")}
        command = [*GOFER, "service", "start", "--host", self.address, "--storage", str(self._folder / "data")]
        command += ["--engine", "process", "--format", "json"]
        with (self._folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, env=environ)
        assert self._process.stdout is not None
        text = b""
        while not text.endswith(b"\n}\n"):
            line = self._process.stdout.readline()
            assert line, (self._folder / "server.log").read_text()
            text += line
        self.address = json.loads(text)["address"].removeprefix("http://")

    def kill(self, number: int) -> None:
        assert self._process is not None
        self._process.send_signal(number)
        self._process.communicate()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=["killed", "stopped"])
def test_a_follow_outlives_the_server(tmp_path: Path, number: int) -> None:
    """No line is missing or doubled, and the outcome is right."""
    service = Restarted(tmp_path)
    service.start()
    gofer = Gofer(tmp_path, service.address)
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    manifest = {"id": "p", "tasks": [{"id": "x", "image": "i", "script": f"seq 1 100; printf open; cat {gate}"}]}
    gofer.ok("pipeline", "create", "-", stdin=json.dumps(manifest).encode())
    try:
        with gofer.popen("run", "start", "p", "-f") as process:
            assert process.stdout is not None
            assert process.stderr is not None
            out = b""
            while b"x | 100\n" not in out:
                out += process.stdout.readline()
            service.kill(number)
            err = b""
            while b"connection lost" not in err:
                err += process.stderr.readline()
            service.start()
            gate.write_text(" and closed\nlast\n")
            out += process.stdout.read()
            assert process.wait() == 0
            assert b"connected again" in process.stderr.read()
    finally:
        service.kill(signal.SIGTERM)
    lines = [line for line in out.decode().splitlines() if line.startswith("x | ")]
    assert lines == [f"x | {n}" for n in range(1, 101)] + ["x | open and closed", "x | last"]


def test_a_server_that_stays_away_is_given_up(tmp_path: Path) -> None:
    service = Restarted(tmp_path)
    service.start()
    gofer = Gofer(tmp_path, service.address)
    manifest = {"id": "p", "tasks": [{"id": "x", "image": "i", "script": "echo there; sleep 1000"}]}
    gofer.ok("pipeline", "create", "-", stdin=json.dumps(manifest).encode())
    gofer.ok("run", "start", "p")
    with gofer.popen("run", "follow", "p", "1", "--reconnect-timeout", "0.5") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        while b"x | there" not in process.stdout.readline():
            pass
        service.kill(signal.SIGKILL)
        assert process.wait() == 3
        err = process.stderr.read().decode()
    assert "did not come back within 0.5 s" in err
    assert "Traceback" not in err
    service.start()
    gofer.ok("run", "cancel", "p", "1")
    gofer("run", "follow", "p", "1")
    service.kill(signal.SIGTERM)
