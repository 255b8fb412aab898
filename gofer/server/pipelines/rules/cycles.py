"""No task may wait for itself through others."""

from __future__ import annotations

from collections import deque

from gofer.models.ids import shown
from gofer.models.manifest import Manifest
from gofer.server.pipelines.report import Report, Scope
from gofer.server.pipelines.rules.dependencies import Need

_SPELLED_OUT = 20
_LONGEST = 40


def check_cycles(manifest: Manifest, needs: list[list[Need]], scopes: list[Scope], report: Report) -> bool:
    """Report cycles, each in its shortest form; whether there are none.

    Without the dependencies that are reported no cycle is left.
    """
    closing = _closing(needs)
    told: set[frozenset[int]] = set()
    for task, need in closing[:_SPELLED_OUT]:
        cycle = _shortest(needs, task, need.parent)
        if frozenset(cycle) in told:
            continue
        told.add(frozenset(cycle))
        scopes[task].add(
            f".depends_on[{need.at}].task",
            f"its dependencies form a cycle: {_spelled(manifest, cycle)}",
            "Each of these tasks waits for the next one: remove one of the dependencies.",
        )
    if len(closing) > _SPELLED_OUT:
        report.add("tasks", f"{len(closing) - _SPELLED_OUT} further dependencies close cycles", "Mend these first.")
    return not closing


def _closing(needs: list[list[Need]]) -> list[tuple[int, Need]]:
    """The edges, as (task, need), that lead back to a task on the way to them, in depth-first order."""
    found: list[tuple[int, Need]] = []
    unseen, open_, done = 0, 1, 2
    state = [unseen] * len(needs)
    for start in range(len(needs)):
        if state[start] != unseen:
            continue
        state[start] = open_
        way = [(start, iter(needs[start]))]
        while way:
            task, rest = way[-1]
            need = next(rest, None)
            if need is None:
                state[task] = done
                way.pop()
            elif state[need.parent] == open_:
                found.append((task, need))
            elif state[need.parent] == unseen:
                state[need.parent] = open_
                way.append((need.parent, iter(needs[need.parent])))
    return found


def _shortest(needs: list[list[Need]], task: int, parent: int) -> list[int]:
    """The tasks of the shortest cycle through the edge from `task` to `parent`, beginning with `task`."""
    came_from = {parent: parent}
    pending = deque([parent])
    while task not in came_from:
        at = pending.popleft()
        for need in needs[at]:
            if need.parent not in came_from:
                came_from[need.parent] = at
                pending.append(need.parent)
    back = [task]
    while back[-1] != parent:
        back.append(came_from[back[-1]])
    return [task, *reversed(back[1:])]


def _spelled(manifest: Manifest, cycle: list[int]) -> str:
    names = [shown(manifest.tasks[i].id, 64).strip('"') for i in [*cycle, cycle[0]]]
    if len(names) > _LONGEST:
        left_out = len(names) - _LONGEST
        names[_LONGEST // 2 : -_LONGEST // 2] = [f"({left_out} more)"]
    return " → ".join(names)
