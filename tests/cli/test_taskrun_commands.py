"""`gofer taskrun …` against a real server: logs above all."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.cli.conftest import Gofer, Register
from tests.support.server import Api

BYTES = b"plain\n\x1b[31mred\x1b[0m\nnot utf-8: \xff\xfe\nprogress 1\rprogress 2\nno end"


def printer(data: bytes) -> str:
    """A script that prints these bytes."""
    return "printf '" + "".join(f"\\{byte:03o}" for byte in data) + "'"


def finished(gofer: Gofer, pipeline: str) -> None:
    gofer("--format", "silent", "run", "start", pipeline, "--follow")


def test_list_and_get(gofer: Gofer, register: Register) -> None:
    pipeline = register(
        {"id": "a", "script": "exit 1", "retries": {"count": 1, "backoff": "1ms"}, "variables": {"OWN": "mine"}},
        {"id": "b", "command": ["true"], "depends_on": [{"task": "a"}]},
    )
    finished(gofer, pipeline)
    listed = gofer.ok("taskrun", "list", pipeline, "1")
    assert [line.split()[0] for line in listed.out.splitlines()] == ["TASK", "a", "b"]
    one = gofer.ok("taskrun", "get", pipeline, "1", "a").out
    assert one.count("exited with code 1") >= 2
    assert "OWN" in one
    assert "mine" in one
    assert "GOFER_TASK_ID" in one
    assert len(gofer.ok("taskrun", "get", pipeline, "latest", "a", "--format", "json").json["attempts"]) == 2


def test_logs_are_the_very_bytes(gofer: Gofer, register: Register) -> None:
    pipeline = register({"id": "x", "script": printer(BYTES)})
    finished(gofer, pipeline)
    command = ["taskrun", "logs", pipeline, "1", "x"]
    with gofer.popen(*command) as process:
        assert process.communicate()[0] == BYTES


def test_a_followed_log_is_exact_text(gofer: Gofer, register: Register) -> None:
    pipeline = register({"id": "x", "script": printer(BYTES)})
    finished(gofer, pipeline)
    with gofer.popen("taskrun", "logs", pipeline, "1", "x", "-f") as process:
        assert process.communicate()[0] == BYTES.decode(errors="replace").encode()


def test_logs_from_a_line_on(gofer: Gofer, register: Register) -> None:
    pipeline = register({"id": "x", "script": "for i in 1 2 3 4 5; do echo line $i; done"})
    finished(gofer, pipeline)
    for more in ([], ["-f"]):
        logs = ["taskrun", "logs", pipeline, "1", "x", *more]
        assert gofer.ok(*logs, "--since-line", "4").out == "line 4\nline 5\n"
        assert gofer.ok(*logs, "--since-line", "-1").out == "line 5\n"
        assert gofer.ok(*logs, "--since-line", "9").out == ""


def test_streams_and_timestamps(gofer: Gofer, register: Register) -> None:
    pipeline = register({"id": "x", "script": "echo to out; echo to err >&2"})
    finished(gofer, pipeline)
    for more in ([], ["-f"]):
        logs = ["taskrun", "logs", pipeline, "1", "x", *more]
        assert gofer.ok(*logs, "--stream", "stderr").out == "to err\n"
        line = gofer.ok(*logs, "--stream", "stdout", "--timestamps").out
        time, stream, text = line.rstrip("\n").split(" ", 2)
        assert time.endswith("Z")
        assert len(time) == 30
        assert (stream, text) == ("stdout", "to out")


def test_the_log_of_each_attempt(gofer: Gofer, register: Register) -> None:
    pipeline = register(
        {"id": "x", "script": "echo attempt $GOFER_ATTEMPT; exit 1", "retries": {"count": 1, "backoff": "1ms"}}
    )
    finished(gofer, pipeline)
    logs = ["taskrun", "logs", pipeline, "1", "x"]
    assert gofer.ok(*logs).out == "attempt 2\n"
    assert gofer.ok(*logs, "--attempt", "1").out == "attempt 1\n"
    assert gofer.ok(*logs, "--attempt", "1", "-f").out == "attempt 1\n"
    for more in ([], ["-f"]):
        said = gofer(*logs, "--attempt", "3", *more)
        assert said.code == 4
        assert "attempt 3" in said.err


def test_logs_as_json_lines(gofer: Gofer, register: Register) -> None:
    pipeline = register({"id": "x", "script": "echo one; printf two"})
    finished(gofer, pipeline)
    for more in ([], ["-f"]):
        items = gofer.ok("taskrun", "logs", pipeline, "1", "x", "--format", "json", *more).items
        assert [(item["number"], item["text"], item["partial"]) for item in items] == [
            (1, "one", False),
            (2, "two", True),
        ]


def test_a_follow_shows_lines_while_the_task_runs(gofer: Gofer, register: Register, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    pipeline = register({"id": "x", "script": f"echo first; printf half; cat {gate}; echo last"})
    gofer.ok("run", "start", pipeline)
    with gofer.popen("taskrun", "logs", pipeline, "1", "x", "-f") as process:
        assert process.stdout is not None
        assert process.stdout.read(len("first\nhalf")) == b"first\nhalf"
        gate.write_text(" a line\n")
        assert process.stdout.read() == b" a line\nlast\n"
        assert process.wait() == 0


def test_the_reader_of_a_log_may_go_away(gofer: Gofer, register: Register) -> None:
    pipeline = register({"id": "x", "script": "seq 1 200000"})
    finished(gofer, pipeline)
    for more in ([], ["-f"], ["--format", "json"]):
        with gofer.popen("taskrun", "logs", pipeline, "1", "x", *more) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            process.stdout.readline()
            process.stdout.close()
            assert process.wait() == 141
            assert process.stderr.read() == b""


def test_ctrl_c_in_a_follow_is_quiet(gofer: Gofer, register: Register, server: Api) -> None:
    pipeline = register({"id": "x", "script": "echo there; sleep 1000"})
    gofer.ok("run", "start", pipeline)
    with gofer.popen("taskrun", "logs", pipeline, "1", "x", "-f") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == b"there\n"
        process.send_signal(signal.SIGINT)
        assert process.wait() == 130
        assert process.stderr.read() == b""
    assert server.run(pipeline, 1)["status"] == "running"
    gofer.ok("run", "cancel", pipeline, "1")


def test_cancel_one_task_run(gofer: Gofer, register: Register, server: Api) -> None:
    pipeline = register({"id": "x", "script": "sleep 1000"}, {"id": "y", "command": ["true"]})
    gofer.ok("run", "start", pipeline)
    server.until("taskrun.running", pipeline, 1, "x")
    assert gofer.ok("taskrun", "cancel", pipeline, "1", "x").out.startswith(f"task run {pipeline} #1 x cancel")
    server.ended(pipeline, 1)
    tasks = server.tasks(pipeline, 1)
    assert (tasks["x"]["status"], tasks["y"]["status"]) == ("cancelled", "successful")


def test_what_does_not_exist(gofer: Gofer, register: Register) -> None:
    pipeline = register({"id": "x", "command": ["true"]})
    finished(gofer, pipeline)
    for command in ("get", "logs", "cancel"):
        assert gofer("taskrun", command, pipeline, "1", "nope").code == 4
    assert gofer("taskrun", "logs", pipeline, "1", "nope", "-f").code == 4
    assert gofer("taskrun", "logs", pipeline, "1", "a/b").code == 5


def test_a_log_can_be_piped_through_the_shell(gofer: Gofer, register: Register) -> None:
    pipeline = register({"id": "x", "script": "seq 1 1000"})
    finished(gofer, pipeline)
    command = f"{sys.executable} -m gofer taskrun logs {pipeline} 1 x | tail -n 1"
    done = subprocess.run(["bash", "-c", command], env=gofer.environ, capture_output=True, check=True)
    assert done.stdout == b"1000\n"
