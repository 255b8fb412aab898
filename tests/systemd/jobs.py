"""Jobs that take some seconds and say something all the time, and what must be true of them afterwards."""

from __future__ import annotations

from typing import Any

from tests.support.server import Api
from tests.support.until import until

LINES = 60


def manifest(name: str, tasks: int, witness: str = "", lines: int = LINES) -> dict[str, Any]:
    """`tasks` tasks side by side, each printing a line every tenth of a second. `witness`: a folder in which each
    leaves a file for every time that it is started."""
    mark = f"mktemp {witness}/$GOFER_TASK_ID.XXXXXX >/dev/null; " if witness else ""
    script = mark + f"i=1; while [ $i -le {lines} ]; do echo line $i; i=$((i+1)); sleep 0.1; done"
    task = {"image": "busybox:stable", "command": ["sh", "-c", script]}
    return {"id": name, "tasks": [{"id": f"t{number}", **task} for number in range(tasks)]}


def check_whole(api: Api, pipeline: str, run: int, lines: int = LINES) -> int:
    """Wait for the end of a run: each task successful at the first attempt, every line there once, in order.

    Returns how many tasks that were.
    """
    ended = wait_for_end(api, pipeline, run)
    tasks = api.tasks(pipeline, run)
    assert ended["status"] == "successful", (ended, tasks)
    for name, task in tasks.items():
        assert len(task["attempts"]) == 1, task
        found = api.log(pipeline, run, name).decode().splitlines()
        assert found == [f"line {number}" for number in range(1, lines + 1)], (name, len(found))
    return len(tasks)


def wait_for_end(api: Api, pipeline: str, run: int) -> Any:
    """The run as it is when it has ended."""

    def ended() -> Any:
        found = api.run(pipeline, run)
        return found if found["status"] in ("successful", "failed", "cancelled") else None

    return until(ended, f"the end of {pipeline}/{run}")


def wait_for_output(api: Api, pipeline: str, run: int) -> None:
    """Until every task of a run has printed something."""

    def printed() -> bool:
        tasks = api.tasks(pipeline, run)
        return all(task["status"] == "running" and api.log(pipeline, run, name) for name, task in tasks.items())

    until(printed, f"output of every task of {pipeline}/{run}")
