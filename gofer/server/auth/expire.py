"""The times of tokens: old texts that stop to hold, and expired tokens that are removed in the end."""

from __future__ import annotations

import asyncio
import contextlib

from gofer.errors import Unavailable
from gofer.models.access import Token
from gofer.server.auth.manage import Tokens
from gofer.server.auth.registry import Registry
from gofer.server.clock import Clock
from gofer.server.own_log import get_logger

_RETRY_SECONDS = 5.0
# Not longer, as a clock may be set.
_LONGEST_SECONDS = 3_600.0


class TokenExpiry:
    """A side task, which sleeps until the next of these times. That an expired token does nothing is not its doing:
    that holds from the very moment on.

    `retention`: for how long an expired token is still listed, in milliseconds.
    """

    def __init__(self, tokens: Tokens, registry: Registry, clock: Clock, retention: int) -> None:
        self._tokens = tokens
        self._registry = registry
        self._clock = clock
        self._retention = retention
        self._wake = asyncio.Event()

    def set_retention(self, retention: int) -> None:
        """From now on."""
        self._retention = retention
        self._wake.set()

    def notice(self) -> None:
        """A token was made or changed."""
        self._wake.set()

    async def run(self) -> None:
        """Until cancelled. Faults of the store are waited out."""
        while True:
            self._wake.clear()
            wait: float | None
            try:
                wait = await self.expire()
            except Unavailable as error:
                get_logger("gofer.auth").warning("expired tokens stay a while longer", why=error.message)
                wait = _RETRY_SECONDS
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._wake.wait()

    async def expire(self) -> float | None:
        """Do what is due. In how many seconds something may be next; None: nothing is. Raises Unavailable."""
        now = self._clock.now()
        for stored in self._registry.tokens():
            token = stored.token
            if token.previous_until is not None and now >= token.previous_until:
                await self._tokens.forget_previous(token.id)
            if token.expires_at is not None and now >= token.expires_at + self._retention:
                await self._tokens.remove_expired(token.id)
        times = [time for stored in self._registry.tokens() for time in self._times(stored.token)]
        if not times:
            return None
        return min(max(0.0, (min(times) - self._clock.now()) / 1000), _LONGEST_SECONDS)

    def _times(self, token: Token) -> list[int]:
        found = [] if token.previous_until is None else [token.previous_until]
        return found if token.expires_at is None else [*found, token.expires_at + self._retention]
