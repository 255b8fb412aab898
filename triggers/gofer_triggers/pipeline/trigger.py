"""The trigger `pipeline`."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Mapping

from gofer_sdk.trigger import Event, NoSettings, NotFired, Refused, RunOf, Trigger
from gofer_triggers.pipeline.chains import Chained, Chains, PipelineSubscription
from gofer_triggers.pipeline.passed import check_passed, variables

_STATUSES = ("successful", "failed", "cancelled")


class Pipeline(Trigger[NoSettings, PipelineSubscription]):
    """Starts runs when runs of another pipeline in the same namespace have ended."""

    version = "0.1.0"
    events = ("run.ended",)

    def __init__(self) -> None:
        super().__init__()
        self._chains = Chains()

    async def check(self, subscription: Chained) -> None:
        """Refuse what could never start, and what would start itself."""
        wanted = subscription.settings
        unknown = [status for status in wanted.statuses if status not in _STATUSES]
        if unknown or not wanted.statuses:
            came = f"got {unknown[0]!r:.80}" if unknown else "got none"
            raise Refused(f"statuses: expected any of {', '.join(_STATUSES)}, {came}.")
        check_passed(wanted.pass_parameters)
        if cycle := self._chains.cycle(subscription):
            raise Refused(_in_words(cycle))

    async def subscribe(self, subscription: Chained) -> None:
        """Begin to start it. Checked again: two that are alright alone may make a cycle together."""
        await self.check(subscription)
        self._chains.add(subscription)

    async def unsubscribe(self, subscription: Chained) -> None:
        self._chains.remove(subscription)

    async def event(self, event: Event) -> None:
        """Start everything that waits for this end."""
        if event.kind == "run.ended" and event.run is not None:
            following = self._chains.following(event.namespace, event.pipeline)
            await asyncio.gather(*(self._start(one, event, event.run) for one in following))

    async def debug(self) -> Mapping[str, object]:
        """Who waits for whom."""
        return {"following": self._chains.state()}

    async def _start(self, subscription: Chained, event: Event, run: int) -> None:
        if event.at < subscription.created_at:
            return
        wanted = subscription.settings
        # A pipeline may be deleted, and another of its name counts its runs anew: the number of the event stays.
        event_id = f"{event.pipeline}/{run}@{event.seq}"
        status = event.data.get("status")
        try:
            if status not in wanted.statuses:
                detail = f"Run {run} of {event.pipeline} is {status}; wanted: {', '.join(wanted.statuses)}."
                await self.fire(subscription, event_id, outcome="skip", detail=detail, occurred_at=event.at)
                return
            await self.fire(
                subscription,
                event_id,
                variables=variables(event, wanted.pass_parameters),
                objects_of=RunOf(pipeline=event.pipeline, run=run) if wanted.pass_objects else None,
                occurred_at=event.at,
            )
        except ValueError as error:
            detail = f"Run {run} of {event.pipeline} could not be passed on. {error}"
            await self.fire(subscription, event_id, outcome="error", detail=detail, occurred_at=event.at)
        except NotFired as error:
            self.log.warning("%s: run %d of %s started nothing: %s", subscription, run, event.pipeline, error)


def _in_words(cycle: list[str]) -> str:
    if len(cycle) == 2:
        return f"pipeline: {cycle[0]} would start itself, for ever."
    steps = ", ".join(f"{after} when {before} has ended" for before, after in itertools.pairwise(cycle))
    return f"pipeline: these would start each other for ever: {steps}."
