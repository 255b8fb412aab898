"""What becomes of triggers when the server ends in an orderly way."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from gofer.config.settings import TriggersSettings
from tests.integration.api.server import ServerThread
from tests.support.triggers import end_orphans, processes_below


def served(home: Path, *, production: bool, stop_timeout: int = 30_000) -> ServerThread:
    settings = {"triggers": TriggersSettings(stop_timeout=stop_timeout)}
    return ServerThread(home, "process", production=production, settings=settings)


def healthy(server: ServerThread) -> None:
    deadline = time.monotonic() + 60
    while {one.state for one in server.services.triggers.supervisor} != {"healthy"}:
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("production", [False, True])
def test_on_one_persons_machine_they_end_and_in_production_they_go_on(tmp_path: Path, production: bool) -> None:
    server = served(tmp_path, production=production)
    server.start()
    healthy(server)
    before = {pid for pid, _ in processes_below(tmp_path)}
    assert len(before) == 2
    server.stop()
    assert {pid for pid, _ in processes_below(tmp_path)} == (before if production else set())
    server = served(tmp_path, production=production)
    server.start()
    healthy(server)
    assert ({pid for pid, _ in processes_below(tmp_path)} == before) == production
    server.stop()
    end_orphans(tmp_path)


def test_one_that_does_not_end_by_itself_is_killed(tmp_path: Path) -> None:
    server = served(tmp_path, production=False, stop_timeout=100)
    server.start()
    healthy(server)
    stopped, _ = min(processes_below(tmp_path))
    os.kill(stopped, signal.SIGSTOP)
    server.stop()
    assert not list(processes_below(tmp_path))
