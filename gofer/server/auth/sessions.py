"""Logins of browsers: a session stands for the token that it was opened with, and ends with it.

What a browser's cookie holds is a secret of its own, so that the token itself is kept in no browser. The database has
digests only.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Iterable
from contextlib import suppress
from functools import partial
from typing import NamedTuple

from gofer.config.live import Live
from gofer.errors import NotAuthenticated, Unavailable
from gofer.server import correlation
from gofer.server.auth.caller import Caller
from gofer.server.auth.registry import Registry
from gofer.server.auth.tokens import digest_of, kind_of, new_token
from gofer.server.clock import Clock
from gofer.server.own_log import get_logger
from gofer.server.store import access
from gofer.server.store.access import StoredSession, StoredToken
from gofer.server.store.database import Database, Transaction

MOST = 100
"""So many sessions a token may have: with one more, that goes which was unused for the longest."""

SEEN_EVERY = 60_000
"""When a session was used last is written at most this often, in milliseconds."""

_AGAIN = 5_000
_LONGEST_AGENT = 200
_PURPOSE = b"gofer csrf"

_ELSEWHERE = "Somebody has signed out everywhere."
_OUT = "This browser has signed out."
_REPLACED = "This browser has signed in again."
_TOO_MANY = "There were too many sessions of this token."


class Ends(NamedTuple):
    """When a session ends, in milliseconds since the epoch: `at` the latest, and `idle` if it is not used any more."""

    at: int
    idle: int


def csrf_of(text: str) -> str:
    """What a page must say with each of its writes: only those can know it that may read the answers of this server.
    It follows from the session's secret `text`, and is stored nowhere."""
    return hmac.digest(text.encode(), _PURPOSE, "sha256").hex()


class Sessions:
    """Opens and ends them, and knows who comes with one. To be used in the event loop alone, with `run` beside it.

    `server.session_lifetime` and `server.session_idle_timeout` are asked for anew each time.
    """

    def __init__(self, registry: Registry, database: Database, clock: Clock, live: Live) -> None:
        self._registry = registry
        self._database = database
        self._clock = clock
        self._live = live
        self._changed = asyncio.Event()
        self._ended: set[bytes] = set()
        self._unwritten: set[bytes] = set()
        self._written: dict[bytes, int] = {}

    def caller(self, text: str) -> Caller | None:
        """Whom the text of a session stands for, which is used by that; None where it is not good (any more)."""
        if kind_of(text) != "session":
            return None
        digest, now = digest_of(text), self._clock.now()
        session = self._registry.session(digest)
        if session is None or self._end(session, now):
            return None
        caller = self._registry.caller_of_session(digest, now)
        if caller is not None:
            self._see(session, now)
            self._registry.note_use(caller.token, now, correlation.address())
        return caller

    def used(self, caller: Caller) -> None:
        """What was open with the caller's session is not any more: up to now it was in use."""
        session = self._registry.session(bytes.fromhex(caller.session)) if caller.session else None
        if session is not None:
            self._see(session, self._clock.now())

    def ends(self, caller: Caller) -> Ends | None:
        """When the caller's session does; None if there is none."""
        session = self._registry.session(bytes.fromhex(caller.session)) if caller.session else None
        return None if session is None else self._ends(session)

    async def open(self, stored: StoredToken, address: str, agent: str, replaced: str = "") -> tuple[str, Caller]:
        """A new session for a token that is good: its secret text, and who has it. `replaced` is the text of the one
        that the browser had before, if any, which ends. Raises NotAuthenticated if the token has ended meanwhile."""
        token, now = stored.token.id, self._clock.now()
        text = new_token("session")
        session = StoredSession(digest_of(text), token, now, now, address, agent[:_LONGEST_AGENT])
        before = digest_of(replaced) if replaced else b""
        old = {before: _REPLACED} if self._registry.session(before) is not None else {}
        left = sorted((one for one in self._registry.sessions(token) if one.digest not in old), key=_seen_at)
        old |= {one.digest: _TOO_MANY for one in left[: max(0, len(left) + 1 - MOST)]}
        there = await self._database.write(partial(_exchange, new=session, old=tuple(old)))
        for digest, why in old.items():
            self._registry.remove_session(digest, why)
        present = self._registry.token(token)
        caller = None
        if there and present is not None and present.digest == stored.digest:
            self._written[session.digest] = now
            self._registry.put_session(session)
            caller = self._registry.caller_of_session(session.digest, now)
            self._registry.note_use(token, now, address)
        self._changed.set()
        if caller is None:
            self._registry.remove_session(session.digest, "")
            self.forget(session.digest)
            raise NotAuthenticated("This token has ended just now.", "Sign in with one that is good.")
        return text, caller

    async def close(self, caller: Caller) -> None:
        """End the caller's own session."""
        await self._close([bytes.fromhex(caller.session)], _OUT)

    async def close_all(self, token: str) -> None:
        """End every session of a token."""
        await self._close([session.digest for session in self._registry.sessions(token)], _ELSEWHERE)

    def notice(self, _: object = None) -> None:
        """Something has changed on which it depends when sessions end."""
        self._changed.set()

    def forget(self, digest: bytes) -> None:
        """It has ended: its row goes, and what is known of it."""
        self._ended.add(digest)
        self._unwritten.discard(digest)
        self._written.pop(digest, None)
        self._changed.set()

    async def run(self) -> None:
        """End what is over, when it is, for ever; and write what is to be kept of those that go on. Faults of the store
        are waited out."""
        while True:
            self._changed.clear()
            due = await self.tidy()
            with suppress(TimeoutError):
                async with asyncio.timeout(None if due is None else max(0, due - self._clock.now()) / 1000):
                    await self._changed.wait()

    async def tidy(self) -> int | None:
        """Do once what `run` does; returns when there is something to do again, in milliseconds since the epoch."""
        now, due = self._clock.now(), []
        for session in self._registry.sessions():
            if why := self._end(session, now):
                self._registry.remove_session(session.digest, why)
            else:
                due.append(self._due(session, now))
        try:
            await self._write()
        except Unavailable as error:
            get_logger("gofer.auth").warning("sessions are not stored", detail=error.message)
            due.append(now + _AGAIN)
        return min(due, default=None)

    def _due(self, session: StoredSession, now: int) -> int:
        """When to look at it again. While something is open with it, what is on the disk follows: it is in use."""
        ends = self._ends(session)
        if not self._registry.lives.is_watched(session.digest.hex()):
            return min(ends)
        half = self._live.settings.server.session_idle_timeout // 2
        written = self._written.get(session.digest, session.seen_at)
        if now - written >= half:
            self._see(session, now)
            written = now
        return min(ends.at, written + half)

    async def _write(self) -> None:
        ended = tuple(self._ended)
        seen = [one for one in map(self._registry.session, tuple(self._unwritten)) if one is not None]
        if not ended and not seen:
            self._unwritten.clear()
            return
        await self._database.write(partial(_settle, ended=ended, seen=seen))
        self._ended.difference_update(ended)
        self._unwritten.difference_update(one.digest for one in seen)
        self._written |= {one.digest: one.seen_at for one in seen}

    async def _close(self, digests: list[bytes], why: str) -> None:
        await self._database.write(partial(_settle, ended=digests, seen=()))
        for digest in digests:
            self._registry.remove_session(digest, why)

    def _see(self, session: StoredSession, now: int) -> None:
        self._registry.put_session(session._replace(seen_at=now))
        if now - self._written.get(session.digest, 0) >= SEEN_EVERY and session.digest not in self._unwritten:
            self._unwritten.add(session.digest)
            self._changed.set()

    def _end(self, session: StoredSession, now: int) -> str:
        """A sentence that says why it has ended; empty: it has not."""
        stored = self._registry.token(session.token)
        if stored is None:
            return "The token of this session was deleted."
        token, ends = stored.token, self._ends(session)
        if token.disabled_at is not None:
            return "The token of this session is disabled."
        if now >= ends.at:
            rotated = token.rotated_at is not None and session.created_at < token.rotated_at
            return "The token of this session was rotated." if rotated else "This session has expired."
        if now >= ends.idle and not self._registry.lives.is_watched(session.digest.hex()):
            return "This session was not used for long."
        return ""

    def _ends(self, session: StoredSession) -> Ends:
        server = self._live.settings.server
        at = session.created_at + server.session_lifetime
        stored = self._registry.token(session.token)
        token = stored.token if stored is not None else None
        if token is not None and token.expires_at is not None:
            at = min(at, token.expires_at)
        if token is not None and token.rotated_at is not None and session.created_at < token.rotated_at:
            # It was opened with the text from before, and goes when that does.
            at = min(at, token.previous_until or token.rotated_at)
        return Ends(at, min(at, session.seen_at + server.session_idle_timeout))


def _exchange(tx: Transaction, *, new: StoredSession, old: Iterable[bytes]) -> bool:
    access.delete_sessions(tx, old)
    return access.insert_session(tx, new)


def _settle(tx: Transaction, *, ended: Iterable[bytes], seen: Iterable[StoredSession]) -> None:
    access.delete_sessions(tx, ended)
    access.see_sessions(tx, seen)


def _seen_at(session: StoredSession) -> int:
    return session.seen_at
