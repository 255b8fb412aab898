"""A version's manifest made ready to run: its graph, what each node waits for, and its times in milliseconds."""

from __future__ import annotations

import sqlite3
import threading
from collections import OrderedDict
from typing import NamedTuple

import msgspec

from gofer.errors import NotFound
from gofer.models.manifest import Condition, Manifest
from gofer.models.units import parse_duration
from gofer.server.pipelines.graph import Node, expand
from gofer.server.pipelines.interpolation import secret_references
from gofer.server.store import versions

# Tasks and edges of all plans that are kept, together: some 50 MB.
_ROOM = 30_000
_MANIFEST = msgspec.json.Decoder(Manifest)


class Requirement(NamedTuple):
    """All nodes that one parent task has become, and the outcome that they must have together."""

    parents: tuple[int, ...]
    when: Condition


class Backoff(NamedTuple):
    """How long to wait before a further attempt; times in milliseconds."""

    retries: int
    first: int
    factor: float
    most: int
    jitter: float

    @property
    def longest(self) -> int:
        """No wait is longer than this, in milliseconds."""
        return round(self.most * (1 + self.jitter))

    def delay(self, attempt: int, chance: float) -> int:
        """Milliseconds to wait after attempt number `attempt` has failed; `chance` is a random number in [0, 1)."""
        # Capped before it is raised, so that no number of attempts overflows.
        exponent = min(attempt - 1, 64)
        plain = min(self.first * self.factor**exponent, float(self.most))
        return round(plain * (1 + self.jitter * (2 * chance - 1)))


class PlannedTask(NamedTuple):
    """A node with what it waits for and its times; None: no limit, or the server's."""

    node: Node
    requirements: tuple[Requirement, ...]
    timeout: int | None
    stop_timeout: int | None
    backoff: Backoff


class Plan:
    """Immutable, so one is shared by all runs of its version. `children[p]` are the nodes that wait for node `p`.

    `size` counts its nodes and edges; `secrets` are those that any of its tasks names.
    """

    def __init__(self, manifest: Manifest) -> None:
        nodes = expand(manifest)
        self.manifest = manifest
        self.tasks = tuple(_planned(node, nodes) for node in nodes)
        self.secrets = secret_references(manifest)
        self.run_timeout = parse_duration(manifest.run_timeout) if manifest.run_timeout else None
        children: list[list[int]] = [[] for _ in nodes]
        for node in nodes:
            for parent in {edge.parent for edge in node.parents}:
                children[parent].append(node.position)
        self.children = tuple(tuple(c) for c in children)
        self.size = len(nodes) + sum(len(node.parents) for node in nodes)


class Plans:
    """The plans of recently used versions, as many as fit. `load` may be called from any thread."""

    def __init__(self, room: int = _ROOM) -> None:
        self._room = room
        self._plans: OrderedDict[tuple[int, int], Plan] = OrderedDict()
        self._taken = 0
        self._lock = threading.Lock()

    def load(self, connection: sqlite3.Connection, pipeline_key: int, version: int) -> Plan:
        """The plan of one version. Raises NotFound when the pipeline has no such version."""
        key = (pipeline_key, version)
        with self._lock:
            plan = self._plans.get(key)
            if plan is not None:
                self._plans.move_to_end(key)
                return plan
        row = versions.get(connection, pipeline_key, version)
        if row is None:
            raise NotFound(
                f"there is no version {version} of this pipeline", "List them with: gofer pipeline versions list."
            )
        plan = Plan(_MANIFEST.decode(row.manifest_json))
        with self._lock:
            return self._keep(key, plan)

    def _keep(self, key: tuple[int, int], plan: Plan) -> Plan:
        kept = self._plans.setdefault(key, plan)
        if kept is plan:
            self._taken += plan.size
            while self._taken > self._room and len(self._plans) > 1:
                self._taken -= self._plans.popitem(last=False)[1].size
        return kept


def _planned(node: Node, nodes: list[Node]) -> PlannedTask:
    task = node.task
    grouped: dict[tuple[str, Condition], list[int]] = {}
    for edge in node.parents:
        grouped.setdefault((nodes[edge.parent].task.id, edge.when), []).append(edge.parent)
    return PlannedTask(
        node=node,
        requirements=tuple(Requirement(tuple(parents), when) for (_, when), parents in grouped.items()),
        timeout=parse_duration(task.timeout) if task.timeout else None,
        stop_timeout=parse_duration(task.stop_timeout) if task.stop_timeout else None,
        backoff=Backoff(
            task.retries.count,
            parse_duration(task.retries.backoff),
            task.retries.factor,
            parse_duration(task.retries.max_backoff),
            task.retries.jitter,
        ),
    )
