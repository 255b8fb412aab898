"""What a follower knows of a run: built from the API's answer, moved on by events, never backwards."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gofer.models.event import Event, Kind
from gofer.models.manifest import Manifest
from gofer.models.run import Run, TaskRun
from gofer.models.status import Reason, RunStatus, TaskStatus

# Order of what can happen within one attempt; a retry stands between it and the next.
_RANKS = {
    TaskStatus.WAITING: 0,
    TaskStatus.QUEUED: 1,
    TaskStatus.STARTING: 2,
    TaskStatus.RUNNING: 3,
}
_RETRYING = 4
_ENDED = 5

_STATUS_OF: dict[str, TaskStatus] = {
    Kind.TASKRUN_QUEUED: TaskStatus.QUEUED,
    Kind.TASKRUN_STARTING: TaskStatus.STARTING,
    Kind.TASKRUN_RUNNING: TaskStatus.RUNNING,
    Kind.TASKRUN_RETRYING: TaskStatus.QUEUED,
}


class Row:
    """One task run. `note` is what is told of it now, such as an image that is being pulled."""

    def __init__(self, task: TaskRun, depth: int) -> None:
        self.task = task
        self.depth = depth
        self.note = ""
        self._reached = _progress(task)

    def take(self, event: Event) -> None:
        """Move on by `event`, unless it tells of what is known already."""
        if event.kind in (Kind.IMAGE_PULLING, Kind.IMAGE_PULLED):
            self.note = "pulling the image" if event.kind == Kind.IMAGE_PULLING else ""
            return
        if event.kind == Kind.TASKRUN_CANCELLING and not self.task.status.ended:
            self.note = "cancelling"
            return
        status = TaskStatus(event.data["status"]) if event.kind == Kind.TASKRUN_ENDED else _STATUS_OF.get(event.kind)
        if status is None:
            return
        attempt = int(event.data.get("attempt", self.task.attempt))
        rank = _RETRYING if event.kind == Kind.TASKRUN_RETRYING else _RANKS.get(status, _ENDED)
        if (attempt, rank) > self._reached or (rank == _ENDED and self._reached[1] != _ENDED):
            self._reached = (attempt, rank)
            self._move(status, attempt, event)

    def _move(self, status: TaskStatus, attempt: int, event: Event) -> None:
        task, data = self.task, event.data
        task.status, task.attempt, self.note = status, attempt, ""
        task.next_attempt_at = data.get("next_at")
        if status is TaskStatus.RUNNING and task.started_at is None:
            task.started_at = event.at
        if status.ended or event.kind == Kind.TASKRUN_RETRYING:
            task.reason = Reason(data.get("reason", ""))
            task.detail = data.get("detail", "")
            task.exit_code = data.get("exit_code")
        if status.ended:
            task.ended_at = event.at


class Board:
    """A run and its rows, in the order of the graph."""

    def __init__(self, run: Run, tasks: Sequence[TaskRun], manifest: Manifest | None) -> None:
        self.run = run
        depths = _depths(manifest) if manifest is not None else {}
        self.rows = {task.id: Row(task, _depth_of(task.id, depths)) for task in tasks}
        self.ended = run.status.ended

    def take(self, event: Event) -> None:
        """Move on by one event of this run."""
        if event.task:
            row = self.rows.get(event.task)
            if row is not None:
                row.take(event)
        elif event.kind == Kind.RUN_STARTED and self.run.status is RunStatus.QUEUED:
            self.run.status, self.run.started_at = RunStatus.RUNNING, event.at
        elif event.kind == Kind.RUN_CANCELLING and not self.run.status.ended:
            self.run.cancel_requested_at = event.at
        elif event.kind == Kind.RUN_ENDED:
            self.ended = True
            self.run.status, self.run.ended_at = RunStatus(event.data["status"]), event.at

    @property
    def done(self) -> int:
        """How many task runs have ended."""
        return sum(row.task.status.ended for row in self.rows.values())


def _progress(task: TaskRun) -> tuple[int, int]:
    if task.status is TaskStatus.QUEUED and task.attempt:
        return task.attempt, _RETRYING
    return task.attempt, _RANKS.get(task.status, _ENDED)


def _depths(manifest: Manifest) -> dict[str, int]:
    """How many tasks stand before each task on the longest way to it."""
    parents = {task.id: [parent.task for parent in task.depends_on] for task in manifest.tasks}
    depths: dict[str, int] = {}
    left = list(parents)
    while left:
        ready = [task for task in left if all(parent in depths or parent not in parents for parent in parents[task])]
        for task in ready or left:
            depths[task] = 1 + max((depths.get(parent, 0) for parent in parents[task]), default=-1)
        left = [task for task in left if task not in depths]
    return depths


def _depth_of(task_run: str, depths: dict[str, int]) -> int:
    """Of a task run: its task's, whose id begins its own where the task is fanned out."""
    if task_run in depths:
        return depths[task_run]
    names: Iterable[str] = (name for name in depths if task_run.startswith(f"{name}-"))
    return depths.get(max(names, key=len, default=""), 0)
