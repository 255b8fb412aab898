"""Looking up what triggers have told of, and what came of it: why did nothing happen?"""

from __future__ import annotations

import sqlite3

from gofer.errors import NotFound
from gofer.models.ids import shown
from gofer.models.page import Page
from gofer.models.trigger import EventOutcome, TriggerEvent
from gofer.server.pipelines.view import require_pipeline
from gofer.server.store import trigger_events
from gofer.server.store.database import Database
from gofer.server.store.event_filter import Sight

_BATCH = 500
_MOST_BATCHES = 40
"""So many are looked at by one call, at most, where most of them may not be seen."""


class ToldEvents:
    """One method for each list; newest first, the cursor is the last number of the page before."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of_trigger(
        self,
        trigger: str,
        cursor: int | None,
        limit: int,
        *,
        seen: Sight,
        nobodys: bool,
        outcome: EventOutcome | None = None,
        namespace: str | None = None,
        pipeline: str | None = None,
    ) -> Page[TriggerEvent]:
        """Those of one trigger that `seen` covers; `nobodys`: and those without a subscription. A page may have few
        items and a `next`. Raises NotFound."""

        def look(connection: sqlite3.Connection) -> Page[TriggerEvent]:
            key = trigger_events.trigger_key(connection, trigger)
            if key is None:
                hint = "See what is there with: gofer trigger list."
                raise NotFound(f"There is no trigger {shown(trigger)}", hint)
            before = trigger_events.LAST if cursor is None else cursor
            found: list[TriggerEvent] = []
            for _ in range(_MOST_BATCHES):
                rows = trigger_events.of_trigger(
                    connection, key, trigger, before, _BATCH, outcome=outcome, namespace=namespace, pipeline=pipeline
                )
                for row in rows:
                    if nobodys if not row.namespace else seen.covers(row.namespace, row.pipeline):
                        if len(found) == limit:
                            return Page(items=found, next=str(found[-1].id))
                        found.append(row)
                if len(rows) < _BATCH:
                    return Page(items=found, next=None)
                before = rows[-1].id
            return Page(items=found, next=str(before))

        return await self._database.read(look)

    async def of_pipeline(
        self, namespace: str, pipeline: str, cursor: int | None, limit: int, outcome: EventOutcome | None = None
    ) -> Page[TriggerEvent]:
        """Those of a pipeline, of all triggers. Raises NotFound."""

        def look(connection: sqlite3.Connection) -> Page[TriggerEvent]:
            require_pipeline(connection, namespace, pipeline)
            before = trigger_events.LAST if cursor is None else cursor
            found = trigger_events.of_pipeline(connection, namespace, pipeline, before, limit + 1, outcome)
            items = found[:limit]
            return Page(items=items, next=str(items[-1].id) if len(found) > limit else None)

        return await self._database.read(look)
