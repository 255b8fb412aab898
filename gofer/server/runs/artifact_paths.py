"""Which objects and paths one attempt's artifacts are, once the values are put into them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from gofer.models.ids import ID_HINT
from gofer.models.manifest import Cache, Input, Output, ParameterValue
from gofer.server.pipelines.graph import Node
from gofer.server.pipelines.interpolation import interpolate_artifacts
from gofer.server.pipelines.rules.artifacts import key_problem, path_problem
from gofer.server.runs.variables import Unresolved, plain_value


class Wanted(NamedTuple):
    """A task's inputs, outputs and caches. No path of a cache lies within another of it."""

    inputs: list[Input]
    outputs: list[Output]
    caches: list[Cache]

    def __bool__(self) -> bool:
        return bool(self.inputs or self.outputs or self.caches)


def artifacts_of(node: Node, parameters: Mapping[str, ParameterValue]) -> Wanted:
    """The same at every call for an attempt. Raises Unresolved for values that make no sound key or path."""
    if not (node.task.inputs or node.task.outputs or node.task.caches):
        return Wanted([], [], [])
    task = interpolate_artifacts(node.task, lambda kind, key: plain_value(kind, key, node, parameters))
    wanted = Wanted(task.inputs, task.outputs, [_outermost(cache) for cache in task.caches])
    for what, key, paths in _each(wanted):
        problem = key_problem(key) or next(filter(None, map(path_problem, paths)), "")
        if problem:
            raise Unresolved(f"{what}: {problem}", f"Check the values put into it. {ID_HINT}")
    return wanted


def _each(wanted: Wanted) -> Iterator[tuple[str, str, list[str]]]:
    for given in wanted.inputs:
        yield "input", given.key, [given.path]
    for output in wanted.outputs:
        yield "output", output.key, [output.path]
    for cache in wanted.caches:
        yield "cache", cache.key, cache.paths


def _outermost(cache: Cache) -> Cache:
    paths = list(dict.fromkeys(path.rstrip("/") for path in cache.paths))
    outer = [p for p in paths if not any(p != other and p.startswith(f"{other}/") for other in paths)]
    return Cache(key=cache.key, paths=outer)
