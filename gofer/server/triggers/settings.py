"""The settings of triggers: references to secrets in them, and what of them may be shown."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any, NamedTuple, TypeVar

import msgspec

from gofer.errors import InvalidInput, NotFound
from gofer.models.ids import shown
from gofer.models.trigger import Field, FieldType
from gofer.models.units import parse_duration
from gofer.server.nearest import Nearest
from gofer.server.pipelines.interpolation import Kind, Malformed, Reference, interpolate, parse

HIDDEN = "***"

T = TypeVar("T")
Look = Callable[[str], Awaitable[str | None]]
"""The value of a global secret, None if there is none of that key."""


class Resolved(NamedTuple):
    """`secrets`: every text that must not be shown."""

    value: Any
    secrets: frozenset[str]


def texts(value: Any) -> Iterator[str]:
    """Every text in a value as JSON has it, keys of maps aside."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from texts(one)


def references(value: Any) -> list[Reference]:
    """The secrets that a value names, each once. Raises InvalidInput for what no setting may name."""
    found: dict[Reference, None] = {}
    for text in texts(value):
        for part in parse(text) if "{{" in text else ():
            if isinstance(part, Malformed):
                raise InvalidInput(part.problem, "Write global_secret{{key}}.")
            if isinstance(part, Reference):
                if part.kind != "global_secret":
                    raise InvalidInput(
                        f"{part} does not work here: a trigger belongs to no pipeline",
                        f"Write global_secret{{{{key}}}}; or {part.kind}!{{{{{part.key}}}}} for the text as it is.",
                    )
                found[part] = None
    return list(found)


async def resolve(value: Any, look: Look) -> Resolved:
    """The value with every reference replaced. Raises InvalidInput, or NotFound, which names the key."""
    known: dict[str, str] = {}
    for reference in references(value):
        text = await look(reference.key)
        if text is None:
            raise NotFound(
                f'there is no global secret "{reference.key}"', f"Set it: gofer secret put {reference.key} --global."
            )
        known[reference.key] = text

    def put(_kind: Kind, key: str) -> str:
        return known[key]

    return Resolved(_mapped(value, lambda text: interpolate(text, put)), frozenset(known.values()))


def hidden(settings: Mapping[str, Any], fields: list[Field]) -> dict[str, Any]:
    """Settings as everybody may see them: what a field says is secret only where it is a reference."""
    secret = {field.name for field in fields if field.secret}
    return {name: _hide(value) if name in secret else value for name, value in settings.items()}


def secret_texts(settings: Mapping[str, Any], fields: list[Field]) -> frozenset[str]:
    """The texts of the fields that are secret."""
    secret = [settings[field.name] for field in fields if field.secret and field.name in settings]
    return frozenset(text for value in secret for text in texts(value))


def in_clear(settings: Mapping[str, Any], fields: list[Field]) -> list[str]:
    """The names of the secret settings that are there in clear."""
    return [f.name for f in fields if f.secret and any(_hide(text) == HIDDEN for text in texts(settings.get(f.name)))]


def check(settings: Mapping[str, Any], fields: list[Field], what: str) -> None:
    """Whether these are settings that somebody with such fields takes. Raises InvalidInput for the first that is not.

    `what` names who, as in `the trigger "cron"`. What a reference stands for is left to the trigger itself.
    """
    known = {field.name: field for field in fields}
    for name, value in settings.items():
        if name not in known:
            hint = Nearest(known).hint(name) or f"{what[0].upper()}{what[1:]} has no settings."
            raise InvalidInput(f"{what} has no setting {shown(name)}", hint)
        _check_type(known[name], value)
    missing = [field for field in fields if field.required and settings.get(field.name) is None]
    if missing:
        listed = "; ".join(f"{field.name}: {field.description or field.type}" for field in missing)
        raise InvalidInput(f"{what} needs {', '.join(shown(field.name) for field in missing)}", f"{listed}.")


_TYPES: Mapping[FieldType, type[Any]] = {
    "string": str,
    "integer": int,
    "number": float,
    "boolean": bool,
    "list": list[Any],
    "map": dict[str, Any],
}


def _check_type(field: Field, value: Any) -> None:
    if value is None or (isinstance(value, str) and "{{" in value):
        return
    if not _fits(field.type, value):
        given = HIDDEN if field.secret else shown(str(value), 40)
        example = ", such as 1m30s" if field.type == "duration" else ""
        raise InvalidInput(f"the setting {shown(field.name)}: expected {field.type}{example}, got {given}")
    if field.choices and value not in field.choices:
        raise InvalidInput(
            f"the setting {shown(field.name)}: {shown(str(value), 40)} is none of its choices",
            f"Choose one of: {', '.join(map(str, field.choices))}.",
        )


def _fits(wanted: FieldType, value: Any) -> bool:
    """A text that spells a value of another type is one, too: that is how people type it."""
    try:
        if wanted == "duration":
            return type(value) is int or (isinstance(value, str) and parse_duration(value) >= 0)
        if isinstance(value, str) and wanted in ("list", "map"):
            value = msgspec.json.decode(value)
        msgspec.convert(value, _TYPES[wanted], strict=not isinstance(value, str))
    except ValueError:
        return False
    return True


def _hide(value: Any) -> Any:
    parts = list(parse(value)) if isinstance(value, str) else []
    return value if parts and all(isinstance(part, Reference) for part in parts) else HIDDEN


def _mapped(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {name: _mapped(one, change) for name, one in value.items()}
    if isinstance(value, list):
        return [_mapped(one, change) for one in value]
    return value
