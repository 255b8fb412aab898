"""What is read from systemd's variables, and what it is sent."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from gofer.server.systemd import Handed, Systemd, take_over


def test_the_variables_are_read_and_removed() -> None:
    environ = {
        "NOTIFY_SOCKET": "/run/systemd/notify",
        "WATCHDOG_USEC": "30000000",
        "WATCHDOG_PID": "10",
        "LISTEN_FDS": "2",
        "LISTEN_PID": "10",
        "LISTEN_FDNAMES": "a:b",
        "HOME": "/",
    }
    assert take_over(environ, (11, 10)) == Handed("/run/systemd/notify", 30.0, 2)
    assert environ == {"HOME": "/"}


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, Handed()),
        ({"NOTIFY_SOCKET": "vsock:2:1"}, Handed()),
        ({"NOTIFY_SOCKET": "@abstract"}, Handed("@abstract")),
        ({"WATCHDOG_USEC": "5000000"}, Handed("", 5.0)),
        ({"WATCHDOG_USEC": "5000000", "WATCHDOG_PID": "99"}, Handed()),
        ({"WATCHDOG_USEC": "soon"}, Handed()),
        ({"LISTEN_FDS": "1", "LISTEN_PID": "99"}, Handed()),
        ({"LISTEN_FDS": "1"}, Handed()),
        ({"LISTEN_FDS": "many", "LISTEN_PID": "10"}, Handed()),
    ],
)
def test_what_is_not_meant_for_this_process_does_not_count(environ: dict[str, str], expected: Handed) -> None:
    assert take_over(dict(environ), (11, 10)) == expected


def test_a_status_that_is_no_text_is_sent_all_the_same(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        Systemd(Handed(address=str(tmp_path / "notify"))).ready("FAULT: /data/\udcff is full")
        assert manager.recv(1000) == b"READY=1\nSTATUS=FAULT: /data/\\udcff is full"
