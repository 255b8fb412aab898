"""The fields of `fire`, checked before they are sent."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from gofer_sdk.trigger.values import RunOf

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_MAX_VARIABLES_BYTES: Final = 256 * 1024
_OUTCOMES: Final = ("start", "skip", "refuse", "error")


def event_fields(
    subscription: str | None,
    event: str,
    variables: Mapping[str, str],
    outcome: str,
    detail: str,
    objects_of: RunOf | None,
    occurred_at: int,
) -> dict[str, object]:
    """What the frame holds beside `id` and `kind`. Raises ValueError, which says what would do."""
    if not isinstance(event, str) or not 1 <= len(event) <= 200:
        raise ValueError(f"The id of an event has 1 to 200 characters, got {event!r:.80}.")
    if outcome not in _OUTCOMES:
        raise ValueError(f"The outcome is one of {', '.join(_OUTCOMES)}, got {outcome!r:.80}.")
    if subscription is None and outcome == "start":
        raise ValueError("An event without a subscription starts nothing: its outcome is skip, refuse or error.")
    _check_variables(variables)
    fields: dict[str, object] = {
        "event": event,
        "subscription": subscription,
        "outcome": outcome,
        "occurred_at": occurred_at,
    }
    if detail:
        fields["detail"] = detail
    if variables:
        fields["variables"] = dict(variables)
    if objects_of is not None:
        fields["objects_of"] = {"pipeline": objects_of.pipeline, "run": objects_of.run}
    return fields


def _check_variables(variables: Mapping[str, str]) -> None:
    size = 0
    for name, value in variables.items():
        if not _NAME.match(name) or name.startswith("GOFER_"):
            raise ValueError(
                "A variable's name has letters, digits and _, begins with no digit and not with GOFER_, "
                f"got {name!r:.80}."
            )
        if not isinstance(value, str):
            raise ValueError(f"Variables are texts; {name} is {type(value).__name__}.")
        size += len(name) + len(value.encode())
    if size > _MAX_VARIABLES_BYTES:
        raise ValueError(f"Variables may have {_MAX_VARIABLES_BYTES:,} bytes together, got {size:,}.")
