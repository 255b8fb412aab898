"""Random manifests for property tests."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from gofer.models.manifest import Condition, Manifest, Task
from tests.unit.pipelines.building import manifest, task

_CONDITIONS: list[Condition] = ["successful", "any"]

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=20,
)

_SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30)
_VALUES = _SCALARS | st.lists(_SCALARS, max_size=3) | st.dictionaries(st.text(max_size=10), _SCALARS, max_size=3) | JSON


def _nearly(fields: list[str]) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(st.sampled_from(fields) | st.text(max_size=5), _VALUES, max_size=6)


_TASK = _nearly([field for field in Task.__struct_fields__ if field not in ("id", "image")])

NEARLY_MANIFESTS = st.builds(
    lambda fields, tasks: {
        "id": "a",
        **fields,
        "tasks": [{"id": f"t{i}", "image": "b", **t} for i, t in enumerate(tasks)],
    },
    _nearly([field for field in Manifest.__struct_fields__ if field != "tasks"]),
    st.lists(_TASK, max_size=4),
)


@st.composite
def dags(draw: st.DrawFn) -> Manifest:
    """Valid manifests: any acyclic graph, in any order, some tasks fanned out, conditions that can be met."""
    count = draw(st.integers(1, 12))
    tasks: list[Task] = []
    for i in range(count):
        parents = draw(st.lists(st.integers(0, i - 1), unique=True, max_size=4)) if i else []
        when: Condition = draw(st.sampled_from(_CONDITIONS))
        values = draw(st.lists(st.sampled_from(["1.0", "2.0", "3.0"]), unique=True, max_size=3))
        matrix = {"version": values} if values else {}
        tasks.append(task(f"task_{i}", *(f"task_{p}" for p in parents), when=when, matrix=matrix))
    return manifest(*draw(st.permutations(tasks)))
