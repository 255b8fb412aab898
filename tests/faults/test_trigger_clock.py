"""The machine's clock is set while cron runs: forwards, back, and to just before a time that is due."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from gofer_sdk.testing.gofer_side import GoferSide, Peer
from tests.faults.test_clock_back import LIBRARY

PATIENCE = 30


class Cron:
    """The trigger as a process of its own whose clock can be set, and Gofer's side of it."""

    def __init__(self, folder: Path) -> None:
        self._clock = folder / "clock"
        # From the middle of an hour on, so that none begins while something else is looked at.
        now = datetime.now(UTC)
        self._shift = now.replace(minute=30, second=0, microsecond=0) - now
        self.set(timedelta())
        self.peer: Peer

    def now(self) -> datetime:
        """What the trigger takes for the time."""
        return datetime.now(UTC) + self._shift

    def set(self, by: timedelta) -> None:
        """Set its clock, from where it is."""
        self._shift += by
        whole = self._clock.with_suffix(".new")
        whole.write_text(f"{self._shift.total_seconds():+.3f}")
        whole.rename(self._clock)

    def set_before_the_hour(self) -> datetime:
        """Set its clock forwards, to a second before the next full hour; returns that hour."""
        now = self.now()
        hour = (now + timedelta(hours=1)).replace(minute=0, second=0, microsecond=0)
        if hour - now > timedelta(seconds=1):
            self.set(hour - now - timedelta(seconds=1))
        return hour

    async def subscribe(self, subscription: str, **fields: object) -> None:
        now = int(self.now().timestamp() * 1000)
        settings = {"expression": "0 * * * *", "catch_up": "last"}
        where = {"namespace": "default", "pipeline": "p", "label": subscription}
        told = {"created_at": now, "last_event_at": None, "last_event": None}
        await self.peer.request("subscribe", subscription=subscription, settings=settings, **where, **told | fields)

    async def fired(self) -> dict[str, Any]:
        return await asyncio.wait_for(self.peer.fires.get(), PATIENCE)

    @asynccontextmanager
    async def running(self, folder: Path) -> AsyncIterator[None]:
        fake = {"LD_PRELOAD": LIBRARY, "FAKETIME_TIMESTAMP_FILE": str(self._clock), "FAKETIME_NO_CACHE": "1"}
        async with GoferSide(folder, name="cron") as side:
            environ = {**os.environ, **side.environment(), **fake, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
            command = [sys.executable, "-m", "gofer", "builtin", "trigger", "cron"]
            process = await asyncio.create_subprocess_exec(*command, env=environ)
            try:
                self.peer = await side.connection(PATIENCE)
                await self.peer.request("configure", settings={})
                await self.peer.request("ready")
                yield
                await self.peer.request("shutdown", timeout=5_000)
                assert await asyncio.wait_for(process.wait(), PATIENCE) == 0
            finally:
                if process.returncode is None:
                    process.kill()
                    await process.wait()


def _id(subscription: str, at: datetime) -> str:
    return f"{subscription}/{at:%Y-%m-%dT%H:%M:%SZ}"


async def test_it_neither_floods_nor_stops(tmp_path: Path) -> None:
    cron = Cron(tmp_path)
    async with cron.running(tmp_path):
        await cron.subscribe("a")
        hour = cron.set_before_the_hour()
        fired = await cron.fired()
        assert (fired["event"], fired["variables"]["CRON_LATE"]) == (_id("a", hour), "false")

        # Forwards, or the machine has slept: one run for all that was missed.
        cron.set(timedelta(hours=5, minutes=30))
        skipped, late = await cron.fired(), await cron.fired()
        assert (skipped["event"], skipped["outcome"]) == (_id("a", hour + timedelta(hours=4)), "skip")
        assert skipped["detail"].startswith("4 times were missed, from ")
        assert (late["event"], late["variables"]["CRON_LATE"]) == (_id("a", hour + timedelta(hours=5)), "true")

        # Back: it goes on from there. Something that is due at the same time shows that it has looked at the clock.
        cron.set(timedelta(days=-2))
        await cron.subscribe("b")
        hour = cron.set_before_the_hour()
        found = {(await cron.fired())["event"] for _turn in range(2)}
        assert found == {_id("a", hour), _id("b", hour)}
        assert cron.peer.fires.empty()
