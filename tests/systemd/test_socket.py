"""The socket unit: systemd keeps the address open, and a restart refuses nobody."""

from __future__ import annotations

import threading
import time
from collections import Counter

import pytest

from tests.support.until import until
from tests.systemd.machine import Machine

CALLERS = 4
RESTARTS = 3


@pytest.fixture(scope="module")
def activated(machine: Machine) -> Machine:
    machine.write("/etc/default/gofer", "GOFER_SERVER__HOST=localhost:9999\n")
    machine.ok("systemctl", "stop", "gofer")
    machine.ok("systemctl", "enable", "gofer.socket")
    machine.ok("systemctl", "start", "gofer.socket", "gofer.service")
    return machine


class Callers:
    """Call the server all the time, each call on a connection of its own; `seen` counts how that ended."""

    def __init__(self, machine: Machine) -> None:
        self.seen: Counter[str] = Counter()
        self._machine = machine
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._call) for _ in range(CALLERS)]

    def __enter__(self) -> Callers:
        for thread in self._threads:
            thread.start()
        until(lambda: self.seen["answered"] > 20, "answers")
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _call(self) -> None:
        while not self._stop.is_set():
            try:
                status, _ = self._machine.api.raw("GET", "/healthz")
                self.seen["answered" if status == 200 else str(status)] += 1
            except OSError as error:
                self.seen[type(error).__name__] += 1
            time.sleep(0.005)


def test_the_socket_s_address_counts(activated: Machine) -> None:
    info = activated.gofer("service", "info")
    assert info["address"] == "http://127.0.0.1:8080"
    told = [str(one["MESSAGE"]) for one in activated.journal()]
    assert any("systemd opened the socket" in one for one in told)


def test_a_restart_refuses_no_connection(activated: Machine) -> None:
    with Callers(activated) as callers:
        for _ in range(RESTARTS):
            before = callers.seen["answered"]
            activated.ok("systemctl", "restart", "gofer")
            until(lambda before=before: callers.seen["answered"] > before + 20, "answers after the restart")  # type: ignore[misc]
    assert set(callers.seen) == {"answered"}, callers.seen


def test_the_first_connection_starts_the_service(activated: Machine) -> None:
    activated.ok("systemctl", "stop", "gofer.service")
    assert activated.show("gofer", "ActiveState") == "inactive"
    assert activated.api.raw("GET", "/healthz")[0] == 200
    until(lambda: activated.show("gofer", "ActiveState") == "active", "that it has started")
