"""A trigger that fires by the clock: what interval and cron have in common."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Generic, NamedTuple, TypeVar

from gofer_sdk.trigger import NotFired, Refused, Settings, Subscription, Trigger
from gofer_triggers.schedules.due import MOST, Step, Times
from gofer_triggers.schedules.ticker import Entry, Ticker

SettingsT = TypeVar("SettingsT", bound=Settings)
SubscriptionT = TypeVar("SubscriptionT", bound=Settings)

_SHOWN = 10


class Schedule(NamedTuple):
    """What a subscription wants: its times, how many missed ones it makes up for, and when one is late (ms)."""

    times: Times
    keep: int
    punctual: int


class ScheduledTrigger(Trigger[SettingsT, SubscriptionT], Generic[SettingsT, SubscriptionT]):
    """Fires by the clock. A class of its own says what a subscription's schedule is and what its runs are told."""

    def __init__(self) -> None:
        super().__init__()
        self._ticker: Ticker | None = None
        self._schedules: dict[str, Schedule] = {}

    # What a class of its own defines.

    def schedule(self, subscription: Subscription[SubscriptionT]) -> Schedule:
        """The schedule that a subscription asks for. Raises Refused."""
        raise NotImplementedError

    def variables(self, subscription: Subscription[SubscriptionT], step: Step, following: int | None) -> dict[str, str]:
        """What the run of a step is told; `following` is the time of the next one."""
        raise NotImplementedError

    def shown(self, subscription: Subscription[SubscriptionT], time: int) -> str:
        """A time (Unix milliseconds) as the subscription's author would write it."""
        raise NotImplementedError

    def policy(self, subscription: Subscription[SubscriptionT]) -> str:
        """The setting by which missed times are skipped, as it is written."""
        raise NotImplementedError

    # What the SDK calls.

    async def check(self, subscription: Subscription[SubscriptionT]) -> list[str]:
        """Whether the subscription has a time to come. Raises Refused."""
        self._first(self.schedule(subscription), self.now())
        return []

    async def subscribe(self, subscription: Subscription[SubscriptionT]) -> None:
        """Take it up where Gofer's last event of it left off. Raises Refused."""
        schedule = self.schedule(subscription)
        self._first(schedule, subscription.created_at)
        self._schedules[subscription.id] = schedule
        told = max(subscription.created_at, subscription.last_event_at or 0)
        self._clock_work().put(Entry(subscription.id, schedule.times, told, schedule.keep, schedule.punctual))

    async def unsubscribe(self, subscription: Subscription[SubscriptionT]) -> None:
        """Forget it."""
        self._clock_work().drop(subscription.id)
        self._schedules.pop(subscription.id, None)

    async def run(self) -> None:
        """Wait for the next time, and tell."""
        await self._clock_work().run()

    async def next(self, subscription: Subscription[SubscriptionT], count: int) -> list[int]:
        """The next times."""
        schedule = self._schedules.get(subscription.id) or self.schedule(subscription)
        found: list[int] = []
        time = schedule.times.after(self.now())
        while time is not None and len(found) < count:
            found.append(time)
            time = schedule.times.after(time)
        return found

    async def debug(self) -> Mapping[str, object]:
        """How many there are, and which are next."""
        coming = self._clock_work().coming(_SHOWN)
        known = self.subscriptions
        return {
            "now": rfc3339(self.now()),
            "subscriptions": len(self._schedules),
            "coming": [f"{rfc3339(at)} {known.get(one, one)}" for one, at in coming],
        }

    def _clock_work(self) -> Ticker:
        if self._ticker is None:
            self._ticker = Ticker(self.clock, self._tell, self.spawn, self.connected)
        return self._ticker

    def _first(self, schedule: Schedule, after: int) -> None:
        if schedule.times.after(after) is None:
            raise Refused(
                f"It never fires: no time after {rfc3339(after)} fits the expression. Check its day, month and year."
            )

    async def _tell(self, entry: Entry, step: Step) -> None:
        subscription = self.subscriptions.get(entry.id)
        if subscription is None:  # it has just been ended
            return
        try:
            await self._fire(subscription, entry, step)
        except NotFired as error:
            self.log.error("%s: Gofer did not take the event of %s: %s", subscription, rfc3339(step.at), error)
        except asyncio.CancelledError:
            raise
        except Exception:
            # One subscription's defect must not end it for ever, nor be tried for ever.
            self.log.exception("%s: the event of %s could not be told", subscription, rfc3339(step.at))

    async def _fire(self, subscription: Subscription[SubscriptionT], entry: Entry, step: Step) -> None:
        event = f"{subscription.id}/{rfc3339(step.at)}"
        if step.start:
            following = entry.times.after(step.at)
            variables = self.variables(subscription, step, following)
            await self.fire(subscription, event, variables=variables, occurred_at=step.at)
            return
        await self.fire(
            subscription, event, outcome="skip", detail=self._missed(subscription, step), occurred_at=step.at
        )

    def _missed(self, subscription: Subscription[SubscriptionT], step: Step) -> str:
        last, policy = self.shown(subscription, step.at), self.policy(subscription)
        if step.more:
            which = f"More than {MOST} times were missed; this stands for those up to {last}"
        elif step.missed == 1:
            which = f"The time {last} was missed"
        else:
            which = f"{step.missed} times were missed, from {self.shown(subscription, step.first)} to {last}"
        return f"{which}: the trigger was not running then, or had no connection to Gofer. {policy}"


def rfc3339(time: int) -> str:
    """A time (Unix milliseconds) as RFC 3339 in UTC, with milliseconds if there are any."""
    whole = datetime.fromtimestamp(time // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{whole}.{time % 1000:03d}Z" if time % 1000 else f"{whole}Z"
