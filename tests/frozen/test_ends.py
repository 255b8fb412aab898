"""The program is two processes: killed, nothing of it stays; told to end, it ends as it should and tidies up."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.terminal import in_terminal
from tests.frozen.place import FrozenServer, Place
from tests.support.server import Api
from tests.support.until import until

FOREVER = {"id": "p", "tasks": [{"id": "t", "image": "i", "script": "echo there; exec sleep 1000"}]}
LONG_AGO = 1_000_000_000.0


@pytest.fixture
def server(program: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FrozenServer]:
    """In a place of its own, so that what a test's command leaves behind is told from it."""
    server = FrozenServer(Place(program, tmp_path_factory.mktemp("server")))
    server.start()
    try:
        yield server
    finally:
        assert server.stop() == 0, server.log_text()


@pytest.fixture
def following(place: Place, server: FrozenServer) -> Iterator[subprocess.Popen[bytes]]:
    """`gofer run follow` of a run that does not end, as far as its task's first line."""
    server.api.register(FOREVER)
    run = server.api.start("p")
    with place.popen("run", "follow", "p", str(run), environ={"GOFER_CLI_HOST": server.api.address}) as process:
        assert process.stdout is not None
        while b"t | there" not in process.stdout.readline():
            pass
        yield process
    server.api.post(f"namespaces/default/pipelines/p/runs/{run}/cancel")
    server.api.ended("p", run)


@pytest.fixture(params=["", "python3"], ids=["own", "other"])
def hanging(place: Place, request: pytest.FixtureRequest) -> Iterator[subprocess.Popen[bytes]]:
    """`gofer pipeline create` of a program that does not end, with Gofer's own Python and with another."""
    begun = place.home / "begun"
    os.mkfifo(begun)
    path = place.write("mine.py", f"open({str(begun)!r}, 'w').close()\nimport time\ntime.sleep(1000)")
    options = ["--python", request.param] if request.param else []
    with place.popen("pipeline", "create", str(path), "--timeout", "900", *options) as process:
        begun.read_bytes()
        yield process


def test_a_server_that_is_killed_is_gone(place: Place) -> None:
    server = FrozenServer(place)
    server.start()
    assert len(place.processes()) > 1
    server.kill()
    assert place.is_still()
    # And its data is free for the next.
    server.start()
    assert server.stop() == 0
    assert place.is_still()


def test_a_follower_that_is_killed_is_gone(place: Place, following: subprocess.Popen[bytes]) -> None:
    assert len(place.processes()) == 2
    following.kill()
    assert following.wait(timeout=30) == -signal.SIGKILL
    assert place.is_still()


def test_a_command_that_is_killed_takes_the_pipelines_program_along(
    place: Place, hanging: subprocess.Popen[bytes]
) -> None:
    assert len(place.processes()) == 3
    hanging.kill()
    assert hanging.wait(timeout=30) == -signal.SIGKILL
    assert place.is_still()


ENDINGS = [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 143)]
NAMES = [number.name for number, _ in ENDINGS]


@pytest.mark.parametrize(("number", "code"), ENDINGS, ids=NAMES)
def test_a_follower_ends_as_it_is_told(
    place: Place, following: subprocess.Popen[bytes], number: signal.Signals, code: int
) -> None:
    following.send_signal(number)
    assert following.wait(timeout=30) == code
    assert place.is_still()
    assert place.folders() == []


@pytest.mark.parametrize(("number", "code"), ENDINGS, ids=NAMES)
def test_a_command_ends_as_it_is_told(
    place: Place, hanging: subprocess.Popen[bytes], number: signal.Signals, code: int
) -> None:
    hanging.send_signal(number)
    assert hanging.wait(timeout=30) == code
    assert place.is_still()
    assert place.folders() == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_server_ends_as_it_is_told(place: Place, number: signal.Signals) -> None:
    server = FrozenServer(place)
    server.start()
    assert server.process is not None
    server.process.send_signal(number)
    assert server.process.wait(timeout=30) == 0
    assert server.stop() == 0
    assert place.is_still()
    assert place.folders() == []


def test_ctrl_c_reaches_both_processes_and_counts_once(place: Place, server: FrozenServer) -> None:
    server.api.register(FOREVER)
    environ = {**place.environ, "GOFER_CLI_HOST": server.api.address, "TERM": "xterm-256color"}
    with in_terminal([str(place.program), "run", "start", "p", "-f"], environ, place.home) as terminal:
        terminal.until(b"there")
        terminal.type(b"\x03")
        assert terminal.wait() == 130
    assert b"gofer run follow p 1" in terminal.seen
    assert b"\x1b[?25h" in terminal.seen
    assert place.folders() == []
    server.api.post("namespaces/default/pipelines/p/runs/1/cancel")
    server.api.ended("p", 1)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_jobs_outlive_the_server_and_lose_no_line(place: Place, number: signal.Signals) -> None:
    """Nor do they see anything of how Gofer was started."""
    go = place.home / "go"
    script = f"env; seq 1 1000; n=1000; while [ ! -e {go} ]; do n=$((n+1)); echo $n; sleep 0.01; done; echo end"
    server = FrozenServer(place)
    api = server.start()
    api.register({"id": "p", "tasks": [{"id": "t", "image": "i", "script": script}]})
    run = api.start("p")
    until(lambda: b"\n1000\n" in api.log("p", run, "t"), "the first thousand lines")
    if number == signal.SIGKILL:
        server.kill()
    else:
        assert server.stop() == 0
    assert place.processes(), "what looks after the job lives"
    for folder in place.folders():
        os.utime(folder, (LONG_AGO, LONG_AGO))
    api = server.start()
    try:
        assert api.run("p", run)["status"] == "running"
        go.touch()
        assert api.ended("p", run)["status"] == "successful"
        check_log(api, run)
    finally:
        assert server.stop() == 0
    assert place.is_still()
    for folder in place.folders():
        os.utime(folder, (LONG_AGO, LONG_AGO))
    server.start()
    assert server.stop() == 0
    assert place.folders() == []


def check_log(api: Api, run: int) -> None:
    lines = api.log("p", run, "t").decode().splitlines()
    first = lines.index("1")
    environment, numbers = lines[:first], lines[first:-1]
    assert numbers == [str(number) for number in range(1, len(numbers) + 1)]
    assert lines[-1] == "end"
    names = {line.partition("=")[0] for line in environment}
    assert {"GOFER_RUN_ID", "PATH"} <= names
    assert [name for name in names if name.startswith(("LD_", "_PYI", "_MEI", "_GOFER"))] == []
