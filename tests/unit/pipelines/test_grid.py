"""Tasks by runs: the newest first, page by page, and no more of a run than can be drawn."""

from __future__ import annotations

import pytest

from gofer.errors import NotFound
from gofer.models.grid import GridTask
from gofer.models.status import TaskStatus
from gofer.server.pipelines.grid import MOST_TASKS, Grids
from gofer.server.store.database import Transaction
from tests.unit.pipelines.building import manifest, task
from tests.unit.pipelines.conftest import Server
from tests.unit.store.seed import add_run


async def test_runs_come_newest_first_with_their_task_runs(server: Server) -> None:
    await server.pipelines.register("default", manifest(task("a")))

    def work(tx: Transaction) -> None:
        for number in (1, 2, 3):
            add_run(tx, 1, number, tasks=number)
        tx.execute("UPDATE task_runs SET status = 'failed', attempt = 2, started_at = 5, ended_at = 9 WHERE id = 't1'")

    await server.database.write(work)
    grids = Grids(server.database)
    first = await grids.list("default", "nightly", None, 2)
    assert ([run.id for run in first.items], first.next) == ([3, 2], "2")
    newest = first.items[0]
    assert (newest.version, newest.status, newest.task_count) == (1, "queued", 3)
    assert newest.tasks == [
        GridTask(id="t0", status=TaskStatus.WAITING, attempt=0),
        GridTask(id="t1", status=TaskStatus.FAILED, attempt=2, started_at=5, ended_at=9),
        GridTask(id="t2", status=TaskStatus.WAITING, attempt=0),
    ]
    rest = await grids.list("default", "nightly", 2, 2)
    assert ([run.id for run in rest.items], rest.next) == ([1], None)
    with pytest.raises(NotFound, match="no pipeline"):
        await grids.list("default", "gone", None, 2)


async def test_a_run_of_many_task_runs_is_cut(server: Server) -> None:
    await server.pipelines.register("default", manifest(task("a")))
    await server.database.write(lambda tx: add_run(tx, 1, 1, tasks=MOST_TASKS + 3))
    [run] = (await Grids(server.database).list("default", "nightly", None, 9)).items
    assert (len(run.tasks), run.task_count, run.tasks[-1].id) == (MOST_TASKS, MOST_TASKS + 3, f"t{MOST_TASKS - 1}")
