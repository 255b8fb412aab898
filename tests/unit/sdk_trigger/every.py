"""A trigger for the tests of the SDK."""

from __future__ import annotations

from collections.abc import Sequence

from gofer_sdk.trigger import (
    Answer,
    Duration,
    Event,
    ExternalEvent,
    InvalidSettings,
    Refused,
    RunOf,
    Settings,
    Subscription,
    Trigger,
    field,
)


class Installed(Settings):
    at_least: Duration = field("The shortest time between two runs.", default="1s")


class Wanted(Settings):
    every: Duration = field("How long between two runs.")


class Every(Trigger[Installed, Wanted]):
    """Fires again and again.

    More about it.
    """

    version = "1.2.3"
    events = ("run.ended",)

    def __init__(self) -> None:
        super().__init__()
        self.due: dict[str, int] = {}
        self.calls: list[str] = []

    async def configure(self, settings: Installed) -> None:
        self.calls.append("configure")
        if settings.at_least == 0:
            raise InvalidSettings("at_least: must not be 0.")

    async def check(self, subscription: Subscription[Wanted]) -> Sequence[str] | None:
        if subscription.settings.every < self.settings.at_least:
            raise Refused(f"every: at least {self.settings.at_least}, got {subscription.settings.every}.")
        return ["That is often."] if subscription.settings.every < 5_000 else None

    async def subscribe(self, subscription: Subscription[Wanted]) -> None:
        await self.check(subscription)
        self.calls.append(f"subscribe {subscription.id}")
        self.due[subscription.id] = self.now() + subscription.settings.every

    async def unsubscribe(self, subscription: Subscription[Wanted]) -> None:
        self.calls.append(f"unsubscribe {subscription.id}")
        del self.due[subscription.id]

    async def run(self) -> None:
        while True:
            if await self.wait_until(min(self.due.values(), default=None)):
                for known in [known for known, at in self.due.items() if at <= self.now()]:
                    subscription = self.subscriptions[known]
                    at = self.due[known]
                    self.due[known] = at + subscription.settings.every
                    await self.fire(subscription, f"{known} {at}", variables={"AT": str(at)}, occurred_at=at)

    async def external_event(self, event: ExternalEvent) -> Answer:
        if event.header("X-Fault"):
            raise RuntimeError("as asked")
        fired = await self.fire(None, event.id, outcome="refuse", detail=event.body.decode(errors="replace")[:100])
        return Answer(status=202, body=fired.outcome, content_type="text/plain")

    async def next(self, subscription: Subscription[Wanted], count: int) -> list[int]:
        return [self.due[subscription.id] + n * subscription.settings.every for n in range(count)]

    async def event(self, event: Event) -> None:
        for subscription in list(self.subscriptions.values()):
            objects = RunOf(pipeline=event.pipeline, run=event.run or 0)
            await self.fire(subscription, f"event {event.seq}", objects_of=objects)

    async def debug(self) -> dict[str, object]:
        return {"due": self.due}


main = Every.main

if __name__ == "__main__":
    main()
