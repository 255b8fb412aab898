"""One setting: its type, and what a value of it may look like."""

from __future__ import annotations

import dataclasses
import json
import math
import types
from collections.abc import Mapping
from typing import Any, Final, Union, get_args, get_origin

from gofer_sdk.trigger.duration import Duration

_KINDS: Final = {
    Duration: "duration",
    str: "string",
    bool: "boolean",
    int: "integer",
    float: "number",
    list: "list",
    dict: "map",
}
_EXPECTED: Final = {
    "duration": 'a duration such as "1m30s"',
    "string": "text",
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
    "list": "a list",
    "map": "a map",
}
_ITEMS: Final = {
    "duration": 'durations such as "1m30s"',
    "string": "texts",
    "boolean": "booleans",
    "integer": "whole numbers",
    "number": "numbers",
    "list": "lists",
    "map": "maps",
}
DECLARED: Final = "gofer"


class Declared:
    """What `field` was given, beside the default."""

    def __init__(self, description: str, choices: tuple[object, ...], secret: bool) -> None:
        self.description = description
        self.choices = choices
        self.secret = secret


class Setting:
    """One declared setting."""

    def __init__(self, where: str, made: dataclasses.Field[Any], hint: object) -> None:
        declared = made.metadata.get(DECLARED)
        if not isinstance(declared, Declared):
            raise TypeError(f"{where} is not declared with field().")
        self.name = made.name
        self.description = declared.description
        self.required = made.default is dataclasses.MISSING and made.default_factory is dataclasses.MISSING
        self._default = made.default if made.default_factory is dataclasses.MISSING else made.default_factory()
        self._choices = declared.choices
        self._secret = declared.secret
        self._hint, self._optional = _without_none(hint)
        self._kind = _kind(where, self._hint)
        if self._optional and self._default is not None:
            raise TypeError(f"{where}: what may be None needs the default None.")
        if not self.required and self._default is not None:
            self._try_default(where)

    @property
    def expected(self) -> str:
        """What may be set, as it stands in an error."""
        if self._choices:
            return " or ".join(_shown(choice) for choice in self._choices)
        item = self._item()
        return _EXPECTED[self._kind] + ("" if item is Any else f" of {_ITEMS[_kind('', item)]}")

    def describe(self) -> dict[str, object]:
        """The protocol's field."""
        told: dict[str, object] = {
            "name": self.name,
            "type": self._kind,
            "description": self.description,
            "required": self.required,
            "secret": self._secret,
        }
        if not self.required and self._default is not None:
            told["default"] = str(self._default) if isinstance(self._default, Duration) else self._default
        if self._choices:
            told["choices"] = [str(one) if isinstance(one, Duration) else one for one in self._choices]
        return told

    def decode(self, given: object) -> object:
        """The value of what was given. Raises ValueError with sentences that begin with the setting's name."""
        if given is None and self._optional:
            return None
        try:
            value = _decode(self._hint, given)
        except ValueError as error:
            raise ValueError(f"{self.name}: expected {self.expected}, got {self._came(given)}.{error}") from None
        if self._choices and value not in self._choices:
            raise ValueError(f"{self.name}: expected {self.expected}, got {self._came(given)}.")
        return value

    def _came(self, given: object) -> str:
        if given is None:
            return "nothing"
        return "something else, which is not shown as it is secret" if self._secret else _shown(given)

    def _item(self) -> object:
        parameters = get_args(self._hint)
        return parameters[-1] if parameters else Any

    def _try_default(self, where: str) -> None:
        try:
            self.decode(self._default)
        except ValueError as error:
            raise TypeError(f"{where}: the default does not fit. {error}") from None


def _without_none(hint: object) -> tuple[object, bool]:
    if get_origin(hint) in (Union, types.UnionType):
        others = [one for one in get_args(hint) if one is not type(None)]
        if len(others) == 1 and len(get_args(hint)) == 2:
            return others[0], True
    return hint, False


def _kind(where: str, hint: object) -> str:
    plain = get_origin(hint) or hint
    if plain is dict and get_args(hint) and get_args(hint)[0] is not str:
        raise TypeError(f"{where}: expected a dict with texts as keys, got {hint}.")
    if not isinstance(plain, type) or plain not in _KINDS:
        known = ", ".join(one.__name__ for one in _KINDS)
        raise TypeError(f"{where}: expected one of the types {known}, got {hint}.")
    if get_args(hint) and get_args(hint)[-1] is not Any:
        _kind(where, get_args(hint)[-1])
    return _KINDS[plain]


def _decode(hint: object, given: object) -> Any:
    """The value, or ValueError with what may help to mend it, as the rest of a sentence or empty."""
    if hint is Any:
        return given
    plain = get_origin(hint) or hint
    if plain is list or plain is dict:
        return _decode_many(hint, _from_text(given))
    decoded = _decode_one(plain, given)
    if decoded is None:
        raise ValueError("")
    return decoded


def _decode_one(plain: object, given: object) -> object:
    # What came by a command line, a variable or a secret is text: one that spells the value is taken for it.
    text = given if isinstance(given, str) else None
    if plain is Duration:
        return _duration(given)
    if plain is str:
        return text
    if plain is bool:
        return given if isinstance(given, bool) else {"true": True, "false": False}.get(text or "")
    value = _from_text(text) if text is not None else given
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if plain is int:
        return value if isinstance(value, int) else None
    return float(value) if math.isfinite(value) else None


def _duration(given: object) -> Duration:
    if isinstance(given, Duration):
        return given
    if isinstance(given, int | float) and not isinstance(given, bool):
        raise ValueError(f' Say the unit: "{given}s" for seconds, "{given}m" for minutes.')
    if not isinstance(given, str):
        raise ValueError("")
    try:
        return Duration(given)
    except ValueError as error:
        raise ValueError(f" {error}") from None


def _decode_many(hint: object, given: object) -> object:
    parameters = get_args(hint)
    item = parameters[-1] if parameters else Any
    if (get_origin(hint) or hint) is list:
        if not isinstance(given, list | tuple):
            raise ValueError("")
        return [_decode(item, one) for one in given]
    if not isinstance(given, Mapping) or not all(isinstance(key, str) for key in given):
        raise ValueError("")
    return {key: _decode(item, value) for key, value in given.items()}


def _from_text(given: object) -> object:
    """What a text says as JSON; anything else as it is."""
    if not isinstance(given, str):
        return given
    try:
        return json.loads(given)
    except (ValueError, RecursionError):
        return None


def _shown(value: object) -> str:
    text = f'"{value}"' if isinstance(value, str) else str(value)
    if isinstance(value, bool):
        text = str(value).lower()
    elif value is None:
        text = "nothing"
    return text if len(text) <= 80 else text[:79] + "…"
