"""The settings of a subscription: any JSON. References to secrets in its texts are replaced when a trigger is told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gofer.server.pipelines.interpolation import SECRET_KINDS, Reference, Resolve, interpolate, references
from gofer.server.pipelines.report import at_key


def texts(settings: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The place, relative to the settings, and the value of every text in them, in order."""
    pending: list[tuple[str, Any]] = [("", settings)]
    while pending:
        place, value = pending.pop()
        if isinstance(value, str):
            yield place, value
        elif isinstance(value, Mapping):
            pending.extend((place + at_key(key), value[key]) for key in reversed(list(value)))
        elif isinstance(value, list):
            pending.extend((f"{place}[{i}]", item) for i, item in reversed(list(enumerate(value))))


def secrets_of(settings: Mapping[str, Any]) -> list[Reference]:
    """The secrets that the settings name, each once."""
    found = {r: None for _, text in texts(settings) for r in references(text) if r.kind in SECRET_KINDS}
    return list(found)


def interpolated(settings: Mapping[str, Any], resolve: Resolve) -> dict[str, Any]:
    """A copy with every reference replaced; raises as `interpolate` does. They must be valid: not too deep."""
    return {key: _interpolated(value, resolve) for key, value in settings.items()}


def _interpolated(value: Any, resolve: Resolve) -> Any:
    if isinstance(value, str):
        return interpolate(value, resolve)
    if isinstance(value, dict):
        return interpolated(value, resolve)
    if isinstance(value, list):
        return [_interpolated(item, resolve) for item in value]
    return value
