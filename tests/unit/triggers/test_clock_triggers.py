"""interval and cron as they run: over the real protocol, with a clock that is moved by hand."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from gofer_sdk.testing import START, ManualClock, Running, ToldEvent, running
from gofer_sdk.trigger import InvalidSettings, Refused
from gofer_triggers.cron.trigger import Cron
from gofer_triggers.interval.trigger import Interval

HOUR = 3_600_000


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1000


async def told(t: Running[Cron] | Running[Interval], count: int) -> list[ToldEvent]:
    """As many events as that, and no other one."""
    found = [await t.fired() for _turn in range(count)]
    assert t.events.empty()
    return found


async def test_interval_fires_again_and_again_and_says_when() -> None:
    async with running(Interval, subscriptions={"s": {"every": "1m30s", "jitter": False}}) as t:
        await t.clock.advance("3m")
        first, second = await told(t, 2)
        assert first.event == "s/2030-01-01T00:01:30Z"
        assert first.variables == {
            "INTERVAL_SCHEDULED_AT": "2030-01-01T00:01:30Z",
            "INTERVAL_NEXT_AT": "2030-01-01T00:03:00Z",
            "INTERVAL_EVERY": "1m30s",
            "INTERVAL_LATE": "false",
        }
        assert (second.occurred_at, second.outcome) == (START + 180_000, "start")
        assert await t.next("s", 3) == [START + 90_000 * slot for slot in (3, 4, 5)]
        state = await t.debug()
        assert state["coming"] == ["2030-01-01T00:04:30Z default/pipeline/s"]
        assert state["subscriptions"] == 1
        await t.unsubscribe("s")
        await t.clock.advance("1h")
        assert t.events.empty()
        assert (await t.debug())["coming"] == []


async def test_interval_spreads_its_starts_the_same_way_each_time() -> None:
    seen = []
    for _start in range(2):
        async with running(Interval, {"jitter": True}) as t:
            for label in "abc":
                await t.subscribe(label, {"every": "1h"})
            seen.append([(await t.next(label, 1))[0] for label in "abc"])
    assert seen[0] == seen[1]
    assert len(set(seen[0])) == 3
    assert all(START < time <= START + HOUR for time in seen[0])
    async with running(Interval, {"jitter": False}) as t:
        await t.subscribe("plain", {"every": "1h"})
        await t.subscribe("spread", {"every": "1h", "jitter": True})
        assert await t.next("plain", 1) == [START + HOUR]
        assert await t.next("spread", 1) != [START + HOUR]


async def test_an_interval_that_was_made_while_the_clock_was_ahead_does_not_wait_for_that_time() -> None:
    async with running(Interval) as t:
        await t.subscribe("s", {"every": "1h"}, created_at=START + 10_000 * HOUR, last_event_at=START + 10_000 * HOUR)
        await t.clock.advance("1h")
        (event,) = await told(t, 1)
        assert event.outcome == "start"


async def test_interval_refuses_what_the_administrator_does_not_allow() -> None:
    async with running(Interval, {"min_duration": "5m"}) as t:
        with pytest.raises(Refused) as refused:
            await t.check("s", {"every": "4m59s"})
        assert str(refused.value) == (
            "every: 4m59s is shorter than 5m, the shortest interval that the administrator allows (min_duration of "
            "this trigger)."
        )
        assert await t.check("s", {"every": "5m"}) == []
        with pytest.raises(Refused, match='every: expected a duration such as "1m30s", got nothing'):
            await t.check("s", {})
    with pytest.raises(InvalidSettings, match="min_duration: expected 100ms or more, got 0s"):
        async with running(Interval, {"min_duration": "0s"}):
            pass


@pytest.mark.parametrize(("on_missed", "outcomes"), [("skip", ["skip"]), ("once", ["skip", "start"])])
async def test_interval_after_an_outage(on_missed: str, outcomes: list[str]) -> None:
    async with running(Interval) as t:
        settings = {"every": "10m", "jitter": False, "on_missed": on_missed}
        await t.subscribe("s", settings, created_at=START - 10 * HOUR, last_event_at=START - HOUR - 300_000)
        # One every ten minutes, the last at this very moment, which is no missed one.
        found = await told(t, 2)
        assert [event.outcome for event in found] == ["skip", "start"]
        assert found[0].detail.startswith("6 times were missed, from 2029-12-31T23:00:00Z to 2029-12-31T23:50:00Z: ")
        assert found[1].variables["INTERVAL_LATE"] == "false"
        await t.subscribe("s", settings, created_at=START - 10 * HOUR - 300_000, last_event_at=START - HOUR)
        found = await told(t, len(outcomes))
        assert [event.outcome for event in found] == outcomes
        assert f'on_missed is "{on_missed}"' in found[0].detail
        assert found[-1].occurred_at == START - 300_000
        if on_missed == "once":
            assert found[1].variables["INTERVAL_LATE"] == "true"


async def test_cron_fires_in_its_time_zone_and_says_when() -> None:
    settings = {"expression": "30 2 * * *", "timezone": "Europe/Berlin"}
    clock = ManualClock(at("2030-03-30T00:00"))
    async with running(Cron, subscriptions={"s": settings}, clock=clock) as t:
        await t.clock.advance("48h")
        first, second = await told(t, 2)
        assert first.event == "s/2030-03-30T01:30:00Z"
        assert first.variables == {
            "CRON_SCHEDULED_AT": "2030-03-30T02:30:00+01:00",
            "CRON_NEXT_AT": "2030-03-31T03:00:00+02:00",
            "CRON_EXPRESSION": "30 2 * * *",
            "CRON_TIMEZONE": "Europe/Berlin",
            "CRON_LATE": "false",
        }
        assert second.variables["CRON_SCHEDULED_AT"] == "2030-03-31T03:00:00+02:00"
        assert await t.next("s", 2) == [at("2030-04-01T00:30"), at("2030-04-02T00:30")]


async def test_cron_takes_the_time_zone_of_the_installation() -> None:
    async with running(Cron, {"timezone": "America/New_York"}) as t:
        await t.subscribe("s", {"expression": "@daily"})
        assert await t.next("s", 1) == [at("2030-01-01T05:00")]
        await t.subscribe("s", {"expression": "@daily", "timezone": "UTC"})
        assert await t.next("s", 1) == [at("2030-01-02T00:00")]
    with pytest.raises(InvalidSettings, match='timezone: "Berlin" is no time zone'):
        async with running(Cron, {"timezone": "Berlin"}):
            pass


async def test_cron_refuses_with_words_and_warns_of_slips() -> None:
    async with running(Cron) as t:
        for settings, words in (
            ({"expression": "61 * * * *"}, 'expression "61 * * * *": minute: 61 is not between 0 and 59. Allowed are'),
            ({"expression": "@daily", "timezone": "Mars"}, 'timezone: "Mars" is no time zone: write a name'),
            ({"expression": "0 0 31 2 *"}, "It never fires: no time after 2030-01-01T00:00:00Z fits the expression."),
            ({"expression": "0 0 1 1 * 2029"}, "It never fires"),
            ({"expression": "@daily", "catch_up": "some"}, 'catch_up: expected "none" or "last" or "all", got "some"'),
            ({}, "expression: expected text, got nothing."),
        ):
            for ask in (t.check, t.subscribe):
                with pytest.raises(Refused) as refused:
                    await ask("s", settings)
                assert words in str(refused.value)
        assert "there are no seconds" in (await t.check("s", {"expression": "*/10 * * * * *"}))[0]


@pytest.mark.parametrize(
    ("catch_up", "outcomes"),
    [("none", ["skip"]), ("last", ["skip", "start"]), ("all", ["start"] * 5)],
)
async def test_cron_after_an_outage(catch_up: str, outcomes: list[str]) -> None:
    clock = ManualClock(at("2030-01-01T05:30"))
    async with running(Cron, clock=clock) as t:
        settings = {"expression": "0 * * * *", "catch_up": catch_up}
        await t.subscribe("s", settings, created_at=START - HOUR, last_event_at=START)
        found = await told(t, len(outcomes))
        assert [event.outcome for event in found] == outcomes
        assert found[-1].event == "s/2030-01-01T05:00:00Z"
        if catch_up == "none":
            assert found[0].detail == (
                "5 times were missed, from 2030-01-01T01:00:00+00:00 to 2030-01-01T05:00:00+00:00: the trigger was not "
                'running then, or had no connection to Gofer. catch_up is "none".'
            )
        else:
            assert {event.variables["CRON_LATE"] for event in found if event.outcome == "start"} == {"true"}
        await clock.advance("30m")
        (punctual,) = await told(t, 1)
        assert punctual.variables["CRON_LATE"] == "false"


async def test_all_is_bounded() -> None:
    clock = ManualClock(at("2030-01-02T00:00:30"))
    async with running(Cron, clock=clock) as t:
        await t.subscribe("s", {"expression": "* * * * *", "catch_up": "all"}, created_at=START)
        skipped, *started = await told(t, 101)
        assert skipped.outcome == "skip"
        assert skipped.detail.startswith(
            "More than 100 times were missed; this stands for those up to 2030-01-01T22:20:00+00"
        )
        assert [event.occurred_at for event in started] == [
            at("2030-01-01T22:21") + minute * 60_000 for minute in range(100)
        ]


async def test_a_time_of_the_last_minute_is_no_missed_one() -> None:
    clock = ManualClock(at("2030-01-01T05:00:59"))
    async with running(Cron, clock=clock) as t:
        await t.subscribe("s", {"expression": "0 5 * * *"}, created_at=START)
        (event,) = await told(t, 1)
        assert (event.outcome, event.variables["CRON_LATE"]) == ("start", "false")


async def test_a_year_that_has_passed_meanwhile_is_made_up_for_and_then_quiet() -> None:
    clock = ManualClock(at("2031-02-01T00:00"))
    async with running(Cron, clock=clock) as t:
        await t.subscribe("s", {"expression": "0 1 25 12 * 2030", "catch_up": "last"}, created_at=START)
        (event,) = await told(t, 1)
        assert (event.outcome, event.occurred_at) == ("start", at("2030-12-25T01:00"))
        assert event.variables["CRON_NEXT_AT"] == ""
        assert await t.next("s") == []


async def test_while_gofer_was_away_a_trigger_that_lives_judges_as_one_that_was_not_there() -> None:
    async with running(Cron, subscriptions={"s": {"expression": "0 * * * *"}}) as t:
        await t.clock.advance("1h")
        assert [event.outcome for event in await told(t, 1)] == ["start"]
        t.trigger.connected.clear()
        await t.clock.advance("150m")
        assert t.events.empty()
        await t.cut()
        (missed,) = await told(t, 1)
        assert missed.outcome == "skip"
        assert missed.detail.startswith("2 times were missed, from 2030-01-01T02:00:00+00:00 to 2030-01-01T03:00")
        await t.clock.advance("30m")
        assert [event.occurred_at for event in await told(t, 1)] == [START + 4 * HOUR]


async def test_what_gofer_does_not_take_ends_nothing() -> None:
    async with running(Cron, subscriptions={"s": {"expression": "0 * * * *"}}) as t:
        from gofer_sdk.trigger.errors import PeerError

        t.answer = PeerError("failed", "no room")
        await t.clock.advance("1h")
        t.answer = None
        await t.clock.advance("1h")
        assert [event.occurred_at for event in await told(t, 1)] == [START + 2 * HOUR]
        assert any("2030-01-01T01:00:00Z: no room" in message for _level, message in t.logs)
