"""Which task runs may start, and which never can."""

from __future__ import annotations

from typing import NamedTuple

from gofer.models.status import TaskStatus
from gofer.server.runs.plan import Plan, Requirement


class Opened(NamedTuple):
    """What the end of a task run has decided: positions that may start now, and that never can."""

    ready: list[int]
    unmet: list[int]


class Conditions:
    """Counts down what each node still waits for; one call for each end, in any order.

    A fanned-out parent counts as one: `successful` when every one of its nodes was, `failed` when any has failed,
    `any` when all have ended. A skipped parent satisfies `any` only, a cancelled one nothing.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._open = [sum(len(r.parents) for r in task.requirements) for task in plan.tasks]
        self._decided = [False] * len(plan.tasks)
        self._ended: list[TaskStatus | None] = [None] * len(plan.tasks)

    def roots(self) -> list[int]:
        """The nodes that wait for nothing."""
        return [position for position, left in enumerate(self._open) if left == 0]

    def ended(self, position: int, status: TaskStatus) -> Opened:
        """Take note that a node has ended. What it decides is reported once for each node."""
        self._ended[position] = status
        opened = Opened([], [])
        for child in self._plan.children[position]:
            self._weigh(child, position, status, opened)
        return opened

    def _weigh(self, child: int, parent: int, status: TaskStatus, opened: Opened) -> None:
        requirements = [r for r in self._plan.tasks[child].requirements if parent in r.parents]
        self._open[child] -= len(requirements)
        if self._decided[child]:
            return
        if any(_impossible(r, status) for r in requirements) or (
            self._open[child] == 0 and not all(self._met(r) for r in self._plan.tasks[child].requirements)
        ):
            self._decided[child] = True
            opened.unmet.append(child)
        elif self._open[child] == 0:
            self._decided[child] = True
            opened.ready.append(child)

    def _met(self, requirement: Requirement) -> bool:
        outcomes = [self._ended[p] for p in requirement.parents]
        if requirement.when == "failed":
            return TaskStatus.FAILED in outcomes
        if requirement.when == "successful":
            return all(o is TaskStatus.SUCCESSFUL for o in outcomes)
        return TaskStatus.CANCELLED not in outcomes


def _impossible(requirement: Requirement, status: TaskStatus) -> bool:
    """Whether one parent's end rules the requirement out before all of them have ended."""
    if requirement.when == "successful":
        return status is not TaskStatus.SUCCESSFUL
    return requirement.when == "any" and status is TaskStatus.CANCELLED
