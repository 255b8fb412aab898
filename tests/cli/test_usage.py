"""Wrong command lines, settings and surroundings: one clear error, and the exit code that says which kind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gofer.cli.invocation import Invocation
from tests.cli.conftest import GOFER, Gofer


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("pipelin list", 'There is no command "pipelin". Did you mean "pipeline"?'),
        ("pipeline lst", 'There is no command "lst". Did you mean "list"?'),
        ("pipeline list --lmit 3", "--limit"),
        ("pipeline list --limit 0", "--limit"),
        ("pipeline list --limit some", "'some' is not a whole number"),
        ("pipeline list --format yaml", "yaml"),
        ("run get p", "RUN"),
        ("run get p first", '"latest"'),
        ("pipeline get p extra", "extra"),
        ("--host nowhere:port pipeline list", '"port" is not a port'),
        ("--config nowhere.hcl pipeline list", "nowhere.hcl"),
        ("completion powershell", "powershell"),
    ],
)
def test_a_wrong_command_line(line: str, message: str, alone: Gofer) -> None:
    said = alone(*line.split())
    assert said.code == 2
    assert said.out == ""
    assert said.err.startswith("error: ")
    assert message in said.err
    assert "\nhint: " in said.err
    assert "Traceback" not in said.err


def test_a_noun_alone_shows_its_commands(alone: Gofer) -> None:
    for line in ([], ["pipeline"]):
        said = alone(*line)
        assert said.code == 2
        assert "Commands:" in said.err


def test_a_wrong_variable_is_named(alone: Gofer) -> None:
    said = alone("pipeline", "list", environ={"GOFER_CLI_FORMAT": "yaml"})
    assert said.code == 2
    assert "GOFER_CLI_FORMAT" in said.err


def test_global_options_stand_anywhere_and_the_last_wins(alone: Gofer) -> None:
    for line in (
        ["--format", "json", "version"],
        ["version", "--format", "json"],
        ["--format", "silent", "version", "--format", "json"],
    ):
        assert set(alone.ok(*line).json) == {"version", "commit", "python", "libraries", "server"}


@pytest.mark.parametrize("form", ["pretty", "json", "silent"])
def test_no_server(form: str, alone: Gofer) -> None:
    said = alone("pipeline", "list", "--format", form)
    assert said.code == 3
    assert said.out == ""
    assert said.err.startswith("error: cannot reach the server at 127.0.0.1:1")


def test_errors_have_no_colors_in_a_pipe(alone: Gofer) -> None:
    assert "\x1b" not in alone("pipeline", "list").err


def test_stdout_that_is_full_is_no_defect_report(alone: Gofer) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run([*GOFER, "version"], stdout=full, stderr=subprocess.PIPE, env=alone.environ, check=False)
    assert done.returncode == 74
    assert b"Traceback" not in done.stderr
    assert b"No space left" in done.stderr


def test_a_closed_stdout_is_survived(alone: Gofer) -> None:
    done = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m gofer version >&-"], stderr=subprocess.PIPE, env=alone.environ, check=False
    )
    assert done.returncode == 0
    assert b"Traceback" not in done.stderr


def test_it_prints_under_a_narrow_locale(alone: Gofer) -> None:
    environ = {**alone.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = subprocess.run([*GOFER, "service", "doctor"], env=environ, stdout=subprocess.PIPE, check=False)
    assert b"server" in done.stdout


def test_ctrl_c_while_the_pipeline_is_compiled(alone: Gofer) -> None:
    told = alone.home / "told"
    os.mkfifo(told)
    path = alone.home / "p.py"
    path.write_text(f"import os, time\nopen({str(told)!r}, 'w').write(str(os.getpid()))\ntime.sleep(1000)\n")
    with alone.popen("pipeline", "create", str(path)) as process:
        assert process.stderr is not None
        pid = int(told.read_text())
        process.send_signal(signal.SIGINT)
        assert process.wait() == 130
        assert process.stderr.read() == b""
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_command_to_copy_is_written_for_a_shell() -> None:
    invocation = Invocation()
    invocation.override("config", "/my settings/gofer.hcl")
    invocation.override("ca_file", "$HOME/ca.pem")
    expected = "gofer run get p 1 --ca-file '$HOME/ca.pem' --config '/my settings/gofer.hcl'"
    assert invocation.command("run get", "p 1") == expected
