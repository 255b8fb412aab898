"""`gofer local run`: a server for one run, and nothing left of it."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest

from tests.cli.conftest import GOFER, Gofer
from tests.cli.terminal import in_terminal
from tests.support.triggers import processes_below

ENGINES = ["process", pytest.param("docker", marks=pytest.mark.docker)]

PIPELINE = """\
from gofer_sdk import Pipeline, Task

Pipeline("local", "Local").parameter("word", default="none").tasks(
    Task("first", "busybox:stable").variable("WORD", "param{{{{word}}}}").script({first!r}),
    Task("second", "busybox:stable").depends_on("first").script("echo second"),
).emit()
"""


@pytest.fixture
def local(alone: Gofer) -> Gofer:
    """With a folder for temporary files that is its own."""
    (alone.home / "tmp").mkdir()
    alone.environ["TMPDIR"] = str(alone.home / "tmp")
    return alone


def write(gofer: Gofer, first: str) -> str:
    path = gofer.home / "local.py"
    path.write_text(PIPELINE.format(first=first))
    return str(path)


def nothing_left(gofer: Gofer) -> bool:
    return not list((gofer.home / "tmp").iterdir())


@pytest.mark.parametrize("engine", ENGINES)
def test_a_run_that_is_successful(engine: str, local: Gofer) -> None:
    said = local("local", "run", write(local, 'echo "word: $WORD"'), "-p", "word=hello", "--engine", engine)
    assert said.code == 0, said
    assert "first | word: hello\n" in said.out
    assert "second | second\n" in said.out
    assert "run local #1 successful" in said.out
    assert nothing_left(local)


def test_a_run_that_fails(local: Gofer) -> None:
    said = local("local", "run", write(local, "echo why; exit 3"), "--engine", "process")
    assert said.code == 1
    assert "first failed: exited with code 3" in said.out
    assert "gofer run retry" not in said.err
    assert nothing_left(local)


def test_a_certificate_of_the_server_is_of_no_concern(local: Gofer) -> None:
    environ = {"GOFER_SERVER__TLS_CERT_PATH": "/none", "GOFER_SERVER__TLS_KEY_PATH": "/none"}
    assert local("local", "run", write(local, "true"), "--engine", "process", environ=environ).code == 0


def test_nobody_is_told_of_it(local: Gofer) -> None:
    manifest = {
        "id": "told",
        "tasks": [{"id": "a", "image": "any", "command": ["true"]}],
        "notifiers": [{"label": "all", "common_task": "nowhere"}],
    }
    said = local("local", "run", "-", "--engine", "process", stdin=json.dumps(manifest).encode())
    assert said.code == 0, said
    assert "Its notifiers are left out" in said.err
    manifest["tasks"] = [{"id": "a", "common_task": "nowhere"}]
    said = local("local", "run", "-", "--engine", "process", stdin=json.dumps(manifest).encode())
    assert 'there is no common task "nowhere"' in said.err
    assert nothing_left(local)


def test_json_lines_and_silence(local: Gofer) -> None:
    path = write(local, "true")
    items = local("local", "run", path, "--engine", "process", "--format", "json").items
    assert items[-1]["run"]["status"] == "successful"
    assert local("local", "run", path, "--engine", "process", "--format", "silent") == (0, "", "")


def test_what_a_server_would_refuse(local: Gofer) -> None:
    path = write(local, "true")
    said = local("local", "run", path, "--engine", "process", "-p", "nope=1")
    assert said.code == 5
    assert "parameters.nope" in said.err
    bad = local.home / "bad.json"
    bad.write_text('{"id": "x", "tasks": [{"id": "a", "image": "i", "depends_on": [{"task": "a"}]}]}')
    assert local("local", "run", str(bad), "--engine", "process").code == 5
    assert local("local", "run", "nope.py").code == 2
    assert nothing_left(local)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interruption_cancels_the_run(number: int, code: int, local: Gofer, tmp_path: Path) -> None:
    told = tmp_path / "told"
    os.mkfifo(told)
    path = write(local, f"echo $$ > {told}; exec sleep 1000")
    with local.popen("local", "run", path, "--engine", "process") as process:
        pid = int(told.read_text())
        process.send_signal(number)
        out, err = process.communicate()
        assert process.returncode == code
    assert b"first: \xe2\x8a\x98 cancelled" in out
    assert b"Cancelling the run" in err
    assert b"Traceback" not in err
    assert not Path(f"/proc/{pid}/cwd").exists()
    assert nothing_left(local)


def test_a_reader_that_goes_away_ends_the_run(local: Gofer, tmp_path: Path) -> None:
    told = tmp_path / "told"
    os.mkfifo(told)
    path = write(local, f"echo $$ > {told}; while :; do echo y; done")
    with local.popen("local", "run", path, "--engine", "process") as process:
        assert process.stdout is not None
        pid = int(told.read_text())
        process.stdout.readline()
        process.stdout.close()
        assert process.wait() == 141
    assert not Path(f"/proc/{pid}/cwd").exists()
    assert nothing_left(local)


def test_in_a_terminal(local: Gofer) -> None:
    command = [*GOFER, "local", "run", write(local, "echo hello"), "--engine", "process"]
    with in_terminal(command, local.environ, local.home) as terminal:
        assert terminal.wait() == 0
    text = terminal.seen.decode()
    assert "first │" in text
    assert "2/2" in text
    assert nothing_left(local)


def test_triggers_are_of_no_concern(local: Gofer) -> None:
    path = local.home / "subscribed.json"
    tasks = [{"id": "a", "image": "i", "script": "echo done"}]
    path.write_text(json.dumps({"id": "p", "tasks": tasks, "subscriptions": [{"label": "l", "trigger": "nobody"}]}))
    environ = {"GOFER_TRIGGERS__INSTALL_BASE_TRIGGERS": "true"}
    said = local("local", "run", str(path), "--engine", "process", environ=environ)
    assert said.code == 0, said
    assert not list(processes_below(local.home))
