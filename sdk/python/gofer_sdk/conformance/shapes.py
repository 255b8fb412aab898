"""What replies and events must look like. Every function raises Failed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import pairwise
from typing import Any, Final

from gofer_sdk.conformance.step import Failed

_TYPES: Final = ("string", "integer", "number", "boolean", "duration", "list", "map")
_OUTCOMES: Final = ("start", "skip", "refuse", "error")
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_MAX_VARIABLES_BYTES: Final = 256 * 1024
_MAX_ANSWER_BYTES: Final = 64 * 1024


def has(fields: Mapping[str, Any], name: str, kind: Any, what: str, *, missing: bool = False) -> None:
    """The field is there, or `missing` is allowed, and of that type."""
    if name not in fields:
        if missing:
            return
        raise Failed(f'"{name}", {what}', "a map without it")
    value = fields[name]
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise Failed(f'"{name}", {what}', shown(value))


def shown(value: object) -> str:
    """A value as it stands in the report."""
    text = repr(value)
    return text if len(text) <= 100 else text[:99] + "…"


def info(reply: Mapping[str, Any]) -> None:
    """The reply to `info`."""
    has(reply, "description", str, "a text")
    has(reply, "version", str, "a text")
    for name in ("settings", "subscription_settings"):
        has(reply, name, list, "a list of fields")
        for field in reply[name]:
            _field(name, field)
    has(reply, "external_events", bool, "a boolean", missing=True)
    has(reply, "next", bool, "a boolean", missing=True)
    has(reply, "events", list, "a list of texts", missing=True)
    texts(reply.get("events", []), "events")


def texts(value: object, name: str) -> None:
    """A list of texts."""
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise Failed(f'"{name}", a list of texts', shown(value))


def _field(where: str, field: object) -> None:
    if not isinstance(field, dict):
        raise Failed(f'in "{where}" maps alone', shown(field))
    has(field, "name", str, f'a text, in each of "{where}"')
    name = f'"{field["name"]}" of "{where}"'
    has(field, "description", str, f"a text, in {name}")
    has(field, "required", bool, f"a boolean, in {name}")
    has(field, "secret", bool, f"a boolean, in {name}", missing=True)
    has(field, "choices", list, f"a list, in {name}", missing=True)
    if field.get("type") not in _TYPES:
        raise Failed(f'as "type" of {name} one of {", ".join(_TYPES)}', shown(field.get("type")))


def answer(reply: Mapping[str, Any]) -> None:
    """The reply to `external_event`."""
    status = reply.get("status")
    if isinstance(status, bool) or not isinstance(status, int) or not 200 <= status <= 599:
        raise Failed('"status", from 200 to 599', shown(status))
    has(reply, "content_type", str, "a text", missing=True)
    has(reply, "body", (bytes, str), "bytes or a text", missing=True)
    if len(reply.get("body", b"")) > _MAX_ANSWER_BYTES:
        raise Failed(f"a body of at most {_MAX_ANSWER_BYTES:,} bytes", f"{len(reply['body']):,}")


def times(found: object, count: int, now: int) -> None:
    """The times in a reply to `next`."""
    if not isinstance(found, list) or not all(isinstance(at, int) and not isinstance(at, bool) for at in found):
        raise Failed('"times", a list of whole numbers', shown(found))
    if len(found) > count:
        raise Failed(f"at most {count} times", f"{len(found)}")
    if any(later <= earlier for earlier, later in pairwise(found)):
        raise Failed("times that ascend", shown(found))
    if found and found[0] < now:
        raise Failed(f"times that are still to come (now is {now})", shown(found[0]))


def fire(fields: Mapping[str, Any]) -> None:
    """The fields of a `fire`."""
    event = fields.get("event")
    if not isinstance(event, str) or not 1 <= len(event) <= 200:
        raise Failed('"event", a text of 1 to 200 characters', shown(event))
    has(fields, "subscription", (str, type(None)), "a text or nil")
    outcome = fields.get("outcome", "start")
    if outcome not in _OUTCOMES:
        raise Failed(f'as "outcome" one of {", ".join(_OUTCOMES)}', shown(outcome))
    if fields["subscription"] is None and outcome == "start":
        raise Failed("an event without a subscription starts nothing", 'the outcome "start"')
    has(fields, "detail", str, "a text", missing=True)
    has(fields, "occurred_at", int, "a time", missing=True)
    if "objects_of" in fields:
        has(fields, "objects_of", dict, "a map")
        has(fields["objects_of"], "pipeline", str, 'a text, in "objects_of"')
        has(fields["objects_of"], "run", int, 'a whole number, in "objects_of"')
    _variables(fields.get("variables", {}))


def _variables(variables: object) -> None:
    if not isinstance(variables, dict) or not all(isinstance(value, str) for value in variables.values()):
        raise Failed('"variables", a map of texts', shown(variables))
    for name in variables:
        if not _NAME.match(name) or name.startswith("GOFER_"):
            raise Failed("names of variables of letters, digits and _, that do not begin with GOFER_", shown(name))
    size = sum(len(name) + len(value.encode()) for name, value in variables.items())
    if size > _MAX_VARIABLES_BYTES:
        raise Failed(f"variables of at most {_MAX_VARIABLES_BYTES:,} bytes together", f"{size:,}")
