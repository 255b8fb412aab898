"""When triggers will start pipelines: asked of them, and kept until that time has come."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import NamedTuple
from weakref import WeakKeyDictionary

from gofer.errors import GoferError
from gofer.server.clock import Clock
from gofer.server.store.subscriptions import SubscriptionRow
from gofer.server.triggers.contract import Session, Sessions
from gofer.server.triggers.subscribe import Subscriber

# Who looks at many pipelines does not wait for a trigger that is slow to answer.
_SECONDS = 0.3
_ASK_AGAIN_MS = 10_000


class _Told(NamedTuple):
    """`at` None: it will not, or has not said when. Good for settings as of `changed_at`, until `until`."""

    at: int | None
    changed_at: int
    until: int


class NextStarts:
    """Used in the event loop only."""

    def __init__(self, sessions: Sessions, subscriber: Subscriber, clock: Clock) -> None:
        self._sessions = sessions
        self._subscriber = subscriber
        self._clock = clock
        # What a trigger has said holds for as long as it is the same that is connected.
        self._told: WeakKeyDictionary[Session, dict[int, _Told]] = WeakKeyDictionary()

    async def of(self, rows: Iterable[SubscriptionRow]) -> dict[str, int]:
        """The earliest time of each pipeline's, in milliseconds, by the pipeline's id (all are of one namespace);
        without those of which none is known."""
        found: dict[str, int] = {}
        asked: list[tuple[SubscriptionRow, Session, dict[int, _Told]]] = []
        now = self._clock.now()
        for row in rows:
            session = self._sessions.find(row.trigger)
            if session is None or not session.info.next or self._subscriber.state(row).state != "active":
                continue
            told = self._told.setdefault(session, {})
            known = told.get(row.key)
            if known is None or known.changed_at != row.changed_at or known.until <= now:
                asked.append((row, session, told))
            elif known.at is not None:
                found[row.pipeline] = min(known.at, found.get(row.pipeline, known.at))
        for (row, _, told), one in zip(asked, await self._ask(asked), strict=True):
            told[row.key] = _Told(one, row.changed_at, one or now + _ASK_AGAIN_MS)
            if one is not None:
                found[row.pipeline] = min(one, found.get(row.pipeline, one))
        return found

    async def _ask(self, asked: Sequence[tuple[SubscriptionRow, Session, object]]) -> Sequence[int | None]:
        now = self._clock.now()

        async def one(row: SubscriptionRow, session: Session) -> int | None:
            times = await next_times(session, row.key, 1, _SECONDS)
            return times[0] if times and times[0] > now else None

        return await asyncio.gather(*(one(row, session) for row, session, _ in asked))


async def next_times(session: Session, subscription: int, count: int, seconds: float) -> list[int]:
    """When a trigger will next fire for a subscription, the next `count` times, in milliseconds; none where it does not
    answer in so many seconds, or not well."""
    with suppress(GoferError):
        fields = {"subscription": str(subscription), "count": count}
        times = (await session.request("next", fields, seconds)).get("times")
        if isinstance(times, list):
            return [one for one in times[:count] if isinstance(one, int) and 0 <= one < 2**53]
    return []
