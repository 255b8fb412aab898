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


def test_a_server_in_development_mode_leaves_none_behind(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path, "fake", {"GOFER_TRIGGERS__INSTALL_BASE_TRIGGERS": "true"})
    # They are installed as before, each time.
    for end in (signal.SIGTERM, signal.SIGINT):
        try:
            assert {one["id"] for one in healthy(server.start())} == {"cron", "interval"}
            assert len(processes(tmp_path)) == 2
        finally:
            assert server.process is not None
            server.process.send_signal(end)
            assert server.stop() == 0
        assert processes(tmp_path) == set()
