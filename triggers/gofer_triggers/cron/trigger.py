"""The trigger `cron`."""

from __future__ import annotations

from weakref import WeakValueDictionary

from gofer_sdk.trigger import InvalidSettings, Refused, Settings, Subscription, field
from gofer_triggers.cron.expression import doubts, parse
from gofer_triggers.cron.timetable import CronTimes
from gofer_triggers.cron.zone import Zone, zone
from gofer_triggers.schedules.due import MOST, Step
from gofer_triggers.schedules.trigger import Schedule, ScheduledTrigger

# A run that starts within a minute of its time is punctual: cron knows no shorter time.
_PUNCTUAL = 60_000
_KEPT = {"none": 0, "last": 1, "all": MOST}
_POLICIES = {
    "none": 'catch_up is "none".',
    "last": 'catch_up is "last": the newest time is made up for.',
    "all": f'catch_up is "all": the newest {MOST} times are made up for.',
}


class CronSettings(Settings):
    """What an administrator sets."""

    timezone: str = field("The time zone of subscriptions that do not name one, such as Europe/Berlin.", default="UTC")


class CronSubscription(Settings):
    """What a pipeline sets."""

    expression: str = field(
        "When to start: minute, hour, day of month, month, day of week and, if wanted, year; or @daily and the like."
    )
    timezone: str = field("The time zone in which that is meant; the administrator's if empty.", default="")
    catch_up: str = field(
        "Which of the times that were missed are made up for: none, the last, or all (the newest 100).",
        default="none",
        choices=list(_KEPT),
    )


class Cron(ScheduledTrigger[CronSettings, CronSubscription]):
    """Starts runs at the times that a cron expression names, in a time zone."""

    version = "0.1.0"

    def __init__(self) -> None:
        super().__init__()
        self._zones: dict[str, Zone] = {}
        self._timetables: WeakValueDictionary[tuple[str, str], CronTimes] = WeakValueDictionary()

    async def configure(self, settings: CronSettings) -> None:
        """Refuse a time zone that there is not."""
        try:
            self._zone(settings.timezone)
        except ValueError as error:
            raise InvalidSettings(f"timezone: {error}") from None

    async def check(self, subscription: Subscription[CronSubscription]) -> list[str]:
        """Whether the expression is one, and has a time to come; doubts are warnings. Raises Refused."""
        await super().check(subscription)
        return doubts(subscription.settings.expression)

    def schedule(self, subscription: Subscription[CronSubscription]) -> Schedule:
        """Raises Refused where the expression or the time zone is none."""
        wanted = subscription.settings
        return Schedule(self._times(wanted), _KEPT[wanted.catch_up], _PUNCTUAL)

    def variables(
        self, subscription: Subscription[CronSubscription], step: Step, following: int | None
    ) -> dict[str, str]:
        """The table in docs/triggers/cron.md."""
        return {
            "CRON_SCHEDULED_AT": self.shown(subscription, step.at),
            "CRON_NEXT_AT": "" if following is None else self.shown(subscription, following),
            "CRON_EXPRESSION": subscription.settings.expression,
            "CRON_TIMEZONE": self._name(subscription.settings),
            "CRON_LATE": str(step.late).lower(),
        }

    def shown(self, subscription: Subscription[CronSubscription], time: int) -> str:
        """In the subscription's time zone."""
        return self._zone(self._name(subscription.settings)).text(time // 1000)

    def policy(self, subscription: Subscription[CronSubscription]) -> str:
        """catch_up."""
        return _POLICIES[subscription.settings.catch_up]

    def _times(self, wanted: CronSubscription) -> CronTimes:
        """One timetable for all subscriptions that say the same."""
        key = (wanted.expression, self._name(wanted))
        found = self._timetables.get(key)
        if found is None:
            try:
                expression = parse(wanted.expression)
            except ValueError as error:
                raise Refused(f'expression "{wanted.expression[:100]}": {error}') from None
            try:
                found = CronTimes(expression, self._zone(key[1]))
            except ValueError as error:
                raise Refused(f"timezone: {error}") from None
            self._timetables[key] = found
        return found

    def _name(self, wanted: CronSubscription) -> str:
        return wanted.timezone or self.settings.timezone

    def _zone(self, name: str) -> Zone:
        found = self._zones.get(name)
        if found is None:
            found = self._zones[name] = zone(name)
        return found
