"""`gofer service toggle-event-ingress`"""

from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import Gofer
from tests.support.server import ServerProcess


def test_toggled_there_and_back(tmp_path: Path, alone: Gofer) -> None:
    server = ServerProcess(tmp_path / "server", "process")
    address = server.start().address
    toggle = ("service", "toggle-event-ingress", "--host", address)
    try:
        closed = alone.ok(*toggle)
        assert closed.out == "no new runs are started\n"
        assert "gofer service toggle-event-ingress --open" in closed.err
        assert "event ingress was closed" in alone.ok("service", "info", "--host", address).out
        assert alone.ok(*toggle, "--close", "--format", "json").json["open"] is False
        assert alone.ok(*toggle).out == "new runs are started\n"
        assert alone.ok(*toggle, "--open", "--format", "json").json["open"] is True
    finally:
        server.stop()
