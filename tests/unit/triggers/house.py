"""A whole server in the test's own event loop, and triggers whose connection is a function call."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, cast

from gofer.models.event import Event
from gofer.models.manifest import Manifest, Parameter, Subscription
from gofer.models.pipeline import Registered
from gofer.models.trigger import EventOutcome, Field, Subscribed, TriggerEvent, TriggerInfo
from gofer.server.auth.rights import EVERYTHING
from gofer.server.deployments.deploy import Deployments
from gofer.server.logs.mask_registry import MaskRegistry
from gofer.server.pipelines.register import Pipelines, Registering
from gofer.server.pipelines.versions import Versions
from gofer.server.secrets.secrets import Owner
from gofer.server.store.transaction import Transaction
from gofer.server.triggers.build import TriggerParts, build
from gofer.server.triggers.contract import REQUEST_SECONDS, Fire, Fired, TriggerAway, TriggerRefused
from tests.scenarios.scene import NAMESPACE, PIPELINE, Scene, task

URL = "https://gofer.example.org"

Answer = Callable[[Mapping[str, Any]], Mapping[str, Any]]


class FakeTrigger:
    """One connection. `says` answers a kind in its own way; `told` is every request that came, in order; `knows` are
    the subscriptions that it has. While `gate` is closed no answer comes."""

    def __init__(self, name: str, key: int) -> None:
        self.trigger = name
        self.trigger_key = key
        self.info = TriggerInfo(next=True, subscription_settings=[Field(name="every")])
        self.says: dict[str, Answer] = {}
        self.told: list[tuple[str, dict[str, Any]]] = []
        self.knows: dict[str, dict[str, Any]] = {}
        self.gate = asyncio.Event()
        self.gate.set()
        self.under_way = 0
        self.most_under_way = 0
        self.ready = asyncio.Event()

    async def request(self, kind: str, fields: Mapping[str, Any], seconds: float = REQUEST_SECONDS) -> dict[str, Any]:
        self.told.append((kind, dict(fields)))
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            async with asyncio.timeout(seconds):
                await self.gate.wait()
            await asyncio.sleep(0)
        except TimeoutError:
            raise TriggerAway(f"The trigger does not answer ({kind}).") from None
        finally:
            self.under_way -= 1
        answer = dict(self.says[kind](fields)) if kind in self.says else {}
        if kind == "subscribe":
            self.knows[fields["subscription"]] = dict(fields)
        elif kind == "unsubscribe":
            self.knows.pop(fields["subscription"], None)
        elif kind == "ready":
            self.ready.set()
        return answer

    def kinds(self) -> list[str]:
        """What came since the last call."""
        kinds = [kind for kind, _ in self.told]
        self.told.clear()
        return kinds

    def labels(self) -> set[str]:
        return {f"{one['pipeline']}/{one['label']}" for one in self.knows.values()}

    def id_of(self, label: str, pipeline: str = PIPELINE) -> str:
        """The subscription of that label."""
        found = [id_ for id_, one in self.knows.items() if (one["pipeline"], one["label"]) == (pipeline, label)]
        assert len(found) == 1, self.knows
        return found[0]


def refusing(code: str, words: str) -> Answer:
    """An answer that is none."""

    def refuse(_: Mapping[str, Any]) -> Mapping[str, Any]:
        raise TriggerRefused(code, words)

    return refuse


class Triggers:
    """The services of a running server, with a listener of their own in the place of the server's."""

    def __init__(self, scene: Scene, reached: Callable[[str], None] = lambda _: None) -> None:
        services = scene.services
        self.scene = scene
        self.database = services.database
        self.hidden = MaskRegistry()
        self.parts: TriggerParts = build(
            self.database,
            services.bus,
            services.clock,
            services.secrets,
            self.hidden,
            services.runs,
            lambda: URL,
            reached,
        )
        self.pipelines = Pipelines(self.database, services.clock, self.parts.subscriber)
        self.deployments = Deployments(self.database, services.clock, self.parts.subscriber)
        self.versions = Versions(self.database, services.clock)
        self.subscriptions = self.parts.subscriptions
        self._publish = self.database.on_commit
        self.database.on_commit = self._committed

    def _committed(self, events: Sequence[Event]) -> None:
        assert self._publish is not None
        self._publish(events)
        self.parts.subscriber.committed(events)

    async def install(self, name: str, *, enabled: bool = True) -> int:
        """The key of its row."""

        def work(tx: Transaction) -> int:
            sql = "INSERT INTO triggers (id, image, enabled, created_at, modified_at) VALUES (?, 'x', ?, 1, 1)"
            key = tx.execute(sql, (name, enabled)).lastrowid
            assert key is not None
            return key

        return await self.database.write(work)

    @asynccontextmanager
    async def connected(self, name: str, key: int, trigger: FakeTrigger | None = None) -> AsyncIterator[FakeTrigger]:
        """A connection of the trigger, once it is ready, for as long as the context lasts."""
        trigger = trigger or FakeTrigger(name, key)
        self.parts.roster.add(cast("Any", trigger))
        telling = asyncio.create_task(self.parts.listener.established(trigger))
        ready = asyncio.create_task(trigger.ready.wait())
        try:
            await asyncio.wait([telling, ready], return_when=asyncio.FIRST_COMPLETED)
            if telling.done():
                await telling
            yield trigger
        finally:
            ready.cancel()
            telling.cancel()
            with suppress(asyncio.CancelledError):
                await telling
            self.parts.roster.remove(cast("Any", trigger))
            self.parts.listener.lost(trigger)

    async def register(
        self,
        *wanted: Subscription,
        pipeline: str = PIPELINE,
        command: str = "exit 0",
        deploy: bool = True,
        **fields: Any,
    ) -> Registered:
        manifest = Manifest(id=pipeline, tasks=[task("t", *command.split())], subscriptions=list(wanted), **fields)
        return await self.pipelines.register(NAMESPACE, manifest, Registering(deploy=deploy))

    async def shown(self, pipeline: str = PIPELINE, count: int = 0) -> dict[str, Subscribed]:
        """The pipeline's subscriptions by their labels."""
        page = await self.subscriptions.list(NAMESPACE, pipeline, None, 200, count)
        return {one.label: one for one in page.items}

    async def settled(self, *ids: str) -> None:
        """Until the triggers have been told of these."""
        await self.parts.subscriber.settled([int(one) for one in ids])

    async def fire(self, trigger: FakeTrigger, event: str, label: str | None = None, **fields: Any) -> Fired:
        subscription = trigger.id_of(label) if label is not None else None
        return await self.parts.listener.fire(trigger, Fire(event=event, subscription=subscription, **fields))

    async def events(self, trigger: str, outcome: EventOutcome | None = None) -> list[TriggerEvent]:
        """All that is stored, the newest first."""
        page = await self.parts.told_events.of_trigger(
            trigger, None, 1_000, seen=EVERYTHING, nobodys=True, outcome=outcome
        )
        return page.items

    async def put_secret(self, key: str, value: str, pipeline: str = PIPELINE) -> None:
        await self.scene.services.secrets.put(Owner(NAMESPACE, pipeline), key, value)


def subscription(label: str = "nightly", trigger: str = "clock", **fields: Any) -> Subscription:
    return Subscription(label=label, trigger=trigger, **{"settings": {"every": "1h"}, **fields})


def number(name: str, **fields: Any) -> Parameter:
    return Parameter(name=name, type="integer", **fields)
