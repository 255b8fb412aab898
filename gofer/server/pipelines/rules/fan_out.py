"""Rules of matrices: sensible keys and values, not too many combinations, and ids that stay unique."""

from __future__ import annotations

from gofer.models.ids import is_id, is_variable_name, shown
from gofer.models.manifest import MAX_TASKS, Manifest, Task
from gofer.server.pipelines import bounds
from gofer.server.pipelines.matrix import combinations, count, node_id
from gofer.server.pipelines.report import Report, Scope, at_key
from gofer.server.pipelines.rules.parameters import NAME_HINT
from gofer.server.pipelines.rules.values import check_line


def check_matrices(manifest: Manifest, scopes: list[Scope], report: Report) -> bool:
    """Whether fanning the tasks out is safe: their matrices are well formed and there are not too many nodes."""
    sound = True
    for task, scope in zip(manifest.tasks, scopes, strict=True):
        sound = _check_matrix(task, scope) and sound
    if not sound:
        return False
    total = sum(count(task) for task in manifest.tasks)
    if total > MAX_TASKS:
        report.add(
            "tasks",
            f"fanned out there are {_number(total)} tasks; at most {MAX_TASKS} are allowed",
            "Use fewer values in a matrix, or split the pipeline.",
        )
        return False
    _check_edges(manifest, report)
    return True


def _check_matrix(task: Task, scope: Scope) -> bool:
    if len(task.matrix) > bounds.MAX_MATRIX_KEYS:
        scope.add(".matrix", f"has {len(task.matrix)} keys; at most {bounds.MAX_MATRIX_KEYS} are allowed")
        return False
    sound = True
    folded: dict[str, str] = {}
    for key, values in task.matrix.items():
        place = f".matrix{at_key(key)}"
        if not is_variable_name(key):
            scope.add(place, f"{shown(key, 40)} is not a valid key", NAME_HINT)
        elif (same := folded.setdefault(key.upper(), key)) != key:
            scope.add(place, f"{shown(key, 40)} differs from {shown(same, 40)} in case only", "Rename one of them.")
        if not 0 < len(values) <= MAX_TASKS:
            message = "has no values" if not values else f"has {len(values)} values; at most {MAX_TASKS} are allowed"
            scope.add(place, message, "Give at least one value, or leave the key out.")
            sound = False
            continue
        seen: dict[str, int] = {}
        for i, value in enumerate(values):
            if not value:
                scope.add(f"{place}[{i}]", "is empty", "Give every value a text: it becomes part of the task run's id.")
            check_line(scope, f"{place}[{i}]", value, bounds.MAX_MATRIX_VALUE)
            if (before := seen.setdefault(value, i)) != i:
                scope.add(f"{place}[{i}]", f"{shown(value, 40)} is the same as [{before}]", "Remove one.")
                sound = False
    return sound


def _check_edges(manifest: Manifest, report: Report) -> None:
    counts = {task.id: count(task) for task in manifest.tasks}
    total = sum(count(task) * counts.get(parent.task, 0) for task in manifest.tasks for parent in task.depends_on)
    if total > bounds.MAX_EDGES:
        report.add(
            "tasks",
            f"fanned out there are {total} dependencies; at most {bounds.MAX_EDGES} are allowed",
            "Put one task between two matrix tasks: it waits for all of the first, and the second only for it.",
        )


def check_node_ids(manifest: Manifest, scopes: list[Scope]) -> dict[str, int]:
    """Check the ids that fanned-out tasks get; returns node id → position of its task. Call only if fan-out is safe."""
    owners = {task.id: i for i, task in enumerate(manifest.tasks) if not task.matrix}
    values: dict[str, dict[str, str]] = {}
    for i, (task, scope) in enumerate(zip(manifest.tasks, scopes, strict=True)):
        if not task.matrix or not is_id(task.id):
            continue
        reported = False  # one a task: the others are mostly the same mistake
        for combination in combinations(task):
            name = node_id(task.id, combination)
            problem, hint = "", ""
            if not is_id(name):
                problem = f"the task run's id {shown(name)} has {len(name)} characters; at most 64 are allowed"
                hint = "Use a shorter task id or shorter values."
            elif (owner := owners.setdefault(name, i)) != i:
                problem = f"the task run's id {shown(name)} is also one of {shown(manifest.tasks[owner].id)}"
                hint = "Rename one of the two tasks."
            elif values.setdefault(name, combination) is not combination:
                problem = f"{_listed(values[name])} and {_listed(combination)} get the same id {shown(name)}"
                hint = (
                    "Characters other than letters, digits, '-' and '_' become '-': use values that differ elsewhere."
                )
            if problem and not reported:
                scope.add(".matrix", problem, hint)
                reported = True
    return owners


def _listed(combination: dict[str, str]) -> str:
    return ", ".join(f"{key}={shown(value, 40)}" for key, value in sorted(combination.items()))


def _number(value: int) -> str:
    return str(value) if value < 10**12 else "more than a million million"
