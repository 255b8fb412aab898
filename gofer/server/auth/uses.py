"""When and from where each token was used last: in memory at once, on the disk now and then."""

from __future__ import annotations

import asyncio

from gofer.errors import Unavailable
from gofer.server.auth.registry import Registry
from gofer.server.own_log import get_logger
from gofer.server.store import access
from gofer.server.store.database import Database

INTERVAL_SECONDS = 60.0


class TokenUses:
    """A side task. No request writes: what was used is written together, at most once in `interval` seconds."""

    def __init__(self, registry: Registry, database: Database, interval: float = INTERVAL_SECONDS) -> None:
        self._registry = registry
        self._database = database
        self._interval = interval
        self._used: set[str] = set()
        self._wake = asyncio.Event()

    def note(self, token: str) -> None:
        """The registry has a new last use of it."""
        self._used.add(token)
        self._wake.set()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self._wake.wait()
            try:
                await self.write()
            except Unavailable as error:
                get_logger("gofer.auth").warning("the last use of tokens is written later", why=error.message)
            await asyncio.sleep(self._interval)

    async def write(self) -> None:
        """Write what is not on the disk yet. Raises Unavailable; then it is written the next time."""
        used, self._used = self._used, set()
        self._wake.clear()
        tokens = [stored.token for one in used if (stored := self._registry.token(one)) is not None]
        rows = [(token.last_used_at or 0, token.last_used_from, token.id) for token in tokens]
        if not rows:
            return
        try:
            await self._database.write(lambda tx: access.note_token_uses(tx, rows))
        except Unavailable:
            self._used |= used
            self._wake.set()
            raise
