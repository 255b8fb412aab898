"""The triggers that start runs of a pipeline."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from gofer_sdk import bounds, checks
from gofer_sdk.errors import PipelineError, mistake
from gofer_sdk.parameter import check_value
from gofer_sdk.references import references

_SECRETS = ("secret", "global_secret")


def subscription(where: str, label: object, trigger: object, settings: object, parameters: object) -> dict[str, Any]:
    """The subscription as it stands in the manifest. Raises PipelineError."""
    added: dict[str, Any] = {
        "label": checks.identifier(where, label, "the label of a subscription"),
        "trigger": checks.identifier(where, trigger, "the name of a trigger"),
    }
    where = f'{where}, subscription "{added["label"]}"'
    if settings is not None:
        added["settings"] = _plain(where, "settings", settings)
        _check_settings(where, added["settings"])
    if parameters is not None:
        added["parameters"] = _plain(where, "parameters", parameters)
        for name, value in added["parameters"].items():
            if not isinstance(value, str | int | float | bool):
                raise mistake(where, f'a text, a number or a boolean as "{name}"', value, "Write such a value.")
    return added


def problems_of(one: Mapping[str, Any], declared: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Values that it gives to parameters that are not declared, or of another type, as sentences."""
    for name, value in one.get("parameters", {}).items():
        where = f'Subscription "{one["label"]}"'
        if name not in declared:
            yield f'{where} gives the parameter "{name}", which is not declared. Declare it with .parameter("{name}").'
            continue
        try:
            check_value(f"{where}, parameters", declared[name], name, value)
        except PipelineError as error:
            yield str(error)


def _plain(where: str, name: str, given: object) -> dict[str, Any]:
    """A copy that is the caller's no longer."""
    fix = f'Write {name}={{"name": "value"}}, in texts, numbers, booleans, lists and maps.'
    if not isinstance(given, Mapping):
        raise mistake(where, f"{name} as names and their values", given, fix)
    try:
        plain: dict[str, Any] = json.loads(json.dumps(dict(given), allow_nan=False))
    except (TypeError, ValueError, RecursionError):
        raise mistake(where, f"{name} that can be written as JSON", given, fix) from None
    return plain


def _check_settings(where: str, settings: dict[str, Any]) -> None:
    size = len(json.dumps(settings, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass"))
    if size > bounds.MAX_SETTINGS_BYTES:
        raise PipelineError(f"{where}: the settings have {size:,} bytes; at most {bounds.MAX_SETTINGS_BYTES:,} can be.")
    pending: list[tuple[Any, int]] = [(settings, 1)]
    while pending:
        value, depth = pending.pop()
        if isinstance(value, dict | list):
            if depth > bounds.MAX_SETTINGS_DEPTH:
                raise PipelineError(f"{where}: the settings lie more than {bounds.MAX_SETTINGS_DEPTH} deep.")
            pending.extend((item, depth + 1) for item in (value.values() if isinstance(value, dict) else value))
        elif isinstance(value, str):
            _check_text(where, checks.content(where, value, "a setting", "Write text."))
        elif isinstance(value, int) and abs(value) > bounds.MAX_INTEGER:
            raise mistake(where, f"a number of at most {bounds.MAX_INTEGER:,}", value, "Write it as text.")


def _check_text(where: str, text: str) -> None:
    for kind, key in references(text):
        escape = f'To keep the text as it is, put "!" before the braces: {kind}!{{{{…}}}}.'
        if key == "{":
            raise mistake(where, f'"{kind}{{{{" to be closed by "}}}}"', text, escape)
        if kind not in _SECRETS:
            fix = f"Nothing else is known before a run starts. {escape}"
            raise mistake(where, "secrets alone to be referred to in settings", f"{kind}{{{{{key}}}}}", fix)
        checks.identifier(f"{where}, {kind}{{{{{key}}}}}", key, "a key between the braces")
