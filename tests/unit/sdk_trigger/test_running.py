"""A trigger in its harness: the course of a connection, and what goes wrong on it."""

from __future__ import annotations

import asyncio

import pytest

from gofer_sdk.testing import START, ManualClock, running
from gofer_sdk.trigger import InvalidSettings, NotFired, Refused, RunOf
from gofer_sdk.trigger.errors import LinkLost, PeerError
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


async def test_settings_that_do_not_fit() -> None:
    with pytest.raises(InvalidSettings, match=r'"at_last" is not a setting. Did you mean "at_least"\?'):
        async with running(Every, {"at_last": "1s"}):
            pass
    with pytest.raises(InvalidSettings, match="must not be 0"):
        async with running(Every, {"at_least": "0s"}):
            pass
    async with running(Every, {"at_least": "2s"}) as t:
        for ask in (t.check, t.subscribe):
            with pytest.raises(Refused, match="every: at least 2s, got 1s500ms"):
                await ask("often", {"every": "1500ms"})
            with pytest.raises(Refused, match=r'every: expected a duration such as "1m30s", got 5\. Say the unit'):
                await ask("often", {"every": 5})
        assert t.trigger.subscriptions == {}
        assert await t.check("often", {"every": "3s"}) == ["That is often."]
        assert t.trigger.calls == ["configure"]


async def test_a_connection_that_is_cut() -> None:
    async with running(Every, subscriptions={"a": {"every": "1h"}, "b": {"every": "2h"}}) as t:
        await t.unsubscribe("b")
        await t.subscribe("c", {"every": "3h"})
        t.trigger.calls.clear()
        await t.cut()
        # Nothing has changed, so nothing is begun anew.
        assert t.trigger.calls == []
        t.forget("c")
        await t.cut()
        assert t.trigger.calls == ["unsubscribe c"]
        await t.subscribe("a", {"every": "30m"}, created_at=START + 1)
        assert t.trigger.calls[1:] == ["unsubscribe a", "subscribe a"]
        assert (await t.debug())["sdk"]["connections"] == 3
        await t.clock.advance("30m")
        assert (await t.fired()).label == "a"


async def test_an_event_is_told_until_it_is_answered() -> None:
    # The loop does not come to wait again while its event is not taken.
    clock = ManualClock(patience=0.1)
    async with running(Every, subscriptions={"a": {"every": "1h"}}, clock=clock) as t:
        t.answer = PeerError("unavailable", "The disk is full.")
        await t.clock.advance("1h")
        await t.refused()
        t.answer = None
        assert (await t.fired()).event == f"a {START + HOUR}"
        t.swallow = True
        await t.clock.advance("1h")
        await t.refused()
        t.swallow = False
        await t.cut()
        assert (await t.fired()).event == f"a {START + 2 * HOUR}"


async def test_an_event_that_is_not_taken() -> None:
    async with running(Every, subscriptions={"a": {"every": "1h"}}) as t:
        t.answer = PeerError("unknown_subscription", "There is no such subscription.")
        subscription = t.trigger.subscriptions["a"]
        with pytest.raises(NotFired, match="no such") as caught:
            await t.trigger.fire(subscription, "x")
        assert caught.value.code == "unknown_subscription"
        t.answer = None
        assert (await t.trigger.fire(subscription, "y")).run == 1
        assert (await t.trigger.fire(subscription, "y")).duplicate
        with pytest.raises(ValueError, match="1 to 200"):
            await t.trigger.fire(subscription, "")
        with pytest.raises(ValueError, match="GOFER_"):
            await t.trigger.fire(subscription, "z", variables={"GOFER_X": "1"})
        with pytest.raises(ValueError, match="without a subscription"):
            await t.trigger.fire(None, "z")


async def test_external_events_and_those_of_gofer() -> None:
    async with running(Every, subscriptions={"a": {"every": "1h"}}) as t:
        answer = await t.external_event(b"hello", {"X-Other": "1"})
        assert (answer.status, answer.body, answer.content_type) == (202, "refused", "text/plain")
        told = await t.fired()
        assert (told.outcome, told.detail, told.label) == ("refuse", "hello", "")
        with pytest.raises(PeerError, match="RuntimeError: as asked"):
            await t.external_event(b"", {"X-Fault": "1"})
        await t.event(7, "run.ended", pipeline="dump", run=3)
        event = await t.fired()
        assert (event.event, event.objects_of) == ("event 7", RunOf(pipeline="dump", run=3))
        # The trigger goes on, and says what was wrong.
        assert await asyncio.wait_for(t.logged("Traceback"), 10)


async def test_what_waits_for_its_event_does_not_keep_a_new_connection_from_being_ready() -> None:
    async with running(Every, subscriptions={"a": {"every": "1h"}}) as t:
        t.swallow = True
        taking = asyncio.create_task(t.event(7, "run.ended", pipeline="dump", run=3))
        await t.refused()
        t.swallow = False
        await t.cut()
        assert (await t.fired()).event == "event 7"
        with pytest.raises(LinkLost):
            await taking
