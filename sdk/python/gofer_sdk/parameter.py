"""The parameters that a pipeline declares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from gofer_sdk import bounds, checks
from gofer_sdk.errors import PipelineError, mistake

ParameterType = Literal["string", "integer", "number", "boolean"]
ParameterValue = str | int | float | bool

_TYPES = ("string", "integer", "number", "boolean")
_EXPECTED = {
    "string": "text",
    "integer": f"a whole number between -{bounds.MAX_INTEGER:,} and {bounds.MAX_INTEGER:,}",
    "number": "a finite number",
    "boolean": "True or False",
}
_WORDS = {str: "string", int: "integer", float: "number", bool: "boolean"}


def parameter(
    where: str,
    name: object,
    kind: object,
    *,
    default: object,
    choices: object,
    required: object,
    description: object,
) -> dict[str, Any]:
    """The parameter as it stands in the manifest. Raises PipelineError."""
    checked_name = checks.own_variable_name(where, name, "the name of a parameter")
    where = f'{where}, parameter "{checked_name}"'
    checked_kind = _kind(where, kind)
    part: dict[str, Any] = {"name": checked_name, "type": checked_kind}
    fix = 'Write description="What it is for".'
    most = bounds.MAX_DESCRIPTION
    if described := checks.block(where, description, "a description", fix, empty=True, most=most):
        part["description"] = described
    if choices is not None:
        part["choices"] = _choices(where, checked_kind, choices)
    if default is not None:
        part["default"] = _default(where, checked_kind, default, part.get("choices"))
    if checks.boolean(where, required, "Write required=True."):
        if default is not None:
            raise PipelineError(f"{where}: expected a default or required=True, got both. Remove one of the two.")
        part["required"] = True
    return part


def check_value(where: str, declared: Mapping[str, Any], name: str, value: object) -> None:
    """Raises PipelineError unless the parameter, as it stands in the manifest, takes the value."""
    checked = _value(where, declared["type"], value, f'"{name}"')
    choices = declared.get("choices")
    if choices and checked not in choices:
        allowed = ", ".join(repr(choice) for choice in choices[:20])
        raise mistake(where, f'"{name}" to be one of the choices {allowed}', value, "Choose one.")


def _kind(where: str, kind: object) -> str:
    word = _WORDS.get(kind) if isinstance(kind, type) else None
    return checks.one_of(where, kind, _TYPES, f'Write "{word or "string"}".')


def _choices(where: str, kind: str, choices: object) -> list[ParameterValue]:
    fix = 'Write choices=["small", "large"], for example.'
    if isinstance(choices, str | bytes | Mapping) or not isinstance(choices, Sequence) or not choices:
        raise mistake(where, "choices, a list of at least one value", choices, fix)
    checks.few(where, choices, bounds.MAX_CHOICES, "choices")
    checked = [_value(where, kind, choice, "choices") for choice in choices]
    checks.distinct(where, checked, "choices")
    return checked


def _default(where: str, kind: str, default: object, choices: list[ParameterValue] | None) -> ParameterValue:
    value = _value(where, kind, default, "default")
    if choices is not None and value not in choices:
        allowed = ", ".join(repr(choice) for choice in choices[:20])
        raise mistake(where, f"default to be one of the choices {allowed}", default, "Add it to them, or choose one.")
    return value


def _value(where: str, kind: str, value: object, what: str) -> ParameterValue:
    """A value of the type `kind`: a whole number is a number too, True is neither."""
    fix = f'Write such a value, or declare another type than "{kind}".'
    if kind == "string":
        return checks.content(where, value, what, fix)
    if kind == "boolean" and isinstance(value, bool):
        return value
    if kind != "boolean" and not isinstance(value, bool):
        if isinstance(value, int) and abs(value) <= bounds.MAX_INTEGER:
            return int(value)
        if kind == "number" and isinstance(value, float) and float("-inf") < value < float("inf"):
            return float(value)
    raise mistake(where, f"{what} of the type {kind}: {_EXPECTED[kind]}", value, fix)
