"""The trigger."""

from __future__ import annotations

import asyncio
import hmac
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from gofer_sdk.trigger import Answer, ExternalEvent, Fired, Subscription, Trigger, Unavailable
from gofer_triggers.deliver import ANSWER_SECONDS, Refusals, answer, deliver, error, of_fired, short_id, status_of
from gofer_triggers.github.app import CannotTell
from gofer_triggers.github.facts import EVENTS, Facts, facts_of
from gofer_triggers.github.settings import (
    Filters,
    GithubSettings,
    GithubSubscription,
    Installation,
    filters_of,
    installation_of,
)
from gofer_triggers.payload import BadPayload, clean, only, parse_form, parse_json, text_at

_SIGNATURE = "X-Hub-Signature-256"
_PREFIX = "sha256="
# So many lines an answer has: it may have 64 KiB.
_MOST_TOLD = 50
# Of subscriptions to one repository; more would be tried for each delivery, of anybody.
_MOST_SECRETS = 100

_Subscription = Subscription[GithubSubscription]


class Github(Trigger[GithubSettings, GithubSubscription]):
    """Starts runs when something happens in a repository on GitHub."""

    version = "1.0.0"

    def __init__(self) -> None:
        super().__init__()
        self._installation = Installation((), (), None)
        self._filters: dict[str, Filters] = {}
        # Ids of subscriptions: of those to one repository by its name, and of the others.
        self._exact: dict[str, set[str]] = {}
        self._wide: set[str] = set()
        self._refusals = Refusals(self)
        self._deliveries: Counter[str] = Counter()

    async def configure(self, settings: GithubSettings) -> None:
        self._installation = installation_of(settings)

    async def check(self, subscription: _Subscription) -> Sequence[str]:
        return filters_of(subscription, self._installation)[1]

    async def subscribe(self, subscription: _Subscription) -> None:
        self._filters[subscription.id] = filters_of(subscription, self._installation)[0]
        self._place(subscription).add(subscription.id)

    async def unsubscribe(self, subscription: _Subscription) -> None:
        self._filters.pop(subscription.id, None)
        self._place(subscription).discard(subscription.id)

    def _place(self, subscription: _Subscription) -> set[str]:
        repository = subscription.settings.repository.lower()
        if any(one in repository for one in "*?["):
            return self._wide
        return self._exact.setdefault(repository, set())

    def _of_repository(self, repository: str) -> list[_Subscription]:
        """Those of subscriptions to it."""
        ids = self._exact.get(repository.lower(), set()) | self._wide
        there = (self.subscriptions.get(one) for one in ids)
        return [one for one in there if one is not None and self._filters[one.id].repository.match(repository)]

    async def debug(self) -> Mapping[str, object]:
        return {
            "subscriptions": {str(one): one.settings.repository for one in self.subscriptions.values()},
            "deliveries": dict(self._deliveries),
            "refused": self._refusals.count,
            "app": self._installation.app is not None,
        }

    async def external_event(self, event: ExternalEvent) -> Answer:
        try:
            signature = only(event.headers, _SIGNATURE)
            name, delivery = only(event.headers, "X-GitHub-Event"), only(event.headers, "X-GitHub-Delivery")
        except BadPayload as problem:
            return error(400, str(problem))
        good = self._good_secrets(signature, event)
        if isinstance(good, str):
            # The id is Gofer's own: one that a stranger chose might be that of a delivery which is still to come.
            self._refusals.note(event.id, good)
            return error(401, good)
        if not name or not delivery:
            return error(400, "The headers X-GitHub-Event and X-GitHub-Delivery must be there.")
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                return await self._take(event, clean(name, 100), clean(delivery, 200), good)
        except BadPayload as problem:
            await self.fire(None, event.id, outcome="error", detail=f"delivery {clean(delivery, 100)}: {problem}")
            return error(400, str(problem))
        except (TimeoutError, Unavailable):
            return error(503, "Gofer could not store the event in time: redeliver it, it starts one run at the most.")

    def _good_secrets(self, signature: str | None, event: ExternalEvent) -> frozenset[bytes] | str:
        """The secrets that the body is signed with; or why that is none."""
        if not signature:
            return f"the header {_SIGNATURE} is missing: the webhook has no secret at GitHub"
        if not signature.startswith(_PREFIX) or not signature.isascii():
            return f"the header {_SIGNATURE} does not begin with {_PREFIX}"
        known = set(self._installation.secrets) | self._own_secrets(event)
        if not known:
            return "neither the trigger nor a subscription to that repository has a secret"
        given = signature.removeprefix(_PREFIX).lower()
        # All are compared, so that the time tells nothing of which is good.
        good = {one for one in known if hmac.compare_digest(hmac.new(one, event.body, "sha256").hexdigest(), given)}
        return frozenset(good) or f"the signature in {_SIGNATURE} matches no secret of the trigger or of a subscription"

    def _own_secrets(self, event: ExternalEvent) -> set[bytes]:
        """Those of subscriptions to the repository that the delivery is about, as it says, whoever has sent it: to try
        all there are would be work that anybody could ask for."""
        if not any(filters.secrets for filters in self._filters.values()):
            return set()
        try:
            repository = text_at(_payload(event), "repository", "full_name")
        except BadPayload:
            return set()
        own = [one for each in self._of_repository(repository) for one in self._filters[each.id].secrets]
        return set(own[:_MOST_SECRETS])

    async def _take(self, event: ExternalEvent, name: str, delivery: str, good: frozenset[bytes]) -> Answer:
        self._deliveries[name if name in EVENTS else "other"] += 1
        payload = _payload(event)
        if name not in EVENTS:
            return await self._nobodys(event, delivery, name, f"the event {name} is none of: {', '.join(EVENTS)}")
        facts = facts_of(name, delivery, payload)
        concerned = [one for one in self._of_repository(facts.repository) if self._concerns(one, facts, good)]
        wanting = sorted((one for one in concerned if name in self._filters[one.id].events), key=str)
        if not wanting:
            where = facts.repository or "an organization"
            why = f"of {len(concerned)} subscriptions to {where} none wants the event {name}"
            return await self._nobodys(
                event, delivery, name, why if concerned else f"nothing is subscribed to {clean(where, 200)}"
            )
        fired = await asyncio.gather(*(self._fire(one, facts, delivery) for one in wanting))
        return _answer(name, delivery, list(zip(wanting, fired, strict=True)))

    def _concerns(self, subscription: _Subscription, facts: Facts, good: Iterable[bytes]) -> bool:
        secrets = self._filters[subscription.id].secrets or self._installation.secrets
        allowed = self._installation.allows(subscription.namespace, facts.repository)
        return allowed and not set(secrets).isdisjoint(good)

    async def _nobodys(self, event: ExternalEvent, delivery: str, name: str, why: str) -> Answer:
        """Keeps why a delivery has started nothing at all."""
        if name == "ping":
            why = "a ping says only that the webhook works"
        fired = await self.fire(None, short_id(f"{delivery}:{event.id}"), outcome="skip", detail=f"{name}: {why}")
        return answer(200, {"event": name, "delivery": delivery, "outcome": fired.outcome, "detail": why})

    async def _fire(self, subscription: _Subscription, facts: Facts, delivery: str) -> Fired:
        filters = self._filters[subscription.id]
        why = facts.idle or filters.mismatch(facts) or await self._path_mismatch(subscription, filters, facts)
        if why:
            return await deliver(
                self, subscription, delivery, outcome="skip", detail=f"{facts.event}: {clean(why, 900)}"
            )
        return await deliver(self, subscription, delivery, variables=facts.variables)

    async def _path_mismatch(self, subscription: _Subscription, filters: Filters, facts: Facts) -> str:
        """Where nobody can say which files have changed, a run too many is better than one too few."""
        if not filters.paths or facts.event not in ("push", "pull_request"):
            return ""
        paths = facts.paths
        if paths is None and self._installation.app is not None:
            try:
                paths = await self._installation.app.changed_paths(facts)
            except CannotTell as problem:
                self.log.warning("%s: started without a look at the paths: %s", subscription, problem)
        return "" if paths is None else filters.path_mismatch(paths)


def _payload(event: ExternalEvent) -> Mapping[str, Any]:
    """Of a webhook of either content type. Raises BadPayload."""
    body = event.body
    if event.header("content-type").partition(";")[0].strip().lower() == "application/x-www-form-urlencoded":
        body = parse_form(body).get("payload", "").encode("utf-8", "replace")
    payload = parse_json(body)
    if not isinstance(payload, dict):
        raise BadPayload("The body is no JSON object.")
    return payload


def _answer(name: str, delivery: str, told: Sequence[tuple[_Subscription, Fired]]) -> Answer:
    outcomes = Counter(fired.outcome for _, fired in told)
    lines = [{"subscription": str(one), **of_fired(fired)} for one, fired in told[:_MOST_TOLD]]
    about: dict[str, object] = {"event": name, "delivery": delivery, "outcomes": dict(outcomes), "subscriptions": lines}
    return answer(status_of(*outcomes), about)


def main() -> None:
    """Be the program."""
    Github.main()
