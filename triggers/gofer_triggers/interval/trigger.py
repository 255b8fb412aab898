"""The trigger `interval`."""

from __future__ import annotations

from typing import Any

from gofer_sdk.trigger import Duration, InvalidSettings, Refused, Settings, Subscription, field
from gofer_triggers.interval.timetable import times
from gofer_triggers.schedules.due import Step
from gofer_triggers.schedules.trigger import Schedule, ScheduledTrigger, rfc3339

_SHORTEST = Duration("100ms")
# What a short hiccup may take of an interval, and at most: beyond, a time counts as missed.
_PUNCTUAL_PART, _PUNCTUAL_MOST = 10, 60_000


class IntervalSettings(Settings):
    """What an administrator sets."""

    min_duration: Duration = field("The shortest interval that a pipeline may ask for.", default="10s")
    jitter: bool = field(
        "Spread the starts of pipelines that were registered together over their interval, where they do not say.",
        default=True,
    )


class IntervalSubscription(Settings):
    """What a pipeline sets."""

    every: Duration = field("How long from one start to the next, such as 1m30s.")
    on_missed: str = field(
        "What happens when times were missed: skip them, or start one run.", default="skip", choices=["skip", "once"]
    )
    jitter: bool | None = field(
        "Whether the first start comes at a moment within the interval that only depends on the subscription (true), "
        "or one whole interval after it was made (false); as the administrator says if it is not set.",
        default=None,
    )


class Interval(ScheduledTrigger[IntervalSettings, IntervalSubscription]):
    """Starts runs again and again, with the same time between them."""

    version = "0.1.0"

    async def configure(self, settings: IntervalSettings) -> None:
        """Refuse a bound that would let pipelines start runs without pause."""
        if settings.min_duration < _SHORTEST:
            raise InvalidSettings(f"min_duration: expected {_SHORTEST} or more, got {settings.min_duration}.")

    def schedule(self, subscription: Subscription[IntervalSubscription]) -> Schedule:
        """Raises Refused where the interval is too short."""
        wanted = subscription.settings
        if wanted.every < self.settings.min_duration:
            raise Refused(
                f"every: {wanted.every} is shorter than {self.settings.min_duration}, the shortest interval that the "
                "administrator allows (min_duration of this trigger)."
            )
        jitter = self.settings.jitter if wanted.jitter is None else wanted.jitter
        found = times(subscription.id, subscription.created_at, wanted.every, jitter)
        punctual = min(wanted.every // _PUNCTUAL_PART, _PUNCTUAL_MOST)
        return Schedule(found, int(wanted.on_missed == "once"), punctual)

    def variables(
        self, subscription: Subscription[IntervalSubscription], step: Step, following: int | None
    ) -> dict[str, str]:
        """The table in docs/triggers/interval.md."""
        return {
            "INTERVAL_SCHEDULED_AT": rfc3339(step.at),
            "INTERVAL_NEXT_AT": "" if following is None else rfc3339(following),
            "INTERVAL_EVERY": str(subscription.settings.every),
            "INTERVAL_LATE": str(step.late).lower(),
        }

    def shown(self, subscription: Subscription[Any], time: int) -> str:
        """In UTC: an interval has no time zone."""
        return rfc3339(time)

    def policy(self, subscription: Subscription[IntervalSubscription]) -> str:
        """on_missed."""
        if subscription.settings.on_missed == "once":
            return 'on_missed is "once": one run is started for all that was missed.'
        return 'on_missed is "skip".'
