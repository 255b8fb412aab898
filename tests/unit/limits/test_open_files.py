"""How many connections the limit of open files leaves room for. In a process of its own: the limit is the process's."""

from __future__ import annotations

import subprocess
import sys

import pytest

SCRIPT = """
import resource, sys
from gofer.server.limits.open_files import raise_limit, room_for_connections
soft, hard, tasks = map(int, sys.argv[1:])
resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
raise_limit()
print(resource.getrlimit(resource.RLIMIT_NOFILE)[0], room_for_connections(tasks))
"""


@pytest.mark.parametrize(
    ("soft", "hard", "tasks", "raised", "room"),
    [
        (1024, 10_000, 100, 10_000, 10_000 - 856),
        (1024, 1024, 100, 1024, 256),
        (1024, 1024, 10, 1024, 708),
        (256, 256, 100, 256, 64),
        (5_000, 10_000, 0, 10_000, 10_000 - 4_096),
    ],
)
def test_room(soft: int, hard: int, tasks: int, raised: int, room: int) -> None:
    arguments = [sys.executable, "-c", SCRIPT, str(soft), str(hard), str(tasks)]
    told = subprocess.run(arguments, check=True, capture_output=True, text=True)
    assert told.stdout.split() == [str(raised), str(room)]
