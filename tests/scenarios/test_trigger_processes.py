"""What becomes of the processes of built-in triggers when Gofer ends."""

from __future__ import annotations

import contextlib
import signal
from pathlib import Path
from typing import Any

from tests.support.server import Api, ServerProcess
from tests.support.until import until


def processes(home: Path) -> set[str]:
    """The numbers of the triggers' processes of the server that lives there."""
    found = set()
    for folder in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            is_one = b"\0builtin\0trigger\0" in (folder / "cmdline").read_bytes()
            if is_one and str(home).encode() in (folder / "environ").read_bytes():
                found.add(folder.name)
    return found


def healthy(api: Api) -> Any:
    def look() -> Any:
        items = api.get("triggers")["items"]
        return items if items and all(one.get("state") == "healthy" for one in items) else None

    return until(look, "the triggers are healthy")


def test_a_restart_leaves_them_alone_and_ctrl_c_does_not(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path, "fake", {"GOFER_TRIGGERS__INSTALL_BASE_TRIGGERS": "true"})
    try:
        started = {one["id"]: one["started_at"] for one in healthy(server.start())}
        assert set(started) == {"cron", "interval"}
        before = processes(tmp_path)
        assert len(before) == 2
        server.stop()
        assert processes(tmp_path) == before
        assert {one["id"]: one["started_at"] for one in healthy(server.start())} == started
        assert processes(tmp_path) == before
    finally:
        assert server.process is not None
        server.process.send_signal(signal.SIGINT)
        assert server.stop() == 0
    assert processes(tmp_path) == set()
    # They are installed as before.
    again = server.start()
    assert {one["id"] for one in healthy(again)} == set(started)
    assert server.process is not None
    server.process.send_signal(signal.SIGINT)
    assert server.stop() == 0
    assert processes(tmp_path) == set()
