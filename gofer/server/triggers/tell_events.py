"""Telling a trigger of Gofer's own events: in their order, and each until it has been answered.

How far it is stands in the trigger's row. It is not written for each event, so after a crash the newest are told once
more: triggers make the ids of what they fire from what they are told of, and an event with a known id starts nothing.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

from gofer.errors import GoferError, TooLarge
from gofer.models.event import Event, Kind
from gofer.server.events.bus import Bus, Filter
from gofer.server.own_log import get_logger
from gofer.server.store import runs, triggers
from gofer.server.store.database import Database, Transaction
from gofer.server.triggers.contract import Session, TriggerRefused

TOLD: Final = frozenset(
    {
        Kind.PIPELINE_CREATED, Kind.PIPELINE_ENABLED, Kind.PIPELINE_DISABLED, Kind.PIPELINE_DELETED,
        Kind.VERSION_REGISTERED, Kind.RUN_QUEUED, Kind.RUN_STARTED, Kind.RUN_ENDED,
    }
)  # fmt: skip
"""What triggers may ask for: what pipelines and runs do, and nothing of who did what, of secrets or of the server."""

UpToDate = Callable[[], Awaitable[None]]
"""Returns when the trigger has been told of the subscriptions that there are by then."""

WINDOW: Final = 64
"""So many events may wait for their answer."""

_ANSWER_SECONDS = 60.0
_STORE_SECONDS = 1.0
_PAUSE = 1.0


class EventTeller:
    """One for all triggers."""

    def __init__(self, database: Database, bus: Bus) -> None:
        self._database = database
        self._bus = bus
        self._log = get_logger("gofer.triggers")

    async def tell(self, session: Session, up_to_date: UpToDate) -> None:
        """To be called when the trigger has its subscriptions. Returns at once if it wants no events; otherwise goes
        on until it is cancelled."""
        wanted = frozenset(session.info.events)
        if unknown := sorted(wanted - TOLD):
            self._log.warning(
                "a trigger asks for events that triggers are not told of", trigger=session.trigger, kinds=unknown
            )
        kinds = wanted & TOLD
        if not kinds:
            # Should it want some one day, it is from then on.
            await self._store(session, self._bus.last_seq)
            return
        await _Course(self._database, self._bus, session, Filter(kinds=kinds), up_to_date).run()

    async def _store(self, session: Session, position: int) -> None:
        await self._database.write_patiently(lambda tx: triggers.set_events_seq(tx, session.trigger_key, position))


class _Course:
    """One connection's. Everything up to `position` is answered, and up to `stored` the store knows it; at first that
    is not known."""

    def __init__(self, database: Database, bus: Bus, session: Session, filter_: Filter, up_to_date: UpToDate) -> None:
        self._database = database
        self._bus = bus
        self._session = session
        self._filter = filter_
        self._up_to_date = up_to_date
        self._position = self._stored = -1
        self._clock = asyncio.get_running_loop().time
        self._stored_at = self._clock()
        self._log = get_logger("gofer.triggers")

    async def run(self) -> None:
        """Until it is cancelled."""
        try:
            while True:
                await self._tell_until_fault()
                await asyncio.sleep(_PAUSE)
        finally:
            if self._position > self._stored:
                # If the store does not take it now, some are told again.
                with suppress(GoferError):
                    await self._database.write(self._set)

    async def _tell_until_fault(self) -> None:
        try:
            await self._go_on()
        except* GoferError as group:
            # The store is away, or the trigger too slow. If the connection is over, this is cancelled.
            problem = str(group.exceptions[0])
            self._log.warning("a trigger waits for events", trigger=self._session.trigger, problem=problem)

    async def _go_on(self) -> None:
        """From the position on. Raises GoferError, also in a group: what is not answered then is told again."""
        if self._position < 0:
            key = self._session.trigger_key
            self._position = self._stored = await self._database.read(lambda found: triggers.events_seq(found, key))
        course = self._bus.subscribe(self._filter, self._position)
        while True:
            try:
                # What is new is waited for as long as nothing is left to write.
                async with asyncio.timeout(_STORE_SECONDS if self._position > self._stored else None):
                    events = await anext(course)
            except TimeoutError:
                await self._store()
                continue
            for start in range(0, len(events), WINDOW):
                await self._tell_all(events[start : start + WINDOW])
                if self._clock() - self._stored_at >= _STORE_SECONDS:
                    await self._store()

    async def _tell_all(self, events: Sequence[Event]) -> None:
        # An event must not overtake the subscription that was made before it.
        await self._up_to_date()
        ended = [event.seq for event in events if event.kind == Kind.RUN_ENDED]

        def look(connection: sqlite3.Connection) -> dict[int, dict[str, Any]]:
            return runs.parameters_of_events(connection, ended)

        parameters = await self._database.read(look) if ended else {}
        async with asyncio.TaskGroup() as group:
            for event in events:
                name = f"tell {self._session.trigger} of event {event.seq}"
                group.create_task(self._tell(event, parameters.get(event.seq)), name=name)
        self._position = events[-1].seq

    async def _tell(self, event: Event, parameters: Mapping[str, Any] | None) -> None:
        """Until it is answered. Raises TriggerAway."""
        fields = _fields(event, parameters)
        while True:
            try:
                await self._session.request("event", {"event": fields}, _ANSWER_SECONDS)
                return
            except TooLarge as error:
                self._failed(event, error)
                if parameters is None:
                    return
                parameters, fields = None, _fields(event, None)
            except TriggerRefused as error:
                if error.code != "unavailable":
                    self._failed(event, error)
                    return
                await asyncio.sleep(_PAUSE)

    def _failed(self, event: Event, error: GoferError) -> None:
        self._log.warning(
            "a trigger could not make anything of an event",
            trigger=self._session.trigger, seq=event.seq, problem=error.message,
        )  # fmt: skip

    async def _store(self) -> None:
        position = self._position
        await self._database.write_patiently(self._set)
        self._stored, self._stored_at = position, self._clock()

    def _set(self, tx: Transaction) -> None:
        triggers.set_events_seq(tx, self._session.trigger_key, self._position)


def _fields(event: Event, parameters: Mapping[str, Any] | None) -> dict[str, Any]:
    """As `gofer event list --format json` shows it; the parameters of a run that has ended are told here only."""
    data = event.data if parameters is None else {**event.data, "parameters": parameters}
    return {
        "seq": event.seq,
        "at": event.at,
        "kind": event.kind,
        "namespace": event.namespace,
        "pipeline": event.pipeline,
        "run": event.run,
        "data": data,
    }
