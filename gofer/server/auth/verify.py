"""Whom a token stands for."""

from __future__ import annotations

from gofer.errors import NotAuthenticated
from gofer.server import correlation
from gofer.server.auth.caller import Caller
from gofer.server.auth.registry import Registry
from gofer.server.auth.tokens import digest_of, kind_of
from gofer.server.clock import Clock
from gofer.server.store import run_tokens
from gofer.server.store.database import Database


class Verifier:
    """Finds it out, and never by comparing secrets: they are looked up by their digests."""

    def __init__(self, registry: Registry, database: Database, clock: Clock) -> None:
        self._registry = registry
        self._database = database
        self._clock = clock

    @property
    def is_claimed(self) -> bool:
        """Whether there is any token at all."""
        return not self._registry.is_empty

    async def of_token(self, text: str) -> Caller:
        """Raises NotAuthenticated, or Unavailable if the database cannot be asked."""
        kind = kind_of(text)
        if kind == "run":
            return await self._of_run(text)
        if kind == "trigger":
            return self._of_trigger(text)
        if kind in ("management", "client"):
            return self._used(self._registry.caller_of_token(text, self._clock.now()))
        raise NotAuthenticated(
            "This is no token that Gofer has made.", "Send it whole, from gofer_ to its last letter: Bearer gofer_…"
        )

    def _used(self, caller: Caller) -> Caller:
        self._registry.note_use(caller.token, self._clock.now(), correlation.address())
        return caller

    def _of_trigger(self, text: str) -> Caller:
        trigger = self._registry.triggers.get(digest_of(text))
        if trigger is None:
            raise NotAuthenticated(
                "This secret is dead: it was made for a start of a trigger that is over.",
                "Gofer gives each start of a trigger its own, in GOFER_TRIGGER_SECRET.",
            )
        return Caller("trigger", trigger=trigger)

    async def _of_run(self, text: str) -> Caller:
        digest = digest_of(text)
        found = await self._database.read(lambda connection: run_tokens.get(connection, digest))
        if found is None:
            raise NotAuthenticated(
                "This token is dead: its run has ended.",
                "A task's token holds until its run ends. Each attempt finds its own in GOFER_API_TOKEN.",
            )
        return self._registry.of_run(*found)
