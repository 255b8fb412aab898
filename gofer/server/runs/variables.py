"""What a container gets as its environment, and where each value comes from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

import msgspec

from gofer.errors import GoferError
from gofer.models.manifest import ParameterValue, Task
from gofer.models.run import VariableSource
from gofer.server.common_tasks.provide import Provided
from gofer.server.pipelines.graph import Node
from gofer.server.pipelines.interpolation import STORED_KINDS, Kind, Reference, interpolate_task
from gofer.server.pipelines.parameters import parameter_text

Stored = Mapping[Reference, str]
"""What secrets and objects stand for, by what names them."""


SETTING = "GOFER_SETTING_"
"""What the variables begin with that a common task's settings become."""


class Unresolved(GoferError):
    """A value names something that does not exist."""

    status = 422
    title = "Interpolation failed"


class Origin(NamedTuple):
    """Of which attempt the system's own variables speak."""

    namespace: str
    pipeline: str
    version: int
    run: int
    attempt: int
    api_url: str
    api_token: str = ""


def resolve(
    origin: Origin,
    node: Node,
    parameters: Mapping[str, ParameterValue],
    stored: Stored | None,
    told: Mapping[str, str] = MappingProxyType({}),
    provided: Provided | None = None,
) -> tuple[Task, list[VariableSource]]:
    """The task with its interpolations replaced, and every variable of one attempt, by name.

    The pipeline's own variables win over the run's parameters, those over what a trigger has `told`, and that over the
    system's. `stored` has what secrets and objects
    stand for; with None they stay as the author wrote them, for people to see. Raises Unresolved when a text names
    another key that does not exist.

    A common task becomes what its installation has `provided` (None where that is only for people to see). It gets its
    settings, and nothing of the run's: who starts a run must not be able to set, say, LD_PRELOAD in its container.
    """

    def lookup(kind: Kind, key: str) -> str:
        if kind not in STORED_KINDS:
            return plain_value(kind, key, node, parameters)
        reference = Reference(kind, key)
        return str(reference) if stored is None else stored[reference]

    task = interpolate_task(node.task, lookup)
    if provided is not None:
        task = _as_provided(task, provided)
    found = {name: VariableSource(name=name, value=v, source="system") for name, v in _system(origin, node, task)}
    if task.common_task:
        found |= {one.name: one for one in _of_common_task(task, provided)}
        return task, _by_name(found)
    for name, value in told.items():
        found[name] = VariableSource(name=name, value=value, source="trigger")
    for name, given in parameters.items():
        found[name] = VariableSource(name=name, value=parameter_text(given), source="run")
    for name, value in task.variables.items():
        found[name] = VariableSource(name=name, value=value, source="pipeline")
    return task, _by_name(found)


def _by_name(found: Mapping[str, VariableSource]) -> list[VariableSource]:
    return sorted(found.values(), key=lambda v: v.name)


def _as_provided(task: Task, provided: Provided) -> Task:
    return msgspec.structs.replace(
        task,
        image=provided.image,
        entrypoint=None if provided.entrypoint is None else [*provided.entrypoint],
        command=None if provided.command is None else [*provided.command],
        registry=provided.registry,
        pull=provided.pull,
    )


def _of_common_task(task: Task, provided: Provided | None) -> Iterator[VariableSource]:
    for name, value in task.settings.items():
        yield VariableSource(name=f"{SETTING}{name.upper()}", value=value, source="pipeline")
    for name, value in (provided.variables if provided is not None else {}).items():
        yield VariableSource(name=name, value=value, source="common_task")


def _system(origin: Origin, node: Node, task: Task) -> list[tuple[str, str]]:
    return [
        ("GOFER_NAMESPACE_ID", origin.namespace),
        ("GOFER_PIPELINE_ID", origin.pipeline),
        ("GOFER_PIPELINE_VERSION", str(origin.version)),
        ("GOFER_RUN_ID", str(origin.run)),
        ("GOFER_TASK_ID", node.id),
        ("GOFER_TASK_IMAGE", task.image),
        ("GOFER_ATTEMPT", str(origin.attempt)),
        ("GOFER_API_URL", origin.api_url),
        *([("GOFER_API_TOKEN", origin.api_token)] if origin.api_token else []),
        *((f"GOFER_MATRIX_{key.upper()}", value) for key, value in node.matrix.items()),
    ]


def plain_value(kind: str, key: str, node: Node, parameters: Mapping[str, ParameterValue]) -> str:
    """What a parameter or a key of the matrix stands for. Raises Unresolved for what is not there, and other kinds."""
    if kind == "param":
        if key in parameters:
            return parameter_text(parameters[key])
        raise Unresolved(f'param{{{{{key}}}}}: this run has no value for the parameter "{key}"')
    if kind == "matrix" and key in node.matrix:
        return node.matrix[key]
    raise Unresolved(f'{kind}{{{{{key}}}}}: the task has no {kind} "{key}"')
