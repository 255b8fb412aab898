from __future__ import annotations

import resource

from gofer.checkup import machine


def test_open_files() -> None:
    wanted = machine.files_wanted(100)
    low = machine.open_files(wanted, 256, 40)
    assert (low.level, "LimitNOFILE=" in low.hint) == ("warning", True)
    assert machine.open_files(wanted, 65_536, 40).level == "ok"
    assert machine.open_files(10, 1_000, 900).level == "error"
    assert machine.open_files(wanted, resource.RLIM_INFINITY, 40).level == "ok"
    assert machine.files_wanted(0) > wanted


def test_open_files_of_this_process() -> None:
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    assert f"of at most {limit} are open" in machine.open_files(1).message


def test_memory() -> None:
    assert machine.memory(50_000_000).level == "warning"
    assert machine.memory(2_000_000_000).level == "ok"
    assert "memory" in machine.memory().message
