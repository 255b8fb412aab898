"""Finds every place where a decoded body has not the shape of a type; the decoder itself stops at the first."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import inspect

from gofer.models.ids import shown
from gofer.server.nearest import Nearest
from gofer.server.pipelines.parameters import described
from gofer.server.pipelines.report import Report, at_key

_NAMES: dict[type[inspect.Type], tuple[str, type | tuple[type, ...]]] = {
    inspect.StrType: ("text", str),
    inspect.IntType: ("an integer", int),
    inspect.FloatType: ("a number", (int, float)),
    inspect.BoolType: ("true or false", bool),
    inspect.ListType: ("a list", list),
    inspect.DictType: ("an object", dict),
    inspect.StructType: ("an object", dict),
    inspect.NoneType: ("null", type(None)),
    inspect.AnyType: ("anything", object),
}


class Shapes:
    """Walks a value beside a type. The depth of the walk is that of the type, not of the value."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._known: dict[type, Nearest] = {}

    def check(self, value: Any, kind: inspect.Type, place: str = "") -> None:
        """Report every difference between `value`, made of JSON's types, and `kind`."""
        if isinstance(kind, inspect.AnyType):
            return
        if isinstance(kind, inspect.UnionType):
            self._check_union(value, kind, place)
        elif isinstance(kind, inspect.LiteralType):
            self._check_literal(value, kind, place)
        elif not _fits(value, kind):
            hint = "Put it in quotes." if isinstance(kind, inspect.StrType) and isinstance(value, int | float) else ""
            self._report.add(place, f"expected {_named(kind)}, came {_described(value)}", hint)
        elif isinstance(kind, inspect.StructType):
            self._check_struct(value, kind, place)
        elif isinstance(kind, inspect.ListType):
            for i, item in enumerate(value):
                self.check(item, kind.item_type, f"{place}[{i}]")
        elif isinstance(kind, inspect.DictType):
            for key, item in value.items():
                if isinstance(key, str):
                    self.check(item, kind.value_type, place + at_key(key))
                else:
                    self._report.add(place, f"expected text as a key, came {_described(key)}")

    def _check_union(self, value: Any, kind: inspect.UnionType, place: str) -> None:
        if value is None and any(isinstance(one, inspect.NoneType) for one in kind.types):
            return
        choices = [one for one in kind.types if not isinstance(one, inspect.NoneType)]
        if len(choices) == 1:
            self.check(value, choices[0], place)
        elif not any(_fits(value, one) for one in choices):
            expected = ", ".join(_named(one) for one in choices)
            self._report.add(place, f"expected one of {expected}; came {_described(value)}")

    def _check_literal(self, value: Any, kind: inspect.LiteralType, place: str) -> None:
        if not isinstance(value, str) or value not in kind.values:
            allowed = [str(one) for one in kind.values]
            hint = Nearest(allowed).hint(value) if isinstance(value, str) else ""
            expected = ", ".join(f'"{one}"' for one in allowed)
            self._report.add(place, f"expected one of {expected}; came {_described(value)}", hint)

    def _check_struct(self, value: dict[Any, Any], kind: inspect.StructType, place: str) -> None:
        fields = {field.encode_name: field for field in kind.fields}
        for key, item in value.items():
            if not isinstance(key, str):
                self._report.add(place, f"expected text as the name of a field, came {_described(key)}")
            elif (field := fields.get(key)) is not None:
                self.check(item, field.type, _joined(place, key))
            else:
                if kind.cls not in self._known:
                    self._known[kind.cls] = Nearest(fields)
                hint = self._known[kind.cls].hint(key) or f"Fields here: {', '.join(fields)}."
                self._report.add(_joined(place, key), f"unknown field {shown(key, 40)}", hint)
        for name, field in fields.items():
            if field.required and name not in value:
                self._report.add(place, f'the field "{name}" is missing')


def check_shape(value: Any, kind: type, report: Report) -> None:
    """Report every place where `value`, decoded without a type, differs from the msgspec type `kind`."""
    Shapes(report).check(value, inspect.type_info(kind))


def _joined(place: str, key: str) -> str:
    return (place + at_key(key)).removeprefix(".")


def _fits(value: Any, kind: inspect.Type) -> bool:
    """Whether the value is of the type's kind; what is inside it is not looked at."""
    if isinstance(value, bool):
        return isinstance(kind, inspect.BoolType | inspect.AnyType)
    if isinstance(kind, inspect.IntType) and isinstance(value, float):
        return value.is_integer()  # 3.0 is read as 3
    return isinstance(value, _NAMES[type(kind)][1])


def _named(kind: inspect.Type) -> str:
    return _NAMES[type(kind)][0]


def _described(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, str | int | float):
        return described(value)
    if isinstance(value, list):
        return "a list"
    return "an object" if isinstance(value, dict) else f"a {type(value).__name__}"


def first_problem(error: msgspec.ValidationError, report: Report) -> None:
    """Report what the decoder itself says."""
    message, _, place = str(error).partition(" - at ")
    report.add(place.strip("`").removeprefix("$").removeprefix("."), message.replace("`", '"'))
