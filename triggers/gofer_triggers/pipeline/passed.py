"""What the new run is told of the one that has ended."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from gofer_sdk.trigger import Event, Refused

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_OURS = ("GOFER_", "UPSTREAM_")


def check_passed(wanted: Sequence[str]) -> None:
    """Raises Refused where the setting `pass_parameters` is not right."""
    mine: dict[str, str] = {}
    for item in wanted:
        if item == "*":
            continue
        theirs, target = split(item)
        if not _NAME.match(theirs) or not _NAME.match(target):
            raise Refused(f'pass_parameters: expected "name", "theirs=mine" or "*", got {item!r:.80}.')
        if target.startswith(_OURS):
            raise Refused(f"pass_parameters: no variable may begin with GOFER_ or UPSTREAM_, got {target[:80]}.")
        if target in mine:
            raise Refused(f"pass_parameters: {mine[target]} and {theirs} would both be {target}.")
        mine[target] = theirs


def split(item: str) -> tuple[str, str]:
    """What a parameter is called there and here."""
    theirs, equals, mine = item.partition("=")
    return theirs, mine if equals else theirs


def variables(event: Event, wanted: Sequence[str]) -> dict[str, str]:
    """Of a run that has ended (`run.ended`); parameters that it had not are left out."""
    had: Mapping[str, object] = event.data.get("parameters") or {}
    passed = {}
    if "*" in wanted:
        passed = {name: text(value) for name, value in had.items() if not name.startswith(_OURS)}
    for theirs, mine in (split(item) for item in wanted if item != "*"):
        if theirs in had:
            # One that is called otherwise here is not passed under its old name too.
            passed.pop(theirs, None)
            passed[mine] = text(had[theirs])
    return {
        **passed,
        "UPSTREAM_PIPELINE": event.pipeline,
        "UPSTREAM_RUN": str(event.run),
        "UPSTREAM_STATUS": str(event.data.get("status", "")),
        "UPSTREAM_REASON": str(event.data.get("reason", "")),
    }


def text(value: object) -> str:
    """As Gofer shows a parameter: `true`, `3`, `2.5`, or the text."""
    return str(value).lower() if isinstance(value, bool) else str(value)
