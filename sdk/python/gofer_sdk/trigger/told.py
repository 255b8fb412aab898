"""What requests of Gofer hold, decoded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from gofer_sdk.trigger.errors import TriggerError
from gofer_sdk.trigger.fields import Settings
from gofer_sdk.trigger.frames import Fields
from gofer_sdk.trigger.values import Event, ExternalEvent, Subscription

T = TypeVar("T")
_MISSING = object()


class InvalidRequest(TriggerError):
    """A field is missing, or has another type."""


def told(fields: Fields, name: str, kind: type[T], default: object = _MISSING) -> T:
    """The field of that name. Raises InvalidRequest."""
    value = fields.get(name, default)
    if value is _MISSING:
        raise InvalidRequest(f'"{name}" is missing: expected {kind.__name__}.')
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is int):
        raise InvalidRequest(f'"{name}": expected {kind.__name__}, got {type(value).__name__}.')
    return value


def told_or_none(fields: Fields, name: str, kind: type[T]) -> T | None:
    """As `told`, or None where it is missing or nil."""
    return None if fields.get(name) is None else told(fields, name, kind)


def subscription(fields: Fields, settings: type[Settings], subscription_id: str) -> Subscription[Any]:
    """The subscription that `check` or `subscribe` tells of. Raises InvalidRequest, InvalidSettings."""
    return Subscription(
        id=subscription_id,
        namespace=told(fields, "namespace", str),
        pipeline=told(fields, "pipeline", str),
        label=told(fields, "label", str),
        settings=settings.decode(told(fields, "settings", dict)),
        created_at=told(fields, "created_at", int, 0),
        last_event_at=told_or_none(fields, "last_event_at", int),
        last_event=told_or_none(fields, "last_event", str),
    )


def external_event(fields: Fields) -> ExternalEvent:
    """Raises InvalidRequest."""
    headers = []
    for pair in told(fields, "headers", list, []):
        if not (isinstance(pair, list) and len(pair) == 2 and all(isinstance(one, str) for one in pair)):
            raise InvalidRequest('"headers": expected a list of pairs of texts.')
        headers.append((pair[0].lower(), pair[1]))
    return ExternalEvent(
        id=told(fields, "event", str),
        query=told(fields, "query", str, ""),
        headers=tuple(headers),
        body=told(fields, "body", bytes),
        peer=told(fields, "peer", str, ""),
    )


def gofer_event(fields: Fields) -> Event:
    """Raises InvalidRequest."""
    fields = told(fields, "event", dict)
    data: Mapping[str, Any] = told(fields, "data", dict, {})
    return Event(
        seq=told(fields, "seq", int),
        at=told(fields, "at", int),
        kind=told(fields, "kind", str),
        namespace=told(fields, "namespace", str, ""),
        pipeline=told(fields, "pipeline", str, ""),
        run=told_or_none(fields, "run", int),
        data=data,
    )
