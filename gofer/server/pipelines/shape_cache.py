"""The shapes of versions: their tasks and what each waits for. A version never changes, so they are kept."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import NamedTuple

import msgspec

from gofer.models.overview import ShapeTask
from gofer.server.store import versions
from gofer.server.store.transaction import Readable

MOST_TASKS = 200
# Tasks of all shapes that are kept, together: some 20 MB.
_ROOM = 50_000


class Shape(NamedTuple):
    """The first `MOST_TASKS` of its `task_count` tasks, with the parents that are among them."""

    tasks: list[ShapeTask]
    task_count: int


class _Dependency(msgspec.Struct):
    task: str


class _Task(msgspec.Struct):
    id: str
    depends_on: list[_Dependency] = []


class _Manifest(msgspec.Struct):
    """Of a manifest no more than its shape: the rest is passed over, unread."""

    tasks: list[_Task]


_MANIFEST = msgspec.json.Decoder(_Manifest)


class ShapeCache:
    """Those that were used last, as many as fit. `load` may be called from any thread."""

    def __init__(self, room: int = _ROOM) -> None:
        self._room = room
        self._taken = 0
        self._shapes: OrderedDict[tuple[int, int], Shape] = OrderedDict()
        self._lock = threading.Lock()

    def load(self, connection: Readable, pipeline_key: int, version: int) -> Shape:
        """Of a version; of the newest there is where `version` is 0. Empty where there is none."""
        number = version or versions.newest(connection, pipeline_key) or 0
        key = (pipeline_key, number)
        with self._lock:
            if key in self._shapes:
                self._shapes.move_to_end(key)
                return self._shapes[key]
        row = versions.get(connection, pipeline_key, number)
        if row is None:
            return Shape([], 0)
        shape = shape_of(row.manifest_json)
        with self._lock:
            if self._shapes.setdefault(key, shape) is shape:
                self._taken += _size(shape)
            while self._taken > self._room and len(self._shapes) > 1:
                self._taken -= _size(self._shapes.popitem(last=False)[1])
        return shape


def shape_of(manifest_json: str) -> Shape:
    """The shape of a valid manifest."""
    tasks = _MANIFEST.decode(manifest_json).tasks
    shown = tasks[:MOST_TASKS]
    known = {task.id for task in shown}
    parents = [list(dict.fromkeys(one.task for one in task.depends_on if one.task in known)) for task in shown]
    return Shape([ShapeTask(id=task.id, parents=of) for task, of in zip(shown, parents, strict=True)], len(tasks))


def _size(shape: Shape) -> int:
    return 1 + sum(1 + len(task.parents) for task in shape.tasks)
