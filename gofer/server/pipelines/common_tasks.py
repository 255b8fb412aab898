"""Whether a manifest's common tasks are there for it: what only the server knows, at the moment of registration."""

from __future__ import annotations

from collections.abc import Iterator

from gofer.errors import InvalidInput, Problem
from gofer.models.ids import shown
from gofer.models.manifest import Manifest
from gofer.server.common_tasks.usable import NotUsable, require_usable
from gofer.server.store.transaction import Readable

_MOST = 20


def require_common_tasks(connection: Readable, namespace: str, manifest: Manifest) -> None:
    """Raises InvalidInput that names each one that a pipeline of the namespace cannot use now."""
    known: dict[str, NotUsable | None] = {}
    problems: list[Problem] = []
    for place, subject, common_task in _uses(manifest):
        if common_task not in known:
            known[common_task] = _problem(connection, namespace, common_task)
        if (problem := known[common_task]) is not None and len(problems) < _MOST:
            problems.append(Problem(place=place, message=f"{subject}: {problem.message}", hint=problem.hint))
    if problems:
        raise InvalidInput(
            f"The pipeline {shown(manifest.id, 64)} cannot be registered: it uses a common task that it cannot have",
            problems[0].hint,
            problems,
        )


def _uses(manifest: Manifest) -> Iterator[tuple[str, str, str]]:
    for i, task in enumerate(manifest.tasks):
        if task.common_task:
            yield f"tasks[{i}].common_task", f"task {shown(task.id, 64)}", task.common_task
    for i, notifier in enumerate(manifest.notifiers):
        yield f"notifiers[{i}].common_task", f"notifier {shown(notifier.label, 64)}", notifier.common_task


def _problem(connection: Readable, namespace: str, common_task: str) -> NotUsable | None:
    try:
        require_usable(connection, namespace, common_task)
    except NotUsable as error:
        return error
    return None
