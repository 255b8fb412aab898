"""The parameters of a run: what was given, checked against what the pipeline declares."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from gofer.errors import InvalidInput
from gofer.models.ids import shown
from gofer.models.manifest import Manifest, Parameter, ParameterType, ParameterValue
from gofer.server.nearest import Nearest
from gofer.server.pipelines import bounds
from gofer.server.pipelines.report import Report, at_key

_INTEGER = re.compile(r"[+-]?[0-9]{1,20}\Z")
_NUMBER = re.compile(r"[+-]?(?:[0-9]{1,20}(?:\.[0-9]{0,40})?|\.[0-9]{1,40})(?:[eE][+-]?[0-9]{1,3})?\Z")
_BOOLEANS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
_EXPECTED: dict[ParameterType, str] = {
    "string": "text",
    "integer": "an integer",
    "number": "a number",
    "boolean": "true or false",
}


def resolve_parameters(manifest: Manifest, given: Mapping[str, ParameterValue]) -> dict[str, ParameterValue]:
    """What a run gets: the values given and the defaults, in the order of declaration.

    Text for an integer, number or boolean is converted. A parameter without value and default is left out. Raises
    InvalidInput that lists every unknown, missing and ill-typed one, and every value that is none of the choices.
    """
    report = Report()
    declared = {parameter.name: parameter for parameter in manifest.parameters}
    nearest = Nearest(declared)
    for name in given:
        if name not in declared:
            hint = nearest.hint(name) or "This pipeline takes no parameters."
            report.add(f"parameters{at_key(name)}", f"there is no parameter {shown(name, 40)}", hint)
    resolved: dict[str, ParameterValue] = {}
    for name, parameter in declared.items():
        value = _value(parameter, given, report)
        if value is not None:
            resolved[name] = value
    if not report.clean:
        problems = report.problems()
        message = "The parameters are not right: " + "; ".join(problem.message for problem in problems[:5])
        raise InvalidInput(message, problems[0].hint, problems)
    return resolved


def _value(parameter: Parameter, given: Mapping[str, ParameterValue], report: Report) -> ParameterValue | None:
    place = f"parameters{at_key(parameter.name)}"
    if parameter.name not in given:
        if parameter.required:
            report.add(place, f"the parameter {shown(parameter.name)} is required", parameter.description[:200])
        return parameter.default
    value = converted(parameter.type, given[parameter.name])
    if problem := value_problem(parameter.type, value):
        report.add(place, f"{shown(parameter.name)}: {problem}", parameter.description[:200])
    elif parameter.choices and value not in parameter.choices:
        allowed = ", ".join(described(choice) for choice in parameter.choices[:20])
        message = f"{shown(parameter.name)}: {described(value)} is none of the choices"
        report.add(place, message, f"Choices: {allowed}.")
    return value


def converted(kind: ParameterType, value: ParameterValue) -> ParameterValue:
    """Text as a value of the parameter's type where it can be read so; anything else as it is."""
    if not isinstance(value, str) or kind == "string":
        return value
    text = value.strip()
    if kind == "boolean":
        return _BOOLEANS.get(text.lower(), value)
    if _INTEGER.match(text):
        return int(text)
    if kind == "number" and _NUMBER.match(text):
        return float(text)
    return value


def value_problem(kind: ParameterType, value: ParameterValue) -> str:
    """Why a value cannot be of a type, as a sentence; empty when it can."""
    if not _of_type(kind, value):
        return f"expected {_EXPECTED[kind]}, came {described(value)}"
    if isinstance(value, str):
        if "\x00" in value or any("\ud800" <= c <= "\udfff" for c in value):
            return f"{described(value)} has characters that no variable can hold"
        size = len(value.encode())
        return (
            f"has {size} bytes; at most {bounds.MAX_VALUE_BYTES} are allowed" if size > bounds.MAX_VALUE_BYTES else ""
        )
    if isinstance(value, int) and abs(value) > bounds.MAX_INTEGER:
        return f"{described(value)} is not between -{bounds.MAX_INTEGER} and {bounds.MAX_INTEGER}"
    return "" if math.isfinite(value) else f"{described(value)} is not a finite number"


def _of_type(kind: ParameterType, value: ParameterValue) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    if isinstance(value, str):
        return kind == "string"
    return kind == "number" or (kind == "integer" and isinstance(value, int))


def parameter_text(value: ParameterValue) -> str:
    """A parameter's value as a container's variable and `param{{name}}` show it: `true`, `3`, `2.5`, or the text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else str(value)


def described(value: ParameterValue) -> str:
    """A value for error messages, cut."""
    if isinstance(value, str):
        return shown(value, 40)
    if isinstance(value, int) and abs(value) >= 10**40:
        return "an integer of more than 40 digits"
    return parameter_text(value)
