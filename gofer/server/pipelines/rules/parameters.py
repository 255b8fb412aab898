"""Rules of the parameters that a pipeline declares."""

from __future__ import annotations

from gofer.models.ids import is_variable_name, shown
from gofer.models.manifest import Manifest, Parameter
from gofer.server.pipelines import bounds
from gofer.server.pipelines.parameters import described, value_problem
from gofer.server.pipelines.report import Report, Scope
from gofer.server.pipelines.rules.values import check_block

NAME_HINT = "Use letters, digits and '_', at most 128, and do not begin with a digit."


def check_parameters(manifest: Manifest, report: Report) -> None:
    if len(manifest.parameters) > bounds.MAX_PARAMETERS:
        message = f"has {len(manifest.parameters)} parameters; at most {bounds.MAX_PARAMETERS} are allowed"
        report.add("parameters", message)
        return
    first: dict[str, int] = {}
    for i, parameter in enumerate(manifest.parameters):
        scope = Scope(report, f"parameters[{i}]", f"parameter {shown(parameter.name, 40)}")
        if (before := first.setdefault(parameter.name, i)) != i:
            scope.add(".name", f"is declared already by parameters[{before}]", "Give it another name, or remove one.")
        check_variable_name(scope, ".name", parameter.name)
        check_block(scope, ".description", parameter.description, bounds.MAX_DESCRIPTION)
        _check_choices(parameter, scope)
        _check_default(parameter, scope)


def check_variable_name(scope: Scope, inner: str, name: str) -> None:
    """A name that a container's environment can have and that Gofer does not use itself."""
    if not is_variable_name(name):
        scope.add(inner, f"{shown(name, 40)} is not the name of a variable", NAME_HINT)
    elif name.upper().startswith(bounds.RESERVED_PREFIX):
        message = f"names that begin with {bounds.RESERVED_PREFIX} are Gofer's own"
        scope.add(inner, message, "Choose another name.")


def _check_choices(parameter: Parameter, scope: Scope) -> None:
    if len(parameter.choices) > bounds.MAX_CHOICES:
        scope.add(".choices", f"has {len(parameter.choices)} choices; at most {bounds.MAX_CHOICES} are allowed")
        return
    seen: dict[object, int] = {}
    for j, choice in enumerate(parameter.choices):
        if problem := value_problem(parameter.type, choice):
            scope.add(f".choices[{j}]", problem, f"Each choice must be of the type {parameter.type}.")
        elif (before := seen.setdefault(choice, j)) != j:
            scope.add(f".choices[{j}]", f"{described(choice)} is the same as choices[{before}]", "Remove one.")


def _check_default(parameter: Parameter, scope: Scope) -> None:
    default = parameter.default
    if default is None:
        return
    if parameter.required:
        scope.add(".default", "has a default although it is required", "Remove one of the two.")
    if problem := value_problem(parameter.type, default):
        scope.add(".default", problem, f"The default must be of the type {parameter.type}.")
    elif parameter.choices and default not in parameter.choices:
        allowed = ", ".join(described(choice) for choice in parameter.choices[:20])
        scope.add(".default", f"{described(default)} is none of the choices", f"Choices: {allowed}.")
