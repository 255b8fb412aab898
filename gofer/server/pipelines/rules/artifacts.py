"""Rules of inputs, outputs and caches: sound keys and paths, and no object that two tasks write side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from gofer.models.ids import ID_HINT, is_id, shown
from gofer.models.manifest import Cache, Input, Manifest, Output, Task
from gofer.server.pipelines import bounds
from gofer.server.pipelines.interpolation import Reference, parse, references
from gofer.server.pipelines.matrix import combinations, id_safe, node_id
from gofer.server.pipelines.order import ancestors
from gofer.server.pipelines.report import Scope
from gofer.server.pipelines.rules.dependencies import Need
from gofer.server.pipelines.rules.values import byte_length

_PATH_HINT = 'Write a path such as "out/report.html", below the working directory, or an absolute one.'


def check_artifacts(task: Task, scope: Scope) -> None:
    """Everything about them that the task alone tells."""
    both: list[tuple[str, Sequence[Input | Output]]] = [("inputs", task.inputs), ("outputs", task.outputs)]
    for name, artifacts in both:
        if _is_few(scope, f".{name}", name, len(artifacts), bounds.MAX_ARTIFACTS):
            for i, artifact in enumerate(artifacts):
                _check_key(scope, f".{name}[{i}].key", artifact.key)
                _check_path(scope, f".{name}[{i}].path", artifact.path)
    _check_distinct(scope, "outputs", "key", [output.key for output in task.outputs])
    _check_distinct(scope, "inputs", "path", [given.path.rstrip("/") for given in task.inputs])
    if _is_few(scope, ".caches", "caches", len(task.caches), bounds.MAX_ARTIFACTS):
        _check_caches(task, scope)


def key_problem(key: str) -> str:
    """What is wrong with the key of an object; empty if nothing is."""
    return "" if is_id(key) else f"{shown(key, 40)} is not the key of an object"


def path_problem(path: str) -> str:
    """What is wrong with the path of an input, an output or a cache; empty if nothing is."""
    steps = path.removeprefix("/").removesuffix("/").split("/")
    if path.startswith("~"):
        return f'{shown(path, 40)} begins with "~", which nobody replaces'
    if any(step in ("", ".", "..") for step in steps):
        return f'{shown(path, 40)} is no path, or has empty, "." or ".." parts'
    if "\0" in path or byte_length(path) > bounds.MAX_PATH_BYTES or any(byte_length(s) > 255 for s in steps):
        return f"{shown(path, 40)} is longer than a path can be, or has a NUL"
    return ""


def output_keys(task: Task) -> Iterator[tuple[str, int, str]]:
    """Each object that the task's runs write: its key, the output's position, the id of the task run.

    A key with a parameter in it stands for itself, as its value is not known yet. The task's matrix must be sensible.
    """
    first: dict[str, int] = {}
    for i, output in enumerate(task.outputs):
        first.setdefault(output.key, i)
    for combination in combinations(task) if first else ():
        for key, i in first.items():
            yield resolved_key(key, combination), i, node_id(task.id, combination)


def resolved_key(key: str, combination: dict[str, str]) -> str:
    """The key with the values of one combination in it, and parameters as they are."""
    parts = []
    for part in parse(key):
        if isinstance(part, Reference):
            found = combination.get(part.key) if part.kind == "matrix" else None
            parts.append(id_safe(found) if found else f"{part.kind}{{{{{part.key}}}}}")
        else:
            parts.append(part if isinstance(part, str) else part.text)
    return "".join(parts)


def check_combined_keys(task: Task, scope: Scope) -> None:
    """Keys with values of the matrix in them, for each combination; one with a parameter in it is not known yet.

    Call only for a matrix of sensible size.
    """
    lists: list[tuple[str, Sequence[Input | Output | Cache]]]
    lists = [("inputs", task.inputs), ("outputs", task.outputs), ("caches", task.caches)]
    for name, artifacts in lists:
        for i, artifact in enumerate(artifacts[: bounds.MAX_ARTIFACTS]):
            kinds = {reference.kind for reference in references(artifact.key)}
            if "{{" not in artifact.key or not kinds <= {"matrix"}:
                continue
            keys = (resolved_key(artifact.key, combination) for combination in combinations(task))
            if problem := next(filter(None, map(key_problem, keys)), ""):
                scope.add(f".{name}[{i}].key", problem, ID_HINT)


def _is_few(scope: Scope, place: str, what: str, count: int, most: int) -> bool:
    if count > most:
        scope.add(place, f"has {count} {what}; at most {most} are allowed", "Collect several files in one folder.")
    return count <= most


def _check_caches(task: Task, scope: Scope) -> None:
    _check_distinct(scope, "caches", "key", [cache.key for cache in task.caches])
    for i, cache in enumerate(task.caches):
        place = f".caches[{i}]"
        _check_key(scope, f"{place}.key", cache.key)
        if not cache.paths:
            scope.add(f"{place}.paths", "has no paths", "Name at least one folder or file.")
        elif _is_few(scope, f"{place}.paths", "paths", len(cache.paths), bounds.MAX_CACHE_PATHS):
            for j, path in enumerate(cache.paths):
                _check_path(scope, f"{place}.paths[{j}]", path)
            _check_distinct(scope, f"caches[{i}].paths", "", [path.rstrip("/") for path in cache.paths])


def _check_key(scope: Scope, place: str, key: str) -> None:
    if len(key) > bounds.MAX_KEY:
        scope.add(place, f"has {len(key)} characters; at most {bounds.MAX_KEY} are allowed", ID_HINT)
    elif "{{" not in key and (problem := key_problem(key)):
        scope.add(place, problem, ID_HINT)


def _check_path(scope: Scope, place: str, path: str) -> None:
    if "{{" not in path and (problem := path_problem(path)):
        scope.add(place, problem, _PATH_HINT)


def _check_distinct(scope: Scope, where: str, field: str, values: Sequence[str]) -> None:
    first: dict[str, int] = {}
    for i, value in enumerate(values):
        if (before := first.setdefault(value, i)) != i:
            place = f".{where}[{i}]" + (f".{field}" if field else "")
            scope.add(place, f"{shown(value, 40)} stands in {where.split('.')[-1]}[{before}] already", "Remove one.")


class _Writer(NamedTuple):
    """`at`: position among the task's outputs."""

    task: int
    at: int
    node: str


def check_shared_outputs(manifest: Manifest, needs: list[list[Need]], scopes: list[Scope]) -> None:
    """No object has two writers, unless one of them runs after the other. The edges must have no cycle."""
    writers: dict[str, list[_Writer]] = {}
    for i, task in enumerate(manifest.tasks):
        for key, at, node in output_keys(task):
            writers.setdefault(key, []).append(_Writer(i, at, node))
    shared = [(key, several) for key, several in writers.items() if len(several) > 1]
    if not shared:
        return
    before = ancestors([[need.parent for need in of_task] for of_task in needs])
    told: set[tuple[int, int]] = set()
    for key, several in shared:
        several.sort(key=lambda writer: before[writer.task].bit_count())
        for one, other in pairwise(several):
            if not before[other.task] >> one.task & 1:
                if (other.task, other.at) not in told:
                    told.add((other.task, other.at))
                    _report_shared(scopes[other.task], key, one, other)
                break


def _report_shared(scope: Scope, key: str, one: _Writer, other: _Writer) -> None:
    place = f".outputs[{other.at}].key"
    if one.node == other.node:
        scope.add(place, f"{shown(key, 40)} is what outputs[{one.at}] becomes, too", "Use different keys.")
    elif one.task == other.task:
        hint = f"Put keys of the matrix into it, such as {key}-matrix{{{{…}}}}: every one that has several values."
        scope.add(place, f"{shown(key, 40)} is written by each task run of the matrix", hint)
    else:
        hint = "Use different keys, or let one of the two tasks depend on the other: then the later one's stays."
        scope.add(place, f"{shown(key, 40)} is written by {shown(one.node, 64)} too, side by side", hint)


def reads_unordered(manifest: Manifest) -> Iterator[tuple[str, str, str]]:
    """Inputs of the run's objects that only tasks write which need not have run before: reader, key, writer.

    The manifest must be valid.
    """
    writers: dict[str, list[int]] = {}
    for i, task in enumerate(manifest.tasks):
        for key, _, _ in output_keys(task):
            writers.setdefault(key, []).append(i)
    if not writers:
        return
    position = {task.id: i for i, task in enumerate(manifest.tasks)}
    before = ancestors([[position[needed.task] for needed in task.depends_on] for task in manifest.tasks])
    for i, task in enumerate(manifest.tasks):
        for key in dict.fromkeys(_run_keys(task)):
            of_key = writers.get(key, [])
            if of_key and not any(before[i] >> writer & 1 for writer in of_key):
                yield task.id, key, manifest.tasks[of_key[0]].id


def _run_keys(task: Task) -> Iterator[str]:
    for given in task.inputs:
        if given.level == "run":
            if any(reference.kind == "matrix" for reference in references(given.key)):
                yield from (resolved_key(given.key, combination) for combination in combinations(task))
            else:
                yield resolved_key(given.key, {})
