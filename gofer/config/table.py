"""The table of settings, as the annotations of a settings type say it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal, NamedTuple, get_args, get_origin, get_type_hints

import msgspec

Type = Literal["text", "choice", "boolean", "integer", "duration", "size", "path", "list"]

_TYPES: dict[Any, Type] = {str: "text", bool: "boolean", int: "integer"}


class Doc(NamedTuple):
    """Stands at each field of a settings type. `type` is for those whose own does not say it: a duration is an int.

    `example` is what a sample file shows where the default is not the same everywhere.
    """

    help: str
    type: Type | None = None
    minimum: int | None = None
    maximum: int | None = None
    secret: bool = False
    reloadable: bool = False
    example: str = ""


class Setting(NamedTuple):
    """One row. `key` is dotted (`server.host`). Durations are in milliseconds and sizes in bytes.

    `default` is None where there is none, or where it depends on the machine; the help then says so. A value of a
    `secret` setting is never shown. A `reloadable` one may change while the server runs.
    """

    key: str
    type: Type
    default: Any
    help: str
    choices: tuple[str, ...] = ()
    minimum: int | None = None
    maximum: int | None = None
    secret: bool = False
    reloadable: bool = False
    example: str = ""


def table(settings: type[msgspec.Struct], prefix: str = "") -> Iterator[Setting]:
    """The rows of a settings type and of the blocks in it, in the order of its fields."""
    hints = get_type_hints(settings, include_extras=True)
    for field in msgspec.structs.fields(settings):
        hint = hints[field.name]
        key = prefix + field.name
        if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
            yield from table(hint, key + ".")
            continue
        kind, doc = get_args(hint)
        assert get_origin(hint) is Annotated
        assert isinstance(doc, Doc)
        default = [] if field.default_factory is list else field.default
        type_ = doc.type or ("choice" if get_origin(kind) is Literal else _TYPES[kind])
        choices = get_args(kind) if type_ == "choice" else ()
        yield Setting(
            key,
            type_,
            None if default is msgspec.NODEFAULT else default,
            doc.help,
            choices,
            doc.minimum,
            doc.maximum,
            doc.secret,
            doc.reloadable,
            doc.example,
        )


def build(settings: type[msgspec.Struct], values: dict[str, Any], prefix: str = "") -> Any:
    """A settings value from `values` by dotted key; what is not there gets its default."""
    hints = get_type_hints(settings)
    given: dict[str, Any] = {}
    for field in msgspec.structs.fields(settings):
        key = prefix + field.name
        hint = hints[field.name]
        if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
            given[field.name] = build(hint, values, key + ".")
        elif key in values:
            given[field.name] = values[key]
    return settings(**given)


def flatten(settings: msgspec.Struct, prefix: str = "") -> dict[str, Any]:
    """The values of a settings value by dotted key: what `build` makes one from."""
    values: dict[str, Any] = {}
    for field in msgspec.structs.fields(settings):
        value = getattr(settings, field.name)
        if isinstance(value, msgspec.Struct):
            values |= flatten(value, f"{prefix}{field.name}.")
        else:
            values[prefix + field.name] = value
    return values
