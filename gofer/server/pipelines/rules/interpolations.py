"""Rules of interpolations: well formed, in a field that has them, and of a name that exists where that is known."""

from __future__ import annotations

from gofer.models.ids import shown
from gofer.models.manifest import Task
from gofer.server.nearest import Nearest
from gofer.server.pipelines.interpolation import ESCAPE_HINT, Field, Malformed, Reference, fields, parse, references
from gofer.server.pipelines.report import Scope, at_key


def check_interpolations(task: Task, parameters: Nearest, known: frozenset[str], scope: Scope) -> None:
    """`known` are the names of the pipeline's parameters, `parameters` the same for suggestions."""
    for field in fields(task):
        if "{{" not in field.text:
            continue
        for part in parse(field.text):
            if isinstance(part, Malformed):
                scope.add(field.place, part.problem, ESCAPE_HINT)
            elif isinstance(part, Reference):
                _check(part, field, task, parameters, known, scope)
    for key, values in task.matrix.items():
        for i, value in enumerate(values):
            if references(value):
                message = f"{shown(value, 40)} would not be replaced: a matrix is fanned out before a run starts"
                scope.add(f".matrix{at_key(key)}[{i}]", message, "Put the interpolation where the value is used.")


def _check(part: Reference, field: Field, task: Task, parameters: Nearest, known: frozenset[str], scope: Scope) -> None:
    if part.kind not in field.kinds:
        message = f"{part.kind}{{{{…}}}} may stand in a variable only"
        scope.add(field.place, message, "Put it into a variable of the task, and use that variable here.")
    elif part.kind == "param" and part.key not in known:
        hint = parameters.hint(part.key) or "Declare it among the pipeline's parameters."
        scope.add(field.place, f"there is no parameter {shown(part.key, 40)}", hint)
    elif part.kind == "matrix" and part.key not in task.matrix:
        hint = Nearest(task.matrix).hint(part.key) or "This task has no matrix."
        scope.add(field.place, f"the matrix has no key {shown(part.key, 40)}", hint)
