"""Idempotency-Key: a write that is sent again with the same key is answered again, and done once.

The answer is stored with a fingerprint of the request. Services that take `also` store it in the same transaction as
the effect: after a crash there are both or neither. For the others it is stored right after the effect; a crash between
the two means that the request, sent again, is carried out as if it had no key. Those are writes that set a state
(update, delete, cancel): doing one again changes nothing, though it may be answered with 404 or 409.

Only success is stored: a request that was refused changed nothing and may be sent again with the same key.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from gofer.errors import BadRequest, GoferError, InvalidInput
from gofer.models.ids import shown
from gofer.server.clock import Clock
from gofer.server.store import idempotency as rows
from gofer.server.store.database import Database, Transaction

MAX_KEY = 200

_KEY = re.compile(rf"[!-~]{{1,{MAX_KEY}}}\Z")


class Kept(NamedTuple):
    """An answer as it is stored: its status and its body as JSON."""

    status: int
    body: bytes


class Ticket:
    """The right to carry out one request with a key. `kept` turns true once its answer is stored."""

    def __init__(self, key: str, fingerprint: str, clock: Clock) -> None:
        self._key = key
        self._fingerprint = fingerprint
        self._clock = clock
        self.kept = False

    def keep(self, tx: Transaction, answer: Kept) -> None:
        """Store the answer as part of the effect's transaction."""
        rows.insert(tx, self._key, self._fingerprint, answer.status, answer.body, self._clock.now())
        self.kept = True


class Idempotency:
    """Sees to it that requests with the same key are carried out one after the other, and one of them only."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._in_flight: dict[str, tuple[str, asyncio.Event]] = {}

    async def once(
        self, key: str, fingerprint: str, act: Callable[[Ticket], Awaitable[Kept]], owner: str = ""
    ) -> tuple[Kept, bool]:
        """The answer, and whether it is an old one; `act` is called unless there is one.

        Each `owner` has keys of its own. A second request waits for the first. Raises InvalidInput if the key was used
        for another request, and whatever `act` raises.
        """
        # No key has a space in it.
        owned = f"{owner} {key}" if owner else key
        while (running := self._in_flight.get(owned)) is not None:
            _same(running[0], fingerprint, key)
            await running[1].wait()
        done = asyncio.Event()
        self._in_flight[owned] = (fingerprint, done)
        try:
            stored = await self._database.read(lambda connection: rows.get(connection, owned))
            if stored is not None:
                _same(stored.fingerprint, fingerprint, key)
                return Kept(stored.status, stored.body), True
            ticket = Ticket(owned, fingerprint, self._clock)
            answer = await act(ticket)
            if not ticket.kept:
                await self._keep_late(ticket, answer)
            return answer, False
        finally:
            del self._in_flight[owned]
            done.set()

    async def _keep_late(self, ticket: Ticket, answer: Kept) -> None:
        try:
            await self._database.write(lambda tx: ticket.keep(tx, answer))
        except GoferError:
            # The effect is there and must be acknowledged; that this key is forgotten is the lesser evil.
            return


def check_key(value: bytes) -> str:
    """The key of an Idempotency-Key header. Raises BadRequest."""
    key = value.decode("latin-1")
    if _KEY.match(key) is None:
        hint = f"Use 1 to {MAX_KEY} printable ASCII characters without spaces, such as a UUID."
        raise BadRequest(f"{shown(key)} cannot be an Idempotency-Key.", hint)
    return key


def fingerprint_of(method: str, raw_path: str, query: bytes, body: bytes) -> str:
    """What makes two requests the same, as hex."""
    digest = hashlib.sha256()
    for part in (method.encode(), raw_path.encode(), query):
        digest.update(len(part).to_bytes(4, "big"))
        digest.update(part)
    digest.update(body)
    return digest.hexdigest()


def _same(known: str, given: str, key: str) -> None:
    if known != given:
        raise InvalidInput(
            f"The Idempotency-Key {shown(key)} was used for another request.",
            "Make a new key for each request; use one again only to send the very same request again.",
        )
