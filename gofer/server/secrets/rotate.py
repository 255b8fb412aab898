"""Encrypting every secret with the current key, while all of them are used."""

from __future__ import annotations

import asyncio

from gofer.engines.secret_store.base import SecretStore
from gofer.models.event import Kind
from gofer.models.secret import Rotation
from gofer.server.clock import Clock
from gofer.server.own_log import get_logger
from gofer.server.secrets.told import told
from gofer.server.store.database import Database


class Rotator:
    """One rotation at a time: whoever asks while one is on its way waits, and then finds nothing left to do."""

    def __init__(self, store: SecretStore, database: Database, clock: Clock) -> None:
        self._store = store
        self._database = database
        self._clock = clock
        self._one = asyncio.Lock()

    async def rotate(self, *, by: str = "") -> Rotation:
        """Works in short steps, each of which is on disk before the next: after a sudden end it is run again.

        Raises Conflict where no encryption key is configured, or Unavailable.
        """
        async with self._one:
            rotated = 0
            while True:
                step = await self._store.rotate()
                rotated += step.rotated
                if step.rotated == 0:
                    break
            rotation = Rotation(rotated=rotated, total=step.total, damaged=step.total - step.done)
            if rotation.damaged:
                get_logger("gofer").error(
                    "values of the secret store do not decrypt", damaged=rotation.damaged, total=rotation.total
                )
            data = {"rotated": rotated, "total": step.total, **told(by)}
            if rotation.damaged:
                data["damaged"] = rotation.damaged
            at = self._clock.now()
            await self._database.write(lambda tx: tx.emit(Kind.SECRETS_ROTATED, at, data=data))
            return rotation
