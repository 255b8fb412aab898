"""`gofer service …`: start, stop, refusals, info, doctor."""

from __future__ import annotations

import json
import os
import platform
import pty
import signal
import socket
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from gofer import __version__
from tests.cli.conftest import GOFER, Gofer
from tests.cli.small_server import Answer, small_server
from tests.support.server import Api


def begun(gofer: Gofer, *more: str, environ: Mapping[str, str] | None = None) -> tuple[str, str, str]:
    """The address of a server that was started and stopped again, and what it printed on stdout and stderr."""
    command = ["service", "start", "--host", "127.0.0.1:0", "--storage", "data", "--engine", "process", *more]
    with gofer.popen(*command, environ=environ) as process:
        assert process.stdout is not None
        first = process.stdout.readline().decode()
        address = first.split()[-1]
        gofer.ok("service", "info", "--host", address)
        if not (gofer.home / "registered").exists():
            manifest = b'{"id": "p", "tasks": [{"id": "a", "image": "i"}]}'
            gofer.ok("pipeline", "create", "-", "--host", address, stdin=manifest)
            (gofer.home / "registered").touch()
        process.send_signal(signal.SIGINT)
        # Not communicate(), which does not see what stdout has buffered already.
        assert process.stderr is not None
        out, err = process.stdout.read(), process.stderr.read()
        assert process.wait() == 0
    return address, first + out.decode(), err.decode()


def without_log(err: str) -> list[str]:
    return [line for line in err.splitlines() if not line.startswith("timestamp=")]


def test_the_first_start_says_where_what_and_what_next_and_later_ones_where(alone: Gofer) -> None:
    address, out, err = begun(alone)
    assert out == f"Gofer {__version__} listens on {address}\n  data  {alone.home / 'data'}\n"
    warning, following = without_log(err)
    assert "isolates nothing" in warning
    assert following == f"Next: gofer pipeline create PATH --host {address}"
    address, out, err = begun(alone)
    assert out == f"Gofer {__version__} listens on {address}\n"
    (warning,) = without_log(err)
    assert "isolates nothing" in warning


def test_open_shows_the_address_in_the_browser(alone: Gofer) -> None:
    tools = alone.home / "bin"
    tools.mkdir()
    seen = alone.home / "seen"
    opener = tools / "xdg-open"
    opener.write_text(f'#!/bin/sh\necho "$@ ${{LD_LIBRARY_PATH-none}}" > {seen}.new && mv {seen}.new {seen}\n')
    opener.chmod(0o755)
    desktop = {"DISPLAY": ":7", "PATH": f"{tools}:{os.environ['PATH']}", "BROWSER": "no'shell"}
    address, _, err = begun(alone, "--open", environ=desktop)
    assert "no desktop" not in err
    deadline = time.monotonic() + 30
    while not seen.exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert seen.read_text() == f"{address}/ none\n"
    nobody = {"DISPLAY": "", "WAYLAND_DISPLAY": "", "WSL_DISTRO_NAME": "", "PATH": desktop["PATH"]}
    address, _, err = begun(alone, "--open", environ=nobody)
    assert f"In a browser: {address}/" in err


def test_start_as_json_is_one_document(alone: Gofer) -> None:
    command = ["service", "start", "--host", "127.0.0.1:0", "--storage", "data", "--engine", "process"]
    with alone.popen("--format", "json", *command) as process:
        assert process.stdout is not None
        text = b""
        while not text.endswith(b"\n}\n"):
            text += process.stdout.readline()
        told = json.loads(text)
        process.send_signal(signal.SIGTERM)
        assert process.communicate()[0] == b""
        assert process.returncode == 0
    assert told["address"].startswith("http://127.0.0.1:")
    assert told["engine"] == {**told["engine"], "name": "process", "isolates": False}


def test_a_closed_terminal_ends_it_in_order(alone: Gofer) -> None:
    command = [*GOFER, "service", "start", "--host", "127.0.0.1:0", "--storage", "data", "--engine", "process"]
    environ = {**alone.environ, "PYTHONUNBUFFERED": "1"}
    ours, its = pty.openpty()
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=environ, cwd=alone.home, stdin=its, stdout=pipe, stderr=pipe) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGHUP)
        _, err = process.communicate(timeout=60)
        assert process.returncode == 0
    assert b"Traceback" not in err
    os.close(ours)
    os.close(its)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_end_it_in_order(number: int, alone: Gofer) -> None:
    command = ["service", "start", "--host", "127.0.0.1:0", "--storage", "data", "--engine", "process"]
    with alone.popen(*command) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(number)
        _, err = process.communicate()
        assert process.returncode == 0
    assert b"Traceback" not in err


def test_a_server_under_nohup_outlives_its_terminal(alone: Gofer) -> None:
    start = "service start --host 127.0.0.1:0 --storage data --engine process"
    command = ["sh", "-c", f"trap '' HUP; exec {' '.join(GOFER)} {start}"]
    environ = {**alone.environ, "PYTHONUNBUFFERED": "1"}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=environ, cwd=alone.home, stdout=pipe, stderr=pipe) as process:
        assert process.stdout is not None
        address = process.stdout.readline().decode().split()[-1]
        process.send_signal(signal.SIGHUP)
        alone.ok("service", "info", "--host", address)
        process.send_signal(signal.SIGTERM)
        process.communicate()
        assert process.returncode == 0


def refusal(gofer: Gofer, *arguments: str, **environ: str) -> str:
    said = gofer("service", "start", "--engine", "process", *arguments, environ=environ)
    assert said.code == 2
    assert said.out == ""
    assert "Traceback" not in said.err
    lines = said.err.splitlines()
    assert lines[0].startswith("error: ")
    assert lines[1].startswith("hint: ")
    assert len(lines) == 2
    return said.err


def test_a_port_in_use(alone: Gofer) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        address = f"127.0.0.1:{holder.getsockname()[1]}"
        assert "in use" in refusal(alone, "--host", address, "--storage", "data")


def test_a_second_start_names_the_first(alone: Gofer) -> None:
    start = ("service", "start", "--host", "127.0.0.1:0", "--storage", "data", "--engine", "process")
    with alone.popen(*start) as first:
        assert first.stdout is not None
        address = first.stdout.readline().decode().split("://")[-1].strip()
        said = refusal(alone, "--host", address, "--storage", "data")
        # The one-file program serves in a child of its first process.
        children = Path(f"/proc/{first.pid}/task/{first.pid}/children").read_text().split()
        assert any(f"in use by another Gofer (process {one})" in said for one in (first.pid, *children))
        assert "--storage FOLDER --host" in said
        assert f"{address} is in use by another program" in refusal(alone, "--host", address, "--storage", "other")
        first.send_signal(signal.SIGTERM)
        first.communicate(timeout=60)


def test_what_comes_next_is_said_last(alone: Gofer) -> None:
    command = [*GOFER, "service", "start", "--host", "127.0.0.1:0", "--storage", "data", "--engine", "process"]
    environ = {name: value for name, value in alone.environ.items() if name != "PYTHONUNBUFFERED"}
    pipe, same = subprocess.PIPE, subprocess.STDOUT
    with subprocess.Popen(command, env=environ, cwd=alone.home, stdout=pipe, stderr=same) as process:
        assert process.stdout is not None
        said = [process.stdout.readline() for _ in range(4)]
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
    for line, word in zip(said, (b"listens on", b"  data", b"warning: ", b"Next: "), strict=True):
        assert word in line


def test_a_folder_that_cannot_be_written(alone: Gofer) -> None:
    (alone.home / "file").write_text("")
    refusal(alone, "--host", "127.0.0.1:0", "--storage", "file/data")


def test_an_address_for_others(alone: Gofer) -> None:
    assert "loopback" in refusal(alone, "--host", "0.0.0.0:0", "--storage", "data")


def test_a_wrong_key_names_the_right_one(alone: Gofer) -> None:
    (alone.home / "gofer.hcl").write_text('log_levle = "info"\n')
    for said in (
        refusal(alone, "--config", "gofer.hcl", "--storage", "data"),
        alone("--config", "gofer.hcl", "service", "start").err,
        alone("service", "doctor", "--config", "gofer.hcl").out,
    ):
        assert "line 1" in said
        assert '"log_level"' in said
    assert "GOFER_LOG_LEVLE" in refusal(alone, "--storage", "data", GOFER_LOG_LEVLE="info")


def test_the_process_engine_outside_dev_mode(alone: Gofer) -> None:
    assert "allow_process_engine" in refusal(alone, "--host", "127.0.0.1:0", "--storage", "data", "--no-dev")


def test_info(gofer: Gofer, server: Api) -> None:
    found = gofer.ok("service", "info", "--format", "json").json
    assert (found["version"], found["address"]) == (__version__, server.address)
    pretty = gofer.ok("service", "info").out
    assert server.address in pretty
    assert "development" in pretty


def test_info_without_a_server(alone: Gofer) -> None:
    said = alone("service", "info")
    assert said.code == 3
    assert "gofer service start" in said.err


def test_doctor_asks_the_server(gofer: Gofer) -> None:
    said = gofer.ok("service", "doctor")
    assert "database" in said.out
    checks = gofer.ok("service", "doctor", "--format", "json").json
    assert {check["level"] for check in checks} <= {"ok", "warning"}


def test_doctor_ends_with_1_where_something_is_wrong(alone: Gofer) -> None:
    checks = [{"name": "disk", "level": "error", "message": "it is full", "hint": "make room"}]
    with small_server(lambda _: Answer(200, json.dumps(checks).encode())) as server:
        said = alone("service", "doctor", "--host", server.address)
    assert said.code == 1
    assert "disk: it is full" in said.out
    assert "make room" in said.out


def test_doctor_without_a_server_looks_at_the_machine(alone: Gofer) -> None:
    environ = {"GOFER_SERVER__HOST": "127.0.0.1:0", "GOFER_SCHEDULER__ENGINE": "process"}
    said = alone("service", "doctor", environ=environ)
    assert said.code == 0
    for name in ("server", "configuration", "address", "storage", "disk", "engine"):
        assert f"  {name}: " in said.out


def test_doctor_finds_what_would_stop_the_start(alone: Gofer, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with socket.create_server(("127.0.0.1", 0)) as holder:
        environ = {
            "GOFER_SERVER__HOST": f"127.0.0.1:{holder.getsockname()[1]}",
            "GOFER_SERVER__STORAGE_PATH": str(tmp_path / "file" / "data"),
            "GOFER_SCHEDULER__ENGINE": "docker",
            "GOFER_SCHEDULER__DOCKER__HOST": f"unix://{tmp_path}/no.sock",
        }
        said = alone("service", "doctor", "--format", "json", environ=environ)
    assert said.code == 1
    levels = {check["name"]: check["level"] for check in said.json}
    assert [levels[name] for name in ("address", "storage", "engine")] == ["error"] * 3
    wrong = alone("service", "doctor", "--format", "json", environ={"GOFER_NONSENSE": "1"})
    assert wrong.code == 1
    assert [check["name"] for check in wrong.json] == ["server", "configuration"]


@pytest.mark.docker
def test_doctor_asks_docker(alone: Gofer) -> None:
    environ = {"GOFER_SERVER__HOST": "127.0.0.1:0", "GOFER_SCHEDULER__ENGINE": "docker"}
    said = alone("service", "doctor", "--format", "json", environ=environ)
    engine = next(check for check in said.json if check["name"] == "engine")
    assert engine["level"] == "ok", engine


def test_version(gofer: Gofer, alone: Gofer) -> None:
    found = gofer.ok("version", "--json").json
    assert (found["version"], found["server"]) == (__version__, __version__)
    assert found["python"] == platform.python_version()
    assert {"click", "starlette", "uvloop", "aiohttp"} <= set(found["libraries"])
    assert gofer.ok("version", "--format", "json").json == found
    without = alone.ok("version", "--host", "127.0.0.1:1")
    commit = f" ({found['commit'][:12]})" if found["commit"] else ""
    about = f"client  {__version__}{commit}, Python {platform.python_version()}\n"
    assert without.out.startswith(f"{about}server  cannot reach")
    assert alone.ok("--version").out == f"gofer {__version__}\n"
