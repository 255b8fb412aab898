"""Test triggers without a server.

from gofer_sdk.testing import running

async def test_it_fires_every_hour() -> None:
    async with running(Every, subscriptions={"nightly": {"every": "1h"}}) as t:
        await t.clock.advance("1h")
        assert (await t.fired()).label == "nightly"

The trigger is the real one: it runs in the test's event loop, and speaks the protocol over a real WebSocket. Only
Gofer's side is the test's, and the clock stands still until the test moves it.
"""

from __future__ import annotations

from gofer_sdk.testing.clock import START, ManualClock
from gofer_sdk.testing.running import Running, ToldEvent, running

__all__ = ["START", "ManualClock", "Running", "ToldEvent", "running"]
