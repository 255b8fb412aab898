"""The object service with everything that belongs to it, put together."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any

from gofer.config.live import Live
from gofer.engines.object_store.base import ObjectStore
from gofer.server.clock import Clock
from gofer.server.objects.collect import Collector
from gofer.server.objects.digest_locks import DigestLocks
from gofer.server.objects.expire import ObjectExpiry
from gofer.server.objects.objects import Objects
from gofer.server.objects.put import Putter
from gofer.server.objects.tally import Tally
from gofer.server.objects.watch import StoreWatch
from gofer.server.store.database import Database


@dataclass(frozen=True)
class ObjectParts:
    """`service` is what others use; `watch` knows whether the store works."""

    service: Objects
    collector: Collector
    expiry: ObjectExpiry
    watch: StoreWatch

    def tasks(self) -> list[tuple[str, Coroutine[Any, Any, None]]]:
        """What runs beside, by name."""
        return [
            ("object collector", self.collector.run()),
            ("object expiry", self.expiry.run()),
            ("object store watch", self.watch.run()),
        ]

    def followers(self) -> Mapping[str, Callable[[Any], None]]:
        """Who is told of a setting that was changed."""
        return {"object_store.run_object_expiry": self.expiry.set_keep}

    async def aclose(self) -> None:
        """Wait for what is being stored just now."""
        await self.service.close()


def build(
    database: Database,
    store: ObjectStore,
    clock: Clock,
    live: Live,
    reached: Callable[[str], None],
    on_fault: Callable[[str], None],
) -> ObjectParts:
    """`store` is open. `reached` is told each point at which a crash is interesting, `on_fault` how the store is."""
    locks, tally = DigestLocks(), Tally()
    watch = StoreWatch(store, on_fault)
    collector = Collector(database, store, locks, reached)
    expiry = ObjectExpiry(database, clock, collector, tally, reached, live.settings.object_store.run_object_expiry)
    putter = Putter(database, store, clock, live, locks, collector, tally, reached)
    service = Objects(database, store, clock, live, putter, collector, tally, reached, watch.notice)
    return ObjectParts(service, collector, expiry, watch)
