"""When triggers will start pipelines: asked once, kept until that time has come, and never waited for long."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from gofer.server.clock import Clock
from gofer.server.store import overview
from gofer.server.triggers.next_starts import NextStarts
from tests.scenarios.scene import PIPELINE, House
from tests.unit.triggers.house import FakeTrigger, Triggers, refusing, subscription


class Hands(Clock):
    """A clock whose time is what it is set to."""

    def __init__(self, at: int) -> None:
        super().__init__()
        self.at = at

    def now(self) -> int:
        return self.at


def at(times: Mapping[str, int]) -> Any:
    """Answers each subscription with its time."""
    return lambda fields: {"times": [times[fields["subscription"]]]}


async def starts(t: Triggers, asked: NextStarts) -> dict[str, int]:
    def rows(connection: Any) -> list[Any]:
        keys = [row[0] for row in connection.execute("SELECT key FROM pipelines")]
        return overview.subscriptions_of(connection, keys)

    return await asked.of(await t.database.read(rows))


def asked_of(trigger: FakeTrigger) -> int:
    """How many `next` came since the last call."""
    return trigger.kinds().count("next")


async def test_the_earliest_is_told_and_asked_for_once(triggers: Triggers, clock: FakeTrigger) -> None:
    hands = Hands(1_000)
    await triggers.register(subscription("nightly"), subscription("hourly"))
    await triggers.register(subscription("weekly"), pipeline="other")
    one, two, three = clock.id_of("nightly"), clock.id_of("hourly"), clock.id_of("weekly", "other")
    clock.says["next"] = at({one: 9_000, two: 5_000, three: 7_000})
    found = NextStarts(triggers.parts.roster, triggers.parts.subscriber, hands)
    assert await starts(triggers, found) == {PIPELINE: 5_000, "other": 7_000}
    assert asked_of(clock) == 3
    assert await starts(triggers, found) == {PIPELINE: 5_000, "other": 7_000}
    assert asked_of(clock) == 0
    hands.at = 5_000
    clock.says["next"] = at({two: 6_000})
    assert await starts(triggers, found) == {PIPELINE: 6_000, "other": 7_000}
    assert asked_of(clock) == 1


@pytest.mark.parametrize("answer", [{"times": []}, {"times": [500]}, {"times": "soon"}, {"times": ["5"]}, {}])
async def test_what_tells_no_time_to_come_is_asked_again_after_a_while(
    triggers: Triggers, clock: FakeTrigger, answer: dict[str, Any]
) -> None:
    hands = Hands(1_000)
    await triggers.register(subscription())
    clock.says["next"] = lambda _: answer
    found = NextStarts(triggers.parts.roster, triggers.parts.subscriber, hands)
    assert await starts(triggers, found) == {}
    assert await starts(triggers, found) == {}
    assert asked_of(clock) == 1
    hands.at += 10_000
    clock.says["next"] = refusing("unknown", "no such subscription")
    assert await starts(triggers, found) == {}
    assert asked_of(clock) == 1


async def test_one_that_does_not_answer_is_not_waited_for(triggers: Triggers, clock: FakeTrigger) -> None:
    hands = Hands(1_000)
    await triggers.register(subscription())
    clock.gate.clear()
    found = NextStarts(triggers.parts.roster, triggers.parts.subscriber, hands)
    assert await starts(triggers, found) == {}
    clock.gate.set()


async def test_another_connection_is_asked_anew(house: House) -> None:
    async with house.open() as scene:
        t = Triggers(scene)
        key = await t.install("clock")
        found = NextStarts(t.parts.roster, t.parts.subscriber, Hands(1_000))
        async with t.connected("clock", key) as trigger:
            await t.register(subscription())
            trigger.says["next"] = at({trigger.id_of("nightly"): 9_000})
            assert await starts(t, found) == {PIPELINE: 9_000}
        assert await starts(t, found) == {}
        async with t.connected("clock", key) as trigger:
            trigger.says["next"] = at({trigger.id_of("nightly"): 8_000})
            assert await starts(t, found) == {PIPELINE: 8_000}
