"""Rules of single edges: known parents, no task as its own parent, no parent twice."""

from __future__ import annotations

from typing import NamedTuple

from gofer.models.ids import shown
from gofer.models.manifest import Condition, Dependency, Manifest, Task
from gofer.server.nearest import Nearest
from gofer.server.pipelines.report import Scope


class Need(NamedTuple):
    """A sound edge: the parent's position among the tasks; `at` is the edge's own in `depends_on`."""

    parent: int
    when: Condition
    at: int


def check_dependencies(manifest: Manifest, scopes: list[Scope], node_owners: dict[str, int]) -> list[list[Need]]:
    """Check every edge; returns for each task those that are sound. `node_owners`: see `fan_out.check_node_ids`."""
    first: dict[str, int] = {}
    for i, (task, scope) in enumerate(zip(manifest.tasks, scopes, strict=True)):
        if (before := first.setdefault(task.id, i)) != i:
            scope.add(
                ".id", f"{shown(task.id)} is the id of tasks[{before}] already", "Give each task an id of its own."
            )
    nearest = Nearest(first)
    fanned_out = {name: manifest.tasks[owner].id for name, owner in node_owners.items()}
    return [_sound(task, first, nearest, fanned_out, scope) for task, scope in zip(manifest.tasks, scopes, strict=True)]


def _sound(task: Task, first: dict[str, int], nearest: Nearest, fanned_out: dict[str, str], scope: Scope) -> list[Need]:
    needs: list[Need] = []
    before: dict[str, tuple[int, Condition]] = {}
    for j, needed in enumerate(task.depends_on):
        place = f".depends_on[{j}]"
        if needed.task == task.id:
            scope.add(f"{place}.task", "depends on itself", "Remove this dependency.")
        elif needed.task not in first:
            hint = _unknown_hint(needed.task, nearest, fanned_out)
            scope.add(f"{place}.task", f"depends on {shown(needed.task, 64)}, which is not a task", hint)
        elif needed.task in before:
            _add_repeated(scope, place, needed, *before[needed.task])
        else:
            before[needed.task] = (j, needed.when)
            needs.append(Need(first[needed.task], needed.when, j))
    return needs


def _unknown_hint(name: str, nearest: Nearest, fanned_out: dict[str, str]) -> str:
    if (owner := fanned_out.get(name)) is not None:
        return f"It is one combination of {shown(owner)}: depend on that task, which means on all of them."
    return nearest.hint(name) or "Add such a task, or remove this dependency."


def _add_repeated(scope: Scope, place: str, needed: Dependency, before: int, when: Condition) -> None:
    if needed.when == when:
        message = f"depends on {shown(needed.task)} twice, see depends_on[{before}]"
        scope.add(place, message, "Remove one of them.")
    elif "any" in (needed.when, when):
        message = f'depends on {shown(needed.task)} as "{needed.when}" and as "{when}", see depends_on[{before}]'
        scope.add(place, message, '"any" adds nothing to the other: remove it.')
    else:
        message = f"can never run: {shown(needed.task)} would have to be both successful and failed"
        scope.add(place, message, f'See depends_on[{before}]; if the task should run either way, write "any" once.')
