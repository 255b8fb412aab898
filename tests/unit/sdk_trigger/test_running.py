"""A trigger in its harness: the course of a connection, and what goes wrong on it."""

from __future__ import annotations

from gofer_sdk.testing import START, running
from tests.unit.sdk_trigger.every import Every

HOUR = 3_600_000


async def test_it_fires_at_its_times() -> None:
    async with running(Every, subscriptions={"nightly": {"every": "1h"}}) as t:
        await t.clock.advance("3h")
        events = [await t.fired() for _ in range(3)]
        assert [event.occurred_at for event in events] == [START + n * HOUR for n in (1, 2, 3)]
        assert events[0].label == "nightly"
        assert events[0].variables == {"AT": str(START + HOUR)}
        assert await t.next("nightly", 2) == [START + 4 * HOUR, START + 5 * HOUR]
