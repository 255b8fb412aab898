"""Checks of a finished pipeline as a whole: what no single call can see."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from gofer_sdk import bounds
from gofer_sdk import subscription as subscriptions
from gofer_sdk.references import references

_Tasks = Mapping[str, Mapping[str, Any]]


def problems_of(manifest: Mapping[str, Any]) -> list[str]:
    """Everything that is wrong with the manifest as a whole, a sentence each. Its single values were checked before."""
    tasks: _Tasks = {task["id"]: task for task in manifest["tasks"]}
    problems = [*_size_problems(manifest), *_unknown_parents(tasks)]
    problems += [f"Tasks wait for each other in a circle: {_spelled(cycle)}" for cycle in _cycles(tasks)]
    declared = [parameter["name"] for parameter in manifest.get("parameters", ())]
    for task in tasks.values():
        problems += _unknown_references(f'Task "{task["id"]}"', task, declared)
    known = {parameter["name"]: parameter for parameter in manifest.get("parameters", ())}
    for subscription in manifest.get("subscriptions", ()):
        problems += subscriptions.problems_of(subscription, known)
    for notifier in manifest.get("notifiers", ()):
        problems += _unknown_references(f'Notifier "{notifier["label"]}"', notifier, declared)
    return problems


def _size_problems(manifest: Mapping[str, Any]) -> Iterator[str]:
    tasks = manifest["tasks"]
    if not tasks:
        yield 'There are no tasks. Add one: .tasks(Task("hello", "busybox:stable").command("echo", "hello")).'
    count = sum(math.prod(len(values) for values in task.get("matrix", {}).values()) for task in tasks)
    if count > bounds.MAX_TASKS:
        yield f"There are {count:,} tasks, each combination of a matrix counted; at most {bounds.MAX_TASKS:,} can be."
    size = len(json.dumps(manifest, ensure_ascii=False, separators=(",", ":")).encode())
    if size >= bounds.MAX_MANIFEST_BYTES:  # a line break follows
        yield (
            f"The manifest has {size:,} bytes; at most {bounds.MAX_MANIFEST_BYTES:,} can be. "
            "Move scripts and data into images, or split the pipeline."
        )


def _unknown_parents(tasks: _Tasks) -> Iterator[str]:
    for task in tasks.values():
        for parent in _parents(task):
            if parent not in tasks:
                yield (
                    f'Task "{task["id"]}" depends on "{parent}", which is not a task of this pipeline. '
                    f"{_nearest(parent, tasks)}Add that task with .tasks(…), or remove it from .depends_on(…)."
                )


def _parents(task: Mapping[str, Any]) -> list[str]:
    return [edge["task"] for edge in task.get("depends_on", ())]


def _cycles(tasks: _Tasks) -> Iterator[list[str]]:
    """Circles of tasks, each from a task to its parents and back; no task stands in two of them."""
    left = dict(tasks)
    while left := _without_free_ends(left):
        seen: dict[str, int] = {}
        task = next(iter(left))
        while task not in seen:
            seen[task] = len(seen)
            task = next(parent for parent in _parents(left[task]) if parent in left)
        cycle = list(seen)[seen[task] :]
        yield cycle
        left = {name: part for name, part in left.items() if name not in cycle}


def _without_free_ends(tasks: _Tasks) -> dict[str, Mapping[str, Any]]:
    """The tasks that can never start, as each of them waits for another of them."""
    children: dict[str, list[str]] = {name: [] for name in tasks}
    missing: dict[str, int] = {}
    for name, task in tasks.items():
        parents = [parent for parent in _parents(task) if parent in tasks]
        missing[name] = len(parents)
        for parent in parents:
            children[parent].append(name)
    ready = [name for name, count in missing.items() if not count]
    while ready:
        for child in children[ready.pop()]:
            missing[child] -= 1
            if not missing[child]:
                ready.append(child)
    return {name: task for name, task in tasks.items() if missing[name]}


def _spelled(cycle: list[str]) -> str:
    steps = [f'"{task}" depends on "{parent}"' for task, parent in zip(cycle, [*cycle[1:], cycle[0]], strict=True)]
    if len(steps) > 20:
        steps[10:-10] = [f"… {len(steps) - 20} more …"]
    return f"{', '.join(steps)}. Remove one of these from .depends_on(…)."


def _unknown_references(who: str, task: Mapping[str, Any], declared: list[str]) -> Iterator[str]:
    """`param{{name}}` of no declared parameter and `matrix{{key}}` of no key, once each."""
    keys = list(task.get("matrix", ()))
    for kind, key in dict.fromkeys(found for text in _texts(task) for found in references(text)):
        if kind == "param" and key not in declared:
            fix = f'Declare it with .parameter("{key}"), or correct the name.'
            yield f"{who} uses param{{{{{key}}}}}, which is not declared. {_nearest(key, declared)}{fix}"
        if kind == "matrix" and key not in keys:
            fix = f"Add it with .matrix({key}=[…]), or correct the key."
            yield f"{who} uses matrix{{{{{key}}}}}, which is no key of its matrix. {_nearest(key, keys)}{fix}"


def _texts(task: Mapping[str, Any]) -> Iterator[str]:
    """Every text of the task in which references are replaced."""
    yield task.get("image", "")
    yield from task.get("settings", {}).values()
    yield from task.get("entrypoint", ())
    yield from task.get("command", ())
    yield from (task[name] for name in ("script", "working_directory", "user") if name in task)
    yield from task.get("variables", {}).values()
    if "registry" in task:
        yield task["registry"]["user"]


def _nearest(name: str, known: Iterable[str]) -> str:
    import difflib

    close = difflib.get_close_matches(name, list(known), n=1)
    return f'Did you mean "{close[0]}"? ' if close else ""
