"""The events that Gofer has not yet acknowledged."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Mapping
from typing import Any, Final

from gofer_sdk.trigger.errors import LinkLost, NotFired, PeerError, ProtocolError
from gofer_sdk.trigger.frames import Fields
from gofer_sdk.trigger.link import Link
from gofer_sdk.trigger.values import Fired

MOST: Final = 10_000
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0


class _Entry:
    """An event, and who waits for what comes of it."""

    def __init__(self, fields: dict[str, object], future: asyncio.Future[Fired]) -> None:
        self.fields = fields
        self.future = future
        # Who waits may be cancelled: then nobody asks for the exception, and that is right.
        future.add_done_callback(lambda done: None if done.cancelled() else done.exception() and None)

    @property
    def key(self) -> tuple[object, object]:
        return self.fields["event"], self.fields["subscription"]


class Outbox:
    """Keeps events, at most `most` of them, and tells them on one link after the other until they are answered."""

    def __init__(self, log: logging.Logger, most: int = MOST) -> None:
        self._log = log
        self._most = most
        self._entries: dict[tuple[object, object], _Entry] = {}
        self._untold: deque[_Entry] = deque()
        self._news = asyncio.Event()
        self._empty = asyncio.Event()
        self._empty.set()
        self._dropped = 0

    def __len__(self) -> int:
        return len(self._entries)

    async def put(self, fields: Mapping[str, object]) -> Fired:
        """Keep an event until it is answered. Raises NotFired. One that is kept already is not kept twice."""
        entry = _Entry(dict(fields), asyncio.get_running_loop().create_future())
        if (known := self._entries.get(entry.key)) is not None:
            return await asyncio.shield(known.future)
        if len(self._entries) >= self._most:
            self._drop_oldest()
        self._entries[entry.key] = entry
        self._empty.clear()
        self._untold.append(entry)
        self._news.set()
        return await asyncio.shield(entry.future)

    async def tell(self, link: Link, at_once: int) -> None:
        """Tell all events on this link, oldest first, `at_once` of them without waiting; ends when it is cancelled."""
        self._untold = deque(self._entries.values())
        slots = asyncio.Semaphore(max(at_once, 1))
        async with asyncio.TaskGroup() as group:
            while True:
                while not self._untold:
                    self._news.clear()
                    await self._news.wait()
                await slots.acquire()
                if not self._untold or (entry := self._untold.popleft()).future.done():
                    slots.release()
                    continue
                task = group.create_task(self._tell(entry, link), name="fire")
                task.add_done_callback(lambda _: slots.release())

    async def empty(self) -> None:
        """Wait until all is answered."""
        await self._empty.wait()

    async def _tell(self, entry: _Entry, link: Link) -> None:
        pause = _FIRST_PAUSE
        while not entry.future.done():
            try:
                fired = _fired(await link.request("fire", **entry.fields))
                # It may have been dropped meanwhile, as the oldest.
                if not entry.future.done():
                    entry.future.set_result(fired)
            except LinkLost:
                return
            except (PeerError, ProtocolError) as error:
                code = error.code if isinstance(error, PeerError) else "invalid"
                if code == "unavailable":
                    await asyncio.sleep(pause)
                    pause = min(pause * 2, _LONGEST_PAUSE)
                    continue
                self._log.error("Gofer did not take the event %s: %s", entry.fields["event"], error)
                if not entry.future.done():
                    entry.future.set_exception(NotFired(code, str(error)))
        self._forget(entry)

    def _forget(self, entry: _Entry) -> None:
        # One that was dropped may have been told of anew.
        if self._entries.get(entry.key) is entry:
            del self._entries[entry.key]
        if not self._entries:
            self._empty.set()

    def _drop_oldest(self) -> None:
        oldest = next(iter(self._entries.values()))
        self._forget(oldest)
        self._dropped += 1
        text = f"More than {self._most:,} events wait for Gofer: the oldest is dropped, {oldest.fields['event']}."
        self._log.error("%s %d so far.", text, self._dropped)
        if not oldest.future.done():
            oldest.future.set_exception(NotFired("dropped", text))


def _fired(reply: Fields) -> Fired:
    """What a reply says. Raises ProtocolError."""
    shape: list[tuple[str, Any, object]] = [
        ("outcome", str, None),
        ("detail", str, ""),
        ("run", int | None, None),
        ("url", str, ""),
        ("duplicate", bool, False),
    ]
    found = {}
    for name, kind, default in shape:
        found[name] = reply.get(name, default)
        if not isinstance(found[name], kind):
            raise ProtocolError(f'The reply to fire has a wrong "{name}": {found[name]!r:.80}.')
    return Fired(**found)
