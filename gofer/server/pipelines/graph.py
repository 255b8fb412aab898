"""The DAG of a manifest: its tasks fanned out, with edges between them."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

from gofer.models.manifest import Condition, Manifest, Task
from gofer.server.pipelines import matrix


class Edge(NamedTuple):
    """`parent` is the position of the parent node."""

    parent: int
    when: Condition


class Node(NamedTuple):
    """One task run to be. `matrix` is its combination of values by key, empty where the task is not fanned out."""

    position: int
    id: str
    task: Task
    parents: tuple[Edge, ...]
    matrix: dict[str, str]


def expand(manifest: Manifest) -> list[Node]:
    """The nodes in the order of the manifest's tasks; a node's parents may stand before or after it.

    What depends on a fanned-out task depends on every node of it. Assumes a valid manifest.
    """
    combinations = [list(matrix.combinations(task)) for task in manifest.tasks]
    first, ranges = 0, dict[str, range]()
    for task, of_task in zip(manifest.tasks, combinations, strict=True):
        ranges[task.id] = range(first, first + len(of_task))
        first += len(of_task)
    nodes: list[Node] = []
    for task, of_task in zip(manifest.tasks, combinations, strict=True):
        # One tuple for all nodes of a task: fan-outs that follow each other would take much memory otherwise.
        parents = tuple(Edge(p, needed.when) for needed in task.depends_on for p in ranges[needed.task])
        for combination in of_task:
            nodes.append(Node(len(nodes), matrix.node_id(task.id, combination), task, parents, combination))
    return nodes


def layers(nodes: Sequence[Node]) -> list[int]:
    """For each node the length of the longest way to it from one without parents."""
    children: list[list[int]] = [[] for _ in nodes]
    missing = [len(node.parents) for node in nodes]
    for node in nodes:
        for edge in node.parents:
            children[edge.parent].append(node.position)
    depth = [0] * len(nodes)
    ready = deque(i for i, count in enumerate(missing) if count == 0)
    while ready:
        i = ready.popleft()
        for child in children[i]:
            depth[child] = max(depth[child], depth[i] + 1)
            missing[child] -= 1
            if missing[child] == 0:
                ready.append(child)
    return depth
