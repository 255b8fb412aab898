"""Watching over the object store: does it work."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from gofer.engines.object_store.base import ObjectStore
from gofer.errors import Unavailable

_PATIENCE = 5.0
_INTERVAL = 1.0


class StoreWatch:
    """`fault` says what is wrong with the store, and is empty while it works; `on_fault` is told of each change."""

    def __init__(self, store: ObjectStore, on_fault: Callable[[str], None], *, interval: float = _INTERVAL) -> None:
        self._store = store
        self._on_fault = on_fault
        self._interval = interval
        self._wake = asyncio.Event()
        self._looking: asyncio.Task[None] | None = None
        self.fault = ""

    def notice(self) -> None:
        """The store could not do what it was asked for: look soon."""
        self._wake.set()

    async def check(self) -> None:
        """Bring `fault` up to date. Never raises. One look is for all who ask meanwhile, as anybody may."""
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look(), name="look at the object store")
        await asyncio.shield(self._looking)

    async def _look(self) -> None:
        try:
            async with asyncio.timeout(_PATIENCE):
                await self._store.check()
        except Unavailable as error:
            self._set(error.message)
        except TimeoutError:
            self._set(f"The object store {self._store.name} does not answer")
        else:
            self._set("")

    async def run(self) -> None:
        """Look when somebody has noticed something, and then until the store works again. Until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            await self.check()
            while self.fault:
                await asyncio.sleep(self._interval)
                await self.check()

    def _set(self, fault: str) -> None:
        if fault == self.fault:
            return
        self.fault = fault
        if fault:
            self._wake.set()
        self._on_fault(fault)
