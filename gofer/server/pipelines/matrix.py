"""Fan-out of a task over its matrix, and the ids of what comes of it.

Keys count in alphabetical order, as a JSON object has no order of its own; the values of a key in the order given.
"""

from __future__ import annotations

import hashlib
import itertools
import math
import re
from collections.abc import Iterator, Mapping

from gofer.models.manifest import Task

_UNSAFE = re.compile(r"[^A-Za-z0-9_-]+")


def count(task: Task) -> int:
    """How many task runs the task becomes; 1 without a matrix, 0 where a key has no values."""
    return math.prod(len(values) for values in task.matrix.values())


def combinations(task: Task) -> Iterator[dict[str, str]]:
    """Each combination of values by key; one empty one without a matrix."""
    keys = sorted(task.matrix)
    for values in itertools.product(*(task.matrix[key] for key in keys)):
        yield dict(zip(keys, values, strict=True))


def node_id(task_id: str, combination: Mapping[str, str]) -> str:
    """The task's id with each value appended, such as `build-linux-3-11`."""
    return "-".join([task_id, *(id_safe(combination[key]) for key in sorted(combination))])


def id_safe(value: str) -> str:
    """The value as it stands in an id or a key.

    Every stretch of other characters becomes one `-`; a value of nothing else becomes a short hash.
    """
    safe = _UNSAFE.sub("-", value).strip("-")
    return safe or hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()[:8]
