"""Telling Gofer of what came in by a webhook, and telling who has sent it what came of that."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from gofer_sdk.trigger import Answer, Fired, NotFired, Outcome, Subscription, Trigger, Unavailable

ANSWER_SECONDS = 8.0
"""So long Gofer is waited for: who has sent something is answered within ten."""

_MOST_TRIES = 50
_MOST_REFUSALS = 100
_MOST_ID = 150
_MOST_DETAIL = 1000
_STATUSES = {"started": 200, "skipped": 200, "refused": 409, "error": 500}


async def deliver(
    trigger: Trigger[Any, Any],
    subscription: Subscription[Any],
    event: str,
    *,
    variables: Mapping[str, str] | None = None,
    outcome: Outcome = "start",
    detail: str = "",
) -> Fired:
    """Fires for an event that may be told again by who has sent it, with the id `event`.

    What has started a run starts none again. What has not, may do so the next time: a filter may be another by now, a
    pipeline enabled. So each further attempt has an id of its own, made from how many went before: two that come at
    once have the same, and no event has two runs. Raises Unavailable where it can be told again later, with the same
    id.
    """
    event = short_id(event)
    for number in range(1, _MOST_TRIES + 1):
        told = event if number == 1 else f"{event}#{number}"
        try:
            fired = await trigger.fire(
                subscription, told, variables=variables, outcome=outcome, detail=detail[:_MOST_DETAIL]
            )
        except NotFired as error:
            if error.code in ("dropped", "shutdown"):
                raise Unavailable("Gofer takes no events at the moment.") from None
            return Fired(outcome="error", detail=str(error))
        if not fired.duplicate or fired.outcome == "started" or (outcome != "start" and fired.outcome == "skipped"):
            return fired
    return fired


def short_id(event: str) -> str:
    """The same for the same text, as it is where people can read it; never too long for the id of an event, and never
    one that `deliver` makes of another."""
    if len(event) <= _MOST_ID and event.isascii() and event.isprintable() and "#" not in event:
        return event
    return "sha256:" + hashlib.sha256(event.encode("utf-8", "replace")).hexdigest()


class Refusals:
    """Tells Gofer of what was refused, beside the answers: a flood of it must not keep anybody waiting. What comes
    while too many wait is only counted."""

    def __init__(self, trigger: Trigger[Any, Any]) -> None:
        self._trigger = trigger
        self._under_way = 0
        self.count = 0

    def note(self, event: str, detail: str) -> None:
        """One more, with `event` as its id, which must not be one that a sender chose."""
        self.count += 1
        if self._under_way >= _MOST_REFUSALS:
            return
        self._under_way += 1
        self._trigger.spawn("refused event", self._tell(event, detail))

    async def _tell(self, event: str, detail: str) -> None:
        try:
            await self._trigger.fire(None, event, outcome="refuse", detail=detail)
        finally:
            self._under_way -= 1


def of_fired(fired: Fired) -> dict[str, object]:
    """What came of an event, as answers have it."""
    told: dict[str, object] = {"outcome": fired.outcome}
    if fired.run is not None:
        told |= {"run": fired.run, "url": fired.url}
    if fired.detail:
        told["detail"] = fired.detail
    if fired.duplicate:
        told["duplicate"] = True
    return told


def status_of(*outcomes: str) -> int:
    """The status of an answer that tells these outcomes: that of the best of them."""
    return min((_STATUSES.get(one, 500) for one in outcomes), default=200)


def answer(status: int, told: Mapping[str, object]) -> Answer:
    """As JSON."""
    body = json.dumps(told, separators=(",", ":")) + "\n"
    return Answer(status=status, body=body.encode(), content_type="application/json")


def error(status: int, message: str) -> Answer:
    """The same for what cannot be done; `message` must not tell a stranger more than what they sent."""
    return answer(status, {"outcome": "refused" if status == 401 else "error", "detail": message})
