"""The settings that a trigger is tried with: texts, made what the trigger says that they are."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

_FROM_JSON: Final[Mapping[str, tuple[type, ...]]] = {
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "list": (list,),
    "map": (dict,),
}


class MissingSettings(Exception):
    """The trigger cannot be tried without these: names by `settings` and `subscription`."""

    def __init__(self, settings: list[str], subscription: list[str]) -> None:
        super().__init__(settings, subscription)
        self.settings = settings
        self.subscription = subscription


class WrongSetting(Exception):
    """A text does not spell what the trigger says that the setting is."""


def missing(fields: list[dict[str, Any]], given: Mapping[str, object]) -> list[str]:
    """The required settings that are not given."""
    return [field["name"] for field in fields if field["required"] and field["name"] not in given]


def typed(fields: list[dict[str, Any]], given: Mapping[str, object]) -> dict[str, object]:
    """What is given, with each text made a value of its field's type. What is no text stays as it is, and so does what
    the trigger does not know: to refuse it is the trigger's. Raises WrongSetting."""
    types = {field["name"]: field["type"] for field in fields}
    return {name: _typed(name, types.get(name, "string"), value) for name, value in given.items()}


def _typed(name: str, kind: str, value: object) -> object:
    wanted = _FROM_JSON.get(kind)
    if wanted is None or not isinstance(value, str):
        return value
    try:
        read = json.loads(value)
    except ValueError:
        read = None
    if not isinstance(read, wanted) or (isinstance(read, bool) and bool not in wanted):
        as_json = " as JSON" if kind in ("list", "map") else ""
        raise WrongSetting(f'{name}: the trigger says that it is of the type {kind}{as_json}, got "{value:.80}".')
    return read
