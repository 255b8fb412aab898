"""A real server process with our end of the line in systemd's place: what it says, and what it takes."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.server import Api

PATIENCE = 30.0


class Line:
    """A notification socket: what came, one datagram a list of `NAME=value`."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind("\0" + address[1:] if address.startswith("@") else address)
        self._socket.settimeout(PATIENCE)

    def read(self) -> list[str]:
        return self._socket.recv(65536).decode().split("\n")

    def until(self, wanted: str) -> list[str]:
        """The first datagram that has a value which begins so."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            said = self.read()
            if any(one.startswith(wanted) for one in said):
                return said
        raise AssertionError(f"{wanted} was not said")

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Line]:
    line = Line(str(tmp_path / "notify"))
    yield line
    line.close()


@pytest.fixture
def abstract_line() -> Iterator[Line]:
    line = Line(f"@gofer-test-{os.getpid()}")
    yield line
    line.close()


@contextmanager
def server(
    tmp_path: Path, environ: dict[str, str], *, listener: socket.socket | None = None, wrapped: bool = False
) -> Iterator[subprocess.Popen[bytes]]:
    """`service start` as systemd starts it; `wrapped`: below a process that only waits, as in the one-file program."""
    command = [sys.executable, "-m", "gofer", "--format", "silent", "service", "start", "--host", "127.0.0.1:0"]
    command += ["--storage", str(tmp_path / "data"), "--engine", "fake"]
    environ = {k: v for k, v in os.environ.items() if not k.startswith("GOFER_")} | environ
    # They would outlive the server.
    environ["GOFER_TRIGGERS__INSTALL_BASE_TRIGGERS"] = "false"
    # Sets its own number as systemd does between fork and exec, and puts the socket where systemd puts it.
    start = (
        "import os, signal, subprocess, sys\n"
        "os.environ.update(LISTEN_PID=str(os.getpid()), WATCHDOG_PID=str(os.getpid()))\n"
        "listener = int(sys.argv[1])\n"
        "if listener >= 0:\n"
        "    os.dup2(listener, 3, inheritable=True)\n"
        "if sys.argv[2] == 'wrapped':\n"
        "    child = subprocess.Popen(sys.argv[3:], close_fds=False)\n"
        "    signal.signal(signal.SIGTERM, lambda *_: child.terminate())\n"
        "    sys.exit(child.wait())\n"
        "os.execv(sys.argv[3], sys.argv[3:])\n"
    )
    fd = -1 if listener is None else os.dup(listener.fileno())
    if fd == 3:
        fd = os.dup(fd)
    argv = [sys.executable, "-c", start, str(fd), "wrapped" if wrapped else "alone", *command]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            argv, env=environ, stdin=subprocess.DEVNULL, stderr=log, pass_fds=[] if fd < 0 else [fd]
        )
    try:
        yield process
    finally:
        if fd >= 0:
            os.close(fd)
        process.terminate()
        process.wait(timeout=PATIENCE)


def test_it_says_when_it_is_ready_and_when_it_stops(tmp_path: Path, line: Line) -> None:
    with server(tmp_path, {"NOTIFY_SOCKET": line.address}) as process:
        # Signs of life come from the start on, and give it time.
        assert line.read() == ["WATCHDOG=1", "EXTEND_TIMEOUT_USEC=30000000"]
        assert line.until("READY=1") == ["READY=1", "STATUS=0 runs running, 0 queued; fake answers"]
        process.send_signal(signal.SIGTERM)
        said = line.until("STOPPING=1")
        assert said[1:] == ["STATUS=stopping; containers go on", "EXTEND_TIMEOUT_USEC=30000000"]
        assert process.wait(timeout=PATIENCE) == 0


def test_it_says_when_it_reloads(tmp_path: Path, line: Line) -> None:
    with server(tmp_path, {"NOTIFY_SOCKET": line.address}) as process:
        line.until("READY=1")
        process.send_signal(signal.SIGHUP)
        assert line.until("RELOADING=1")[1].startswith("MONOTONIC_USEC=")
        assert line.until("READY=1") == ["READY=1", "STATUS=0 runs running, 0 queued; fake answers"]


def test_a_line_without_a_file(tmp_path: Path, abstract_line: Line) -> None:
    with server(tmp_path, {"NOTIFY_SOCKET": abstract_line.address}):
        abstract_line.until("READY=1")


def test_the_watchdog_hears_of_a_loop_that_turns_and_of_no_other(tmp_path: Path, line: Line) -> None:
    with server(tmp_path, {"NOTIFY_SOCKET": line.address, "WATCHDOG_USEC": "300000"}) as process:
        line.until("READY=1")
        assert line.until("WATCHDOG=1") == ["WATCHDOG=1"]
        assert line.until("WATCHDOG=1") == ["WATCHDOG=1"]
        process.send_signal(signal.SIGABRT)
        assert process.wait(timeout=PATIENCE) == -signal.SIGABRT
    told = (tmp_path / "log").read_text()
    assert "most recent call first" in told
    assert "serve.py" in told


@pytest.mark.parametrize("wrapped", [False, True])
def test_it_serves_the_socket_that_systemd_opened(tmp_path: Path, line: Line, *, wrapped: bool) -> None:
    environ = {"NOTIFY_SOCKET": line.address, "LISTEN_FDS": "1", "LISTEN_FDNAMES": "gofer.socket"}
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with server(tmp_path, environ, listener=listener, wrapped=wrapped):
            line.until("READY=1")
            assert Api(address).get("system/info")["address"] == address
        assert "systemd opened the socket" in (tmp_path / "log").read_text()
        # The address stays open without a server.
        socket.create_connection(listener.getsockname()).close()


@pytest.mark.parametrize("kind", ["udp", "unix"])
def test_a_socket_that_cannot_be_served_is_refused(tmp_path: Path, kind: str) -> None:
    with (
        socket.socket(
            socket.AF_UNIX if kind == "unix" else socket.AF_INET,
            socket.SOCK_DGRAM if kind == "udp" else socket.SOCK_STREAM,
        ) as wrong,
        server(tmp_path, {"LISTEN_FDS": "1"}, listener=wrong) as process,
    ):
        assert process.wait(timeout=PATIENCE) == 2
    told = (tmp_path / "log").read_text()
    assert "that is not TCP" in told
    assert "ListenStream=" in told


def test_a_socket_for_the_whole_world_is_refused(tmp_path: Path) -> None:
    with (
        socket.create_server(("0.0.0.0", 0)) as listener,
        server(tmp_path, {"LISTEN_FDS": "1"}, listener=listener) as process,
    ):
        assert process.wait(timeout=PATIENCE) == 2
    assert "dev mode asks nobody for a token" in (tmp_path / "log").read_text()
