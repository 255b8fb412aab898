"""What a follower knows of a run, whatever order of API answer and events it came from."""

from __future__ import annotations

from typing import Any

import pytest

from gofer.cli.follow.board import Board
from gofer.models.event import Event, Kind
from gofer.models.manifest import Dependency, Manifest, Task
from gofer.models.run import Run, TaskRun
from gofer.models.status import RunStatus, TaskStatus

MANIFEST = Manifest(
    id="p",
    tasks=[
        Task(id="c", image="i", depends_on=[Dependency(task="b"), Dependency(task="a")]),
        Task(id="a", image="i"),
        Task(id="b", image="i", depends_on=[Dependency(task="a")], matrix={"V": ["1", "2"]}),
    ],
)

HISTORY: list[tuple[Kind, dict[str, Any]]] = [
    (Kind.TASKRUN_STARTING, {"attempt": 1}),
    (Kind.TASKRUN_RUNNING, {"attempt": 1}),
    (Kind.TASKRUN_RETRYING, {"attempt": 1, "reason": "exit_code", "detail": "code 3", "next_at": 99}),
    (Kind.TASKRUN_STARTING, {"attempt": 2}),
    (Kind.TASKRUN_RUNNING, {"attempt": 2}),
    (Kind.TASKRUN_ENDED, {"attempt": 2, "status": "failed", "reason": "exit_code", "detail": "code 4", "exit_code": 4}),
]


def task(id_: str, status: TaskStatus = TaskStatus.WAITING, attempt: int = 0) -> TaskRun:
    return TaskRun(namespace="n", pipeline="p", run=1, id=id_, status=status, attempt=attempt)


def board(*tasks: TaskRun) -> Board:
    run = Run(namespace="n", pipeline="p", id=1, version=1, status=RunStatus.QUEUED, created_at=0)
    return Board(run, tasks, MANIFEST)


def event(seq: int, kind: Kind, data: dict[str, Any], task_id: str = "a") -> Event:
    return Event(seq=seq, at=seq * 10, kind=kind, namespace="n", pipeline="p", run=1, task=task_id, data=data)


def state(known: Board) -> tuple[TaskStatus, int, str]:
    found = known.rows["a"].task
    return found.status, found.attempt, found.detail


def test_events_move_a_row_on() -> None:
    known = board(task("a"))
    seen = []
    for seq, (kind, data) in enumerate(HISTORY):
        known.take(event(seq, kind, data))
        seen.append(state(known))
    assert seen == [
        (TaskStatus.STARTING, 1, ""),
        (TaskStatus.RUNNING, 1, ""),
        (TaskStatus.QUEUED, 1, "code 3"),
        (TaskStatus.STARTING, 2, "code 3"),
        (TaskStatus.RUNNING, 2, "code 3"),
        (TaskStatus.FAILED, 2, "code 4"),
    ]
    found = known.rows["a"].task
    assert (found.started_at, found.ended_at, found.exit_code) == (10, 50, 4)
    assert known.done == 1


@pytest.mark.parametrize("known_until", range(len(HISTORY) + 1))
def test_events_that_are_known_already_change_nothing(known_until: int) -> None:
    """The API's answer is as new as any number of events: hearing all of them again ends in the same state."""
    ahead = board(task("a"))
    for seq, (kind, data) in enumerate(HISTORY[:known_until]):
        ahead.take(event(seq, kind, data))
    known = board(ahead.rows["a"].task)
    before = state(known)
    for seq, (kind, data) in enumerate(HISTORY):
        known.take(event(seq, kind, data))
        if seq < known_until:
            assert state(known) == before
    assert state(known) == (TaskStatus.FAILED, 2, "code 4")


def test_a_task_that_never_began_ends() -> None:
    known = board(task("a"))
    known.take(event(1, Kind.TASKRUN_ENDED, {"status": "skipped", "reason": "parents_unmet"}))
    assert state(known)[:2] == (TaskStatus.SKIPPED, 0)


def test_the_run_itself() -> None:
    known = board(task("a"))
    for seq, kind in enumerate((Kind.RUN_STARTED, Kind.RUN_CANCELLING)):
        known.take(event(seq, kind, {}, ""))
    assert (known.run.status, known.run.started_at, known.run.cancel_requested_at) == (RunStatus.RUNNING, 0, 10)
    assert not known.ended
    known.take(event(2, Kind.RUN_ENDED, {"status": "cancelled"}, ""))
    assert (known.ended, known.run.status, known.run.ended_at) == (True, RunStatus.CANCELLED, 20)


def test_notes_come_and_go() -> None:
    known = board(task("a"))
    known.take(event(1, Kind.TASKRUN_STARTING, {"attempt": 1}))
    known.take(event(2, Kind.IMAGE_PULLING, {"image": "i"}))
    assert known.rows["a"].note == "pulling the image"
    known.take(event(3, Kind.TASKRUN_RUNNING, {"attempt": 1}))
    assert known.rows["a"].note == ""


def test_depths_follow_the_longest_way() -> None:
    known = board(task("a"), task("b-1"), task("b-2"), task("c"))
    assert {name: row.depth for name, row in known.rows.items()} == {"a": 0, "b-1": 1, "b-2": 1, "c": 2}
