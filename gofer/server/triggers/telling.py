"""Telling one trigger, over one connection, what its subscriptions are: by key, from what the store has at that moment.

Whatever changes, in whatever order, a key is only noted here; the trigger hears of its present state, one telling of a
key at a time. So no two changes overtake each other, and none can be lost between the commit and the trigger.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from functools import partial
from itertools import islice
from typing import NamedTuple

from gofer.errors import GoferError, Unavailable
from gofer.models.trigger import SubscriptionState
from gofer.server.own_log import get_logger
from gofer.server.pipelines.subscription_settings import secrets_of
from gofer.server.store import subscriptions
from gofer.server.store.database import Database
from gofer.server.store.subscriptions import SubscriptionRow
from gofer.server.triggers.check import warnings_of
from gofer.server.triggers.contract import Session, TriggerAway, TriggerRefused
from gofer.server.triggers.reveal import Revealer, Settings, Unrevealed
from gofer.server.triggers.tell_events import EventTeller

_BATCH = 500
_AT_ONCE = 64
_AGAIN_SECONDS = 5.0


class Told(NamedTuple):
    """How a subscription stands with its trigger; `detail` says why it is not active."""

    state: SubscriptionState
    detail: str = ""
    warnings: tuple[str, ...] = ()


Use = tuple[str, str, str]
"""A secret that settings name: namespace and pipeline (both empty for a global one), and key."""

_UNTOLD = Told("pending", "The trigger is being told.")
_ACTIVE = Told("active")


class Telling:
    """One connection's. `run` once; everything else in the same event loop. `events` tells of Gofer's own."""

    def __init__(self, session: Session, database: Database, revealer: Revealer, events: EventTeller) -> None:
        self._session = session
        self._events = events
        self._database = database
        self._revealer = revealer
        self._due: dict[int, None] = {}
        self._under_way: set[int] = set()
        self._moved = asyncio.Event()
        self._window = asyncio.Semaphore(_AT_ONCE)
        self._told: dict[int, Told] = {}
        self._uses: dict[Use, set[int]] = {}
        self._waiting: dict[int, list[asyncio.Future[None]]] = {}
        self._later: set[asyncio.TimerHandle] = set()

    async def run(self) -> None:
        """Tell all there are, then `ready`, then what changes, for ever. Raises Unavailable, TriggerAway or
        TriggerRefused where not even the beginning can be made."""
        trigger = self._session.trigger
        try:
            self.note(await self._database.read(lambda c: subscriptions.keys_of_trigger(c, trigger)))
            async with asyncio.TaskGroup() as group:
                await self._work_off(group)
                await self._session.request("ready", {})
                group.create_task(self._events.tell(self._session, self._up_to_date), name=f"events for {trigger}")
                while True:
                    await self._moved.wait()
                    await self._work_off(group)
        finally:
            for handle in self._later:
                handle.cancel()
            for futures in self._waiting.values():
                for future in futures:
                    if not future.done():
                        future.set_result(None)

    def note(self, keys: Iterable[int]) -> None:
        """These are to be told, as they are others now."""
        self._due.update(dict.fromkeys(keys))
        self._moved.set()

    def note_secret(self, use: Use) -> None:
        """A secret has another value, or is gone."""
        self.note(self._uses.get(use, ()))

    def state(self, key: int) -> Told:
        return self._told.get(key, _UNTOLD)

    async def settled(self, key: int) -> None:
        """Return when there is nothing to be told of this one."""
        while key in self._due or key in self._under_way:
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.setdefault(key, []).append(future)
            await future

    async def _up_to_date(self) -> None:
        """Return when the trigger knows what there is to be told of now."""
        for key in {*self._due, *self._under_way}:
            await self.settled(key)

    async def _work_off(self, group: asyncio.TaskGroup) -> None:
        """Return when nothing is due and nothing under way."""
        while self._due or self._under_way:
            self._moved.clear()
            keys = list(islice((key for key in self._due if key not in self._under_way), _BATCH))
            if not keys:
                await self._moved.wait()
                continue
            for key in keys:
                del self._due[key]
            self._under_way.update(keys)
            rows = await self._rows(keys)
            for key in keys:
                await self._window.acquire()
                group.create_task(self._tell(key, rows.get(key)), name=f"tell {self._session.trigger} of {key}")
            await self._revealer.settle()
        self._moved.clear()

    async def _rows(self, keys: list[int]) -> dict[int, SubscriptionRow]:
        while True:
            try:
                return await self._database.read(partial(subscriptions.by_keys, keys=keys))
            except Unavailable as error:
                get_logger("gofer.triggers").warning(
                    "a trigger waits for the store", trigger=self._session.trigger, problem=error.message
                )
            await asyncio.sleep(_AGAIN_SECONDS)

    async def _tell(self, key: int, row: SubscriptionRow | None) -> None:
        try:
            if row is None:
                await self._end(key)
                self._told.pop(key, None)
            else:
                self._told[key] = await self._subscribe(row)
        except (TriggerAway, Unavailable) as error:
            self._told[key] = Told("pending", error.message)
            self._tell_again(key)
        except GoferError as error:  # such as a frame that is too long
            self._told[key] = Told("refused", error.message)
        finally:
            self._window.release()
            self._under_way.discard(key)
            self._moved.set()
            for future in self._waiting.pop(key, ()):
                if not future.done():
                    future.set_result(None)

    async def _subscribe(self, row: SubscriptionRow) -> Told:
        """How it stands from now on. Raises TriggerAway or Unavailable."""
        self._remember_uses(row)
        try:
            settings = await self._revealer.settings(row.namespace, row.pipeline, row.settings)
        except Unrevealed as error:
            # With settings of an earlier moment it must not go on.
            if row.key in self._told:
                await self._end(row.key)
            return Told("refused", f"{error.message}. {error.hint}")
        try:
            reply = await self._session.request("subscribe", _fields(row, settings))
        except TriggerRefused as error:
            words = settings.masks.text(error.message)
            if error.code != "unavailable":
                return Told("refused", words)
            self._tell_again(row.key)
            return Told("pending", words)
        warnings = warnings_of(reply)
        return Told("active", "", tuple(map(settings.masks.text, warnings))) if warnings else _ACTIVE

    async def _end(self, key: int) -> None:
        try:
            await self._session.request("unsubscribe", {"subscription": str(key)})
        except TriggerRefused as error:
            get_logger("gofer.triggers").warning(
                "a trigger does not end a subscription", trigger=self._session.trigger, problem=error.message
            )

    def _tell_again(self, key: int) -> None:
        def due() -> None:
            self._later.discard(handle)
            self.note([key])

        handle = asyncio.get_running_loop().call_later(_AGAIN_SECONDS, due)
        self._later.add(handle)

    def _remember_uses(self, row: SubscriptionRow) -> None:
        for use in uses_of(row):
            self._uses.setdefault(use, set()).add(row.key)


def uses_of(row: SubscriptionRow) -> list[Use]:
    """The secrets that its settings name."""
    return [
        (row.namespace, row.pipeline, one.key) if one.kind == "secret" else ("", "", one.key)
        for one in secrets_of(row.settings)
    ]


def _fields(row: SubscriptionRow, settings: Settings) -> dict[str, object]:
    return {
        "subscription": str(row.key),
        "namespace": row.namespace,
        "pipeline": row.pipeline,
        "label": row.label,
        "settings": settings.values,
        "created_at": row.changed_at,
        "last_event_at": row.last_event_at,
        "last_event": row.last_event,
    }
