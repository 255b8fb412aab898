"""What a container gets as its environment, and where each value comes from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from gofer.errors import GoferError
from gofer.models.manifest import ParameterValue
from gofer.models.run import VariableSource
from gofer.server.pipelines.graph import Node
from gofer.server.pipelines.interpolation import interpolate


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


def resolve(origin: Origin, node: Node, parameters: Mapping[str, ParameterValue]) -> list[VariableSource]:
    """Every variable of one attempt, by name. The pipeline's own win over the run's, those over the system's.

    Raises Unresolved when a value names a key that does not exist.
    """
    found = {name: VariableSource(name=name, value=value, source="system") for name, value in _system(origin, node)}
    for name, given in parameters.items():
        found[name] = VariableSource(name=name, value=_text(given), source="run")
    for name, template in node.task.variables.items():
        value = interpolate(template, lambda kind, key: _lookup(kind, key, node, parameters))
        found[name] = VariableSource(name=name, value=value, source="pipeline")
    return sorted(found.values(), key=lambda v: v.name)


def _system(origin: Origin, node: Node) -> list[tuple[str, str]]:
    return [
        ("GOFER_NAMESPACE_ID", origin.namespace),
        ("GOFER_PIPELINE_ID", origin.pipeline),
        ("GOFER_PIPELINE_VERSION", str(origin.version)),
        ("GOFER_RUN_ID", str(origin.run)),
        ("GOFER_TASK_ID", node.id),
        ("GOFER_TASK_IMAGE", node.task.image),
        ("GOFER_ATTEMPT", str(origin.attempt)),
        ("GOFER_API_URL", origin.api_url),
        *((f"GOFER_MATRIX_{key.upper()}", value) for key, value in node.matrix.items()),
    ]


def _lookup(kind: str, key: str, node: Node, parameters: Mapping[str, ParameterValue]) -> str:
    if kind == "param":
        if key in parameters:
            return _text(parameters[key])
        raise Unresolved(f'param{{{{{key}}}}}: this run has no value for the parameter "{key}"')
    if kind == "matrix" and key in node.matrix:
        return node.matrix[key]
    raise Unresolved(
        f'{kind}{{{{{key}}}}}: there is no {kind.replace("_", " ")} "{key}"',
        "This server keeps no secrets or objects; give the value as a parameter.",
    )


def _text(value: ParameterValue) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
