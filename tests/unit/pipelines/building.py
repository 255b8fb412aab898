"""Short ways to write manifests in tests."""

from __future__ import annotations

from typing import Any

import msgspec

from gofer.errors import Problem
from gofer.models.manifest import Condition, Dependency, Manifest, Task
from gofer.server.pipelines.validate import validate


def task(name: str, *parents: str, when: Condition = "successful", **fields: Any) -> Task:
    """A task that depends on `parents`, all with the same condition."""
    needed = [Dependency(task=parent, when=when) for parent in parents]
    return Task(id=name, depends_on=fields.pop("depends_on", needed), image=fields.pop("image", "busybox"), **fields)


def needs(**parents: Condition) -> list[Dependency]:
    """Dependencies with their conditions."""
    return [Dependency(task=parent, when=when) for parent, when in parents.items()]


def manifest(*tasks: Task, **fields: Any) -> Manifest:
    return Manifest(id=fields.pop("id", "nightly"), tasks=list(tasks), **fields)


def from_json(**fields: Any) -> Manifest:
    """A manifest from plain data, with one good task unless tasks are given."""
    return msgspec.convert({"id": "nightly", "tasks": [{"id": "a", "image": "busybox"}]} | fields, Manifest)


def of_task(**fields: Any) -> Manifest:
    """A manifest of one task, from plain data."""
    return from_json(tasks=[{"id": "a", "image": "busybox"} | fields])


def only_problem(wrong: Manifest) -> Problem:
    problems = validate(wrong)
    assert len(problems) == 1, problems
    return problems[0]


def places(wrong: Manifest) -> list[str]:
    return [problem.place for problem in validate(wrong)]
