"""The trigger."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from gofer_sdk.trigger import Answer, ExternalEvent, Subscription, Trigger, Unavailable
from gofer_triggers.deliver import ANSWER_SECONDS, Refusals, answer, deliver, error, of_fired, status_of
from gofer_triggers.payload import BadPayload, clean, only, parse_query
from gofer_triggers.webhook.expression import BadExpression
from gofer_triggers.webhook.request import seen
from gofer_triggers.webhook.settings import Compiled, WebhookSettings, WebhookSubscription, compiled
from gofer_triggers.webhook.verify import Denied, verify

# All variables together, with some room for their names.
_MOST_BYTES = 240_000

# One answer for everything that does not prove who sent it: nobody learns which pipelines there are.
_UNKNOWN = "Nothing is known by that name, or it was not proved who sends this."

# The header by which a service marks the same event when it is sent again.
_ID_HEADERS = {"gitlab": "idempotency-key", "gitea": "x-gitea-delivery"}


class Webhook(Trigger[WebhookSettings, WebhookSubscription]):
    """Starts runs when any service sends a request."""

    version = "1.0.0"

    def __init__(self) -> None:
        super().__init__()
        self._compiled: dict[str, Compiled] = {}
        self._ids: dict[str, str] = {}
        self._refusals = Refusals(self)
        self._taken = 0

    async def check(self, subscription: Subscription[WebhookSubscription]) -> Sequence[str]:
        return compiled(subscription.settings, self.settings).warnings

    async def subscribe(self, subscription: Subscription[WebhookSubscription]) -> None:
        self._compiled[subscription.id] = compiled(subscription.settings, self.settings)
        self._ids[str(subscription)] = subscription.id

    async def unsubscribe(self, subscription: Subscription[WebhookSubscription]) -> None:
        self._compiled.pop(subscription.id, None)
        # One of the same name may have come already.
        if self._ids.get(str(subscription)) == subscription.id:
            del self._ids[str(subscription)]

    async def debug(self) -> Mapping[str, object]:
        return {
            "subscriptions": {str(one): one.settings.verify for one in self.subscriptions.values()},
            "taken": self._taken,
            "refused": self._refusals.count,
        }

    async def external_event(self, event: ExternalEvent) -> Answer:
        try:
            wanted = parse_query(event.query).get("to", "")
        except BadPayload as problem:
            return error(400, str(problem))
        if not wanted:
            return error(400, "Which subscription this is for must stand in the query: ?to=NAMESPACE/PIPELINE/LABEL.")
        subscription = self.subscriptions.get(self._ids.get(wanted, ""))
        if subscription is None:
            return self._denied(event, "`to` names no subscription of this trigger")
        ready = self._compiled[subscription.id]
        if ready.check.method == "none" and not self.settings.allow_unauthenticated:
            return self._denied(event, f"{subscription}: the trigger's setting allow_unauthenticated is false by now")
        try:
            vouched = verify(ready.check, event.headers, event.body, self.now())
        except Denied as problem:
            return self._denied(event, f"{subscription}: {problem}")
        except BadPayload as problem:
            return error(400, str(problem))
        self._taken += 1
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                return await self._take(subscription, ready, event, vouched)
        except (TimeoutError, Unavailable):
            return error(503, "Gofer could not store the event in time: send it again, it starts one run at the most.")

    def _denied(self, event: ExternalEvent, detail: str) -> Answer:
        # The id is Gofer's own: one that a stranger chose might be that of an event which is still to come.
        self._refusals.note(event.id, detail)
        return error(401, _UNKNOWN)

    async def _take(
        self, subscription: Subscription[WebhookSubscription], ready: Compiled, event: ExternalEvent, vouched: str
    ) -> Answer:
        try:
            came = seen(event.headers, event.query, event.body, event.peer, ready.check.header)
            event_id = _event_id(ready, event, came, vouched)
            if not _wanted(ready, came):
                why = f"the filter finds nothing in what came: {subscription.settings.filter}"
                fired = await deliver(self, subscription, event_id, outcome="skip", detail=why)
                return answer(200, of_fired(fired))
            variables = _variables(ready, came)
        except (BadPayload, BadExpression) as problem:
            # What cannot be read is no event that could be told again.
            detail = clean(str(problem), 1000)
            await self.fire(subscription, event.id, outcome="error", detail=detail)
            return error(400, detail)
        fired = await deliver(self, subscription, event_id, variables=variables)
        return answer(status_of(fired.outcome), of_fired(fired))


def _wanted(ready: Compiled, came: Mapping[str, object]) -> bool:
    """Raises BadExpression."""
    try:
        return ready.filter is None or ready.filter.holds(came)
    except BadExpression as problem:
        raise BadExpression(f"filter: {problem}") from None


def _event_id(ready: Compiled, event: ExternalEvent, came: Mapping[str, object], vouched: str) -> str:
    """The same for what is sent again, where anything says that it is the same; else an id of its own."""
    found: str | None = vouched
    if ready.event_id is not None:
        try:
            found = ready.event_id.text_of(came)
        except BadExpression as problem:
            raise BadExpression(f"event_id: {problem}") from None
        if not found:
            raise BadExpression(f"event_id: {ready.event_id.text} finds nothing in what came")
    elif not found and ready.check.method == "stripe":
        body = came["body"]
        found = clean(body.get("id"), 500) if isinstance(body, dict) else ""
    elif not found:
        found = only(event.headers, _ID_HEADERS.get(ready.check.method, "idempotency-key"))
    # In front of a sender's words stands what no id of Gofer's own begins with.
    return f"sent:{found}" if found else event.id


def _variables(ready: Compiled, came: Mapping[str, object]) -> dict[str, str]:
    """Raises BadExpression."""
    found = {}
    for name, expression in ready.parameters.items():
        try:
            value = expression.text_of(came)
        except BadExpression as problem:
            raise BadExpression(f"parameters.{name}: {problem}") from None
        if value is not None:
            found[name] = value
    size = sum(len(name) + len(value.encode()) for name, value in found.items())
    if size > _MOST_BYTES:
        raise BadExpression(f"the variables have {size:,} bytes together, and may have {_MOST_BYTES:,}")
    return found


def main() -> None:
    """Be the program."""
    Webhook.main()
