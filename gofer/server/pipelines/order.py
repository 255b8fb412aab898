"""Which tasks run before which."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence


def parents_first(parents: Sequence[Sequence[int]]) -> list[int]:
    """The positions of all tasks, each after those that it depends on. The edges must have no cycle."""
    children: list[list[int]] = [[] for _ in parents]
    missing = [len(of_task) for of_task in parents]
    for task, of_task in enumerate(parents):
        for parent in of_task:
            children[parent].append(task)
    order: list[int] = []
    ready = deque(task for task, count in enumerate(missing) if count == 0)
    while ready:
        task = ready.popleft()
        order.append(task)
        for child in children[task]:
            missing[child] -= 1
            if missing[child] == 0:
                ready.append(child)
    return order


def ancestors(parents: Sequence[Sequence[int]]) -> list[int]:
    """For each task a bit set: bit i is set if task i runs before it, directly or through others."""
    before = [0] * len(parents)
    for task in parents_first(parents):
        for parent in parents[task]:
            before[task] |= before[parent] | 1 << parent
    return before
