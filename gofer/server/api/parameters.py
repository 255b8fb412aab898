"""Path and query parameters: text that becomes the fields of an `Input`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from urllib.parse import parse_qsl, unquote

from msgspec import inspect

from gofer.errors import BadRequest, InvalidInput, Problem
from gofer.models.ids import ID_HINT, ID_PATTERN, is_id, shown
from gofer.server.api.endpoint import Input
from gofer.server.nearest import Nearest

MAX_PARAMETERS = 200

_INTEGER = re.compile(r"(?:0|-?[1-9][0-9]{0,15})\Z")
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}

I = TypeVar("I", bound=Input)  # noqa: E741

# Takes the text; gives the value, or raises ValueError with what was expected.
_Convert = Callable[[str], Any]


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    convert: _Convert
    many: bool
    hint: str


class Parameters(Generic[I]):
    """Decodes the parameters that the fields of one Input describe."""

    def __init__(self, shape: type[I]) -> None:
        self._shape = shape
        described = inspect.type_info(shape)
        assert isinstance(described, inspect.StructType)
        self._fields = {field.encode_name: _field(field) for field in described.fields}
        required = any(field.required for field in described.fields)
        self._empty = None if required else shape()

    @property
    def names(self) -> list[str]:
        return list(self._fields)

    def of_path(self, given: Mapping[str, str]) -> I:
        """The fields from the still escaped path segments `given`. Raises InvalidInput or BadRequest."""
        values: dict[str, Any] = {}
        problems: list[Problem] = []
        for name, raw in given.items():
            text = _unescape(raw) if "%" in raw else raw
            self._take(values, problems, "path", name, [text])
        if problems:
            raise InvalidInput(problems[0].message, problems[0].hint, problems)
        return self._shape(**values)

    def of_query(self, query: bytes) -> I:
        """The fields from a query string. Raises InvalidInput, which lists every fault, or BadRequest."""
        if not query and self._empty is not None:
            return self._empty
        given: dict[str, list[str]] = {}
        for name, text in _pairs(query):
            given.setdefault(name, []).append(text)
        values: dict[str, Any] = {}
        problems: list[Problem] = []
        for name, texts in given.items():
            if name in self._fields:
                self._take(values, problems, "query", name, texts)
            else:
                problems.append(self._unknown(name))
        if problems:
            raise InvalidInput(problems[0].message, problems[0].hint, problems)
        try:
            return self._shape(**values)
        except TypeError:
            missing = [name for name in self._fields if self._fields[name].name not in values]
            raise InvalidInput(f"The query parameter {', '.join(missing)} is missing.", "See /api/docs.") from None

    def _take(
        self, values: dict[str, Any], problems: list[Problem], place: str, name: str, texts: Sequence[str]
    ) -> None:
        field = self._fields[name]
        if len(texts) > 1 and not field.many:
            hint = "Give it once."
            problems.append(
                Problem(place=f"{place}.{name}", message=f"{name} was given {len(texts)} times.", hint=hint)
            )
            return
        converted = []
        for text in texts:
            try:
                converted.append(field.convert(text))
            except ValueError as error:
                message = f"{name} must be {error}, not {shown(text)}."
                problems.append(Problem(place=f"{place}.{name}", message=message, hint=field.hint))
        values[field.name] = converted if field.many else (converted or [None])[0]

    def _unknown(self, name: str) -> Problem:
        hint = Nearest(self._fields).hint(name) or (
            f"Known: {', '.join(self._fields)}." if self._fields else "This path takes none."
        )
        message = f"There is no query parameter {shown(name)}."
        return Problem(place=f"query.{shown(name)[1:-1]}", message=message, hint=hint)


def _pairs(query: bytes) -> list[tuple[str, str]]:
    try:
        text = query.decode("ascii")
        return parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MAX_PARAMETERS)
    except ValueError:
        raise BadRequest(
            "The query string cannot be read.", f"Escape it as UTF-8, with at most {MAX_PARAMETERS} parameters."
        ) from None


def _unescape(segment: str) -> str:
    try:
        return unquote(segment, errors="strict")
    except UnicodeDecodeError:
        raise BadRequest("The path is not UTF-8.", ID_HINT) from None


def _field(field: inspect.Field) -> _Field:
    kind, many = field.type, False
    if isinstance(kind, inspect.UnionType):
        (kind,) = (part for part in kind.types if not isinstance(part, inspect.NoneType))
    if isinstance(kind, inspect.ListType):
        kind, many = kind.item_type, True
    is_an_id = isinstance(kind, inspect.StrType) and kind.pattern == ID_PATTERN
    return _Field(field.name, _converter(kind), many, ID_HINT if is_an_id else "See /api/docs.")


def _converter(kind: inspect.Type) -> _Convert:
    if isinstance(kind, inspect.IntType):
        return _integer(kind.ge, kind.le)
    if isinstance(kind, inspect.BoolType):
        return _choice(_BOOLEANS)
    if isinstance(kind, inspect.EnumType):
        return _choice({str(member): member for member in kind.cls})
    if isinstance(kind, inspect.LiteralType):
        return _choice({str(value): value for value in kind.values})
    if isinstance(kind, inspect.StrType):
        return _id if kind.pattern == ID_PATTERN else _text(kind)
    raise TypeError(f"a parameter cannot be of type {kind!r}")


def _integer(low: int | None, high: int | None) -> _Convert:
    if low is None or high is None:
        raise TypeError("an integer parameter must be bounded")

    def convert(text: str) -> int:
        value = int(text) if _INTEGER.match(text) else None
        if value is None or not low <= value <= high:
            raise ValueError(f"a whole number from {low} to {high}")
        return value

    return convert


def _choice(values: Mapping[str, Any]) -> _Convert:
    def convert(text: str) -> Any:
        if text not in values:
            raise ValueError(f"one of {', '.join(values)}")
        return values[text]

    return convert


def _id(text: str) -> str:
    if not is_id(text):
        raise ValueError("an id")
    return text


def _text(kind: inspect.StrType) -> _Convert:
    least, most = kind.min_length or 0, kind.max_length
    if most is None:
        raise TypeError("a text parameter must be bounded")

    def convert(text: str) -> str:
        if not least <= len(text) <= most:
            raise ValueError(f"text of {least} to {most} characters")
        return text

    return convert
