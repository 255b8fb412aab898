"""Triggers know of the subscriptions what the store has, whatever happens in between."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from gofer.errors import Conflict, InvalidInput, NotFound
from gofer.models.trigger import AddSubscription
from gofer.server.secrets.secrets import NOBODY, Owner
from tests.scenarios.scene import NAMESPACE, PIPELINE
from tests.unit.triggers.house import FakeTrigger, Triggers, number, refusing, subscription


async def test_a_registration_asks_and_then_tells(triggers: Triggers, clock: FakeTrigger) -> None:
    clock.says["check"] = lambda _: {"warnings": ["that is often"]}
    registered = await triggers.register(subscription())
    assert registered.warnings == ['subscription "nightly": that is often']
    (check, asked), (told, fields) = clock.told
    assert (check, told) == ("check", "subscribe")
    assert asked == {"namespace": NAMESPACE, "pipeline": PIPELINE, "label": "nightly", "settings": {"every": "1h"}}
    assert fields == {**asked, "subscription": fields["subscription"], "created_at": fields["created_at"],
                      "last_event_at": None, "last_event": None}  # fmt: skip
    (shown,) = (await triggers.shown()).values()
    assert (shown.state, shown.detail, shown.origin, shown.id) == ("active", "", "manifest", fields["subscription"])


async def test_a_refusal_fails_the_registration_with_the_triggers_words(triggers: Triggers, clock: FakeTrigger) -> None:
    clock.says["check"] = refusing("refused", "every: at least 10s")
    with pytest.raises(InvalidInput, match="2 problems") as caught:
        await triggers.register(subscription("a"), subscription("b", trigger="none"))
    assert [problem.place for problem in caught.value.problems] == [
        "subscriptions[0].settings",
        "subscriptions[1].trigger",
    ]
    assert caught.value.problems[0].message == 'subscription "a": every: at least 10s'
    assert "not installed" in caught.value.problems[1].message
    assert "gofer trigger install none" in caught.value.problems[1].hint
    with pytest.raises(NotFound):
        await triggers.pipelines.get(NAMESPACE, PIPELINE)
    assert clock.kinds() == ["check"]


async def test_a_trigger_that_does_not_know_check_takes_all(triggers: Triggers, clock: FakeTrigger) -> None:
    clock.says["check"] = refusing("unknown_kind", "?")
    assert (await triggers.register(subscription())).warnings == []


@pytest.mark.parametrize("code", ["failed", "unavailable"])
async def test_a_trigger_that_cannot_tell_is_a_warning(triggers: Triggers, clock: FakeTrigger, code: str) -> None:
    clock.says["check"] = refusing(code, "no network")
    registered = await triggers.register(subscription())
    assert registered.warnings == ['subscription "nightly": could not be checked: no network']


async def test_a_trigger_that_is_away_hears_of_it_later(triggers: Triggers) -> None:
    key = await triggers.install("clock")
    await triggers.install("off", enabled=False)
    registered = await triggers.register(subscription(), subscription("b", trigger="off"))
    assert [warning.partition(":")[0] for warning in registered.warnings] == [
        'subscription "nightly"',
        'subscription "b"',
    ]
    assert "is not connected now" in registered.warnings[0]
    assert "is disabled" in registered.warnings[1]
    shown = await triggers.shown()
    assert [one.state for one in shown.values()] == ["pending", "pending"]
    assert "gofer trigger enable off" in shown["b"].detail
    assert "not connected" in shown["nightly"].detail
    async with triggers.connected("clock", key) as clock:
        assert clock.kinds() == ["subscribe", "ready"]
        assert (await triggers.shown())["nightly"].state == "active"
    assert (await triggers.shown())["nightly"].state == "pending"


async def test_subscriptions_follow_the_live_version(triggers: Triggers, clock: FakeTrigger) -> None:
    await triggers.register(subscription("a"), subscription("b"), subscription("c"))
    a, b, c = (clock.id_of(label) for label in "abc")
    clock.kinds()
    changed = subscription("b", settings={"every": "2h"})
    await triggers.register(subscription("a"), changed, subscription("d"))
    assert sorted(clock.kinds()) == ["check", "check", "subscribe", "subscribe", "unsubscribe"]
    assert clock.labels() == {"p/a", "p/b", "p/d"}
    assert (clock.id_of("a"), clock.id_of("b")) == (a, b)
    assert clock.knows[b]["settings"] == {"every": "2h"}
    # The same content again asks and tells nobody.
    await triggers.register(subscription("a"), changed, subscription("d"))
    assert clock.kinds() == []
    # Back to the first version, as the same content is.
    registered = await triggers.register(subscription("a"), subscription("b"), subscription("c"))
    assert registered.version == 1
    assert clock.labels() == {"p/a", "p/b", "p/c"}
    assert clock.id_of("a") == a
    assert clock.id_of("c") != c


async def test_other_parameters_are_no_news_for_the_trigger(triggers: Triggers, clock: FakeTrigger) -> None:
    await triggers.register(subscription(parameters={"N": 1}), parameters=[number("N")])
    clock.kinds()
    await triggers.register(subscription(parameters={"N": 2}), parameters=[number("N")])
    assert clock.kinds() == []
    assert (await triggers.shown())["nightly"].parameters == {"N": 2}


async def test_a_label_may_move_to_another_trigger(triggers: Triggers, clock: FakeTrigger) -> None:
    key = await triggers.install("other")
    async with triggers.connected("other", key) as other:
        await triggers.register(subscription())
        before = clock.id_of("nightly")
        await triggers.register(subscription(trigger="other"))
        assert clock.labels() == set()
        assert other.id_of("nightly") != before


async def test_a_deleted_pipeline_has_none(triggers: Triggers, clock: FakeTrigger) -> None:
    await triggers.register(subscription("a"), subscription("b"))
    ids = [clock.id_of("a"), clock.id_of("b")]
    await triggers.pipelines.delete(NAMESPACE, PIPELINE)
    await triggers.settled(*ids)
    assert clock.knows == {}


async def test_two_registrations_at_once_leave_what_the_live_version_has(
    triggers: Triggers, clock: FakeTrigger
) -> None:
    await asyncio.gather(
        *(triggers.register(subscription("a", settings={"every": f"{n}h"}), subscription(f"b{n}")) for n in range(8))
    )
    live = await triggers.versions.get(NAMESPACE, PIPELINE, None)
    wanted = {one.label: one.settings for one in live.manifest.subscriptions}
    shown = await triggers.shown()
    await triggers.settled(*(one.id for one in shown.values()))
    assert {label: one.settings for label, one in shown.items()} == wanted
    assert {one["label"]: one["settings"] for one in clock.knows.values()} == wanted


async def test_changes_while_it_is_being_told_are_told(triggers: Triggers) -> None:
    """Nothing overtakes: the last thing that the trigger hears of a subscription is how it is."""
    key = await triggers.install("clock")
    await triggers.register(*(subscription(f"s{n}") for n in range(90)))
    clock = FakeTrigger("clock", key)
    clock.gate.clear()
    changing = asyncio.create_task(_change_when_asked(triggers, clock))
    async with triggers.connected("clock", key, clock):
        await changing
        await triggers.settled(*(one.id for one in (await triggers.shown()).values()))
        assert clock.labels() == {f"p/s{n}" for n in range(80)}
        assert all(one["settings"] == {"every": "2h"} for one in clock.knows.values())
        assert clock.most_under_way == 64


async def _change_when_asked(triggers: Triggers, clock: FakeTrigger) -> None:
    while clock.under_way < 64:
        await asyncio.sleep(0)
    asyncio.get_running_loop().call_soon(clock.gate.set)
    await triggers.register(*(subscription(f"s{n}", settings={"every": "2h"}) for n in range(80)))


async def test_a_refused_subscription_shows_the_words(triggers: Triggers, clock: FakeTrigger) -> None:
    clock.says["subscribe"] = refusing("refused", "no such repository")
    await triggers.register(subscription())
    (shown,) = (await triggers.shown()).values()
    assert (shown.state, shown.detail) == ("refused", "no such repository")


async def test_after_a_new_connection_all_is_told_again(triggers: Triggers) -> None:
    key = await triggers.install("clock")
    await triggers.register()
    async with triggers.connected("clock", key) as first:
        await triggers.register(subscription("a"), subscription("b"))
        await triggers.fire(first, "e1", "a", outcome="skip", occurred_at=5)
        ids = set(first.knows)
    async with triggers.connected("clock", key) as second:
        assert set(second.knows) == ids
        told = second.knows[second.id_of("a")]
        assert (told["last_event"], told["last_event_at"]) == ("e1", 5)
        assert second.kinds()[-1] == "ready"


async def test_secrets_are_told_and_never_shown(triggers: Triggers, clock: FakeTrigger) -> None:
    settings = {"every": "1h", "hook": {"keys": ["a secret{{hook}} b", "secret!{{hook}}"]}, "g": "global_secret{{all}}"}
    registered = await triggers.register(subscription(settings=settings))
    assert any("secret put hook --pipeline p" in warning for warning in registered.warnings)
    (shown,) = (await triggers.shown()).values()
    assert shown.state == "refused"
    assert 'secret{{hook}}: the pipeline "p" has no such secret' in shown.detail
    assert clock.knows == {}
    await triggers.put_secret("hook", "squeamish")
    await triggers.settled(shown.id)
    (shown,) = (await triggers.shown()).values()
    assert shown.state == "refused"
    assert shown.detail.startswith("global_secret{{all}}: ")
    assert "hook" not in shown.detail
    await triggers.scene.services.secrets.put(NOBODY, "all", "ossifrage", [NAMESPACE])
    await triggers.settled(shown.id)
    (shown,) = (await triggers.shown()).values()
    assert (shown.state, shown.settings) == ("active", settings)
    told = clock.knows[shown.id]["settings"]
    assert told["hook"] == {"keys": ["a squeamish b", "secret{{hook}}"]}
    assert told["g"] == "ossifrage"
    # Another value is told; the trigger's words about it are masked.
    clock.says["subscribe"] = refusing("refused", "the key other-value is too short")
    await triggers.put_secret("hook", "other-value")
    await triggers.settled(shown.id)
    assert (await triggers.shown())["nightly"].detail == "the key *** is too short"
    clock.says.clear()
    # Without it, the trigger must not go on with what it knows.
    await triggers.scene.services.secrets.delete(Owner(NAMESPACE, PIPELINE), "hook")
    await triggers.settled(shown.id)
    assert (await triggers.shown())["nightly"].state == "refused"
    assert clock.knows == {}
    # Nobody else is told.
    clock.kinds()
    await triggers.put_secret("unused", "whatever")
    await triggers.settled(shown.id)
    assert clock.kinds() == []


async def test_a_long_secret_is_hidden_also_where_a_trigger_cuts_it(triggers: Triggers, clock: FakeTrigger) -> None:
    secret = "".join(chr(ord("A") + n * 7 % 26) + str(n) for n in range(60))
    await triggers.register(subscription())
    await triggers.put_secret("hook", secret)
    for words in (f"expected a number, not {secret[:79]!r}…", f"{secret[:40]}…"):
        clock.says["check"] = refusing("refused", words)
        with pytest.raises(InvalidInput) as caught:
            await triggers.register(subscription(settings={"every": "secret{{hook}}"}))
        told = caught.value.problems[0].message
        assert "***" in told
        assert secret[:16] not in told


async def test_a_global_secret_of_others_is_none(triggers: Triggers, clock: FakeTrigger) -> None:
    await triggers.scene.services.secrets.put(NOBODY, "theirs", "value", ["other"])
    await triggers.register(subscription(settings={"key": "global_secret{{theirs}}"}))
    assert (await triggers.shown())["nightly"].state == "refused"
    assert clock.knows == {}


async def add(triggers: Triggers, label: str = "more", **fields: Any) -> Any:
    return await triggers.subscriptions.add(
        NAMESPACE, PIPELINE, AddSubscription(label=label, **{"trigger": "clock", **fields})
    )


async def test_one_may_be_added_and_taken_away(triggers: Triggers, clock: FakeTrigger) -> None:
    await triggers.register(subscription(), parameters=[number("N")])
    added = await add(triggers, parameters={"N": "3"})
    assert (added.origin, added.state, added.parameters) == ("added", "active", {"N": 3})
    # It stays whatever is registered.
    registered = await triggers.register()
    assert clock.labels() == {"p/more"}
    assert registered.warnings == [
        'The added subscription "more": there is no parameter "N": its events will be refused.'
    ]
    with pytest.raises(Conflict, match="somebody has added another one") as caught:
        await triggers.register(subscription("more"))
    assert "gofer pipeline unsubscribe p more" in caught.value.hint
    await triggers.subscriptions.remove(NAMESPACE, PIPELINE, "more")
    assert clock.labels() == set()
    with pytest.raises(NotFound):
        await triggers.subscriptions.remove(NAMESPACE, PIPELINE, "more")


async def test_what_cannot_be_added(triggers: Triggers, clock: FakeTrigger) -> None:
    await triggers.register(subscription())
    with pytest.raises(Conflict, match="has a subscription"):
        await add(triggers, "nightly")
    with pytest.raises(Conflict, match="stands in the manifest"):
        await triggers.subscriptions.remove(NAMESPACE, PIPELINE, "nightly")
    with pytest.raises(InvalidInput) as caught:
        await add(triggers, trigger="none")
    assert [(one.place, "not installed" in one.message) for one in caught.value.problems] == [("trigger", True)]
    with pytest.raises(InvalidInput) as caught:
        await add(triggers, "not a label", settings={"a": "param{{x}}", "b": "secret{{"}, parameters={"N": 1})
    assert [problem.place for problem in caught.value.problems] == ["label", "settings.a", "settings.b", "parameters.N"]
    clock.says["check"] = refusing("refused", "no")
    with pytest.raises(InvalidInput) as caught:
        await add(triggers)
    assert [(one.place, one.message) for one in caught.value.problems] == [("settings", 'subscription "more": no')]


async def test_a_frozen_pipeline_keeps_its_subscriptions(triggers: Triggers, clock: FakeTrigger) -> None:
    await triggers.register(subscription())
    await add(triggers)
    held = triggers.scene.services.holds
    await held.put(NAMESPACE, PIPELINE, None, "frozen", "audit")
    with pytest.raises(Conflict, match=r"is frozen.*audit"):
        await add(triggers, "another")
    with pytest.raises(Conflict, match=r"is frozen.*audit"):
        await triggers.subscriptions.remove(NAMESPACE, PIPELINE, "more")
    assert clock.labels() == {"p/nightly", "p/more"}
    await held.lift(NAMESPACE, PIPELINE, None, "frozen")
    await triggers.subscriptions.remove(NAMESPACE, PIPELINE, "more")
    assert clock.labels() == {"p/nightly"}


async def test_next_times_are_the_triggers(triggers: Triggers, clock: FakeTrigger) -> None:
    await triggers.register(subscription("a"), subscription("b"))
    clock.says["next"] = lambda fields: {"times": list(range(fields["count"] + 5))}
    assert (await triggers.subscriptions.get(NAMESPACE, PIPELINE, "a", 3)).next == [0, 1, 2]
    shown = await triggers.shown(count=2)
    assert [one.next for one in shown.values()] == [[0, 1], [0, 1]]
    clock.says["next"] = refusing("failed", "?")
    assert (await triggers.subscriptions.get(NAMESPACE, PIPELINE, "a", 3)).next == []


async def test_another_connection_takes_the_place_of_the_first(triggers: Triggers, clock: FakeTrigger) -> None:
    await triggers.register(subscription())
    async with triggers.connected("clock", clock.trigger_key) as second:
        assert second.labels() == {"p/nightly"}
        assert (await triggers.shown())["nightly"].state == "active"
        clock.kinds()
        await triggers.register(subscription(settings={"every": "3h"}))
        assert [one["settings"] for one in second.knows.values()] == [{"every": "3h"}]
        assert "subscribe" not in clock.kinds()


async def test_what_was_told_is_hidden_wherever_a_trigger_may_say_it(triggers: Triggers, clock: FakeTrigger) -> None:
    settings = {str(n): f"secret{{{{key-{n}}}}}" for n in range(5)}
    await triggers.register(subscription(settings={"every": "1h"}), subscription("more", settings=settings))
    for n in range(5):
        await triggers.put_secret(f"key-{n}", f"open-sesame-{n}")
    await triggers.settled(*(one.id for one in (await triggers.shown()).values()))
    fired = await triggers.fire(clock, "e1", "nightly", outcome="refuse", detail="open-sesame-3 was wrong")
    assert fired.detail == "*** was wrong"
    assert (await triggers.events("clock"))[0].detail == "*** was wrong"
    # Another value: both are hidden, as the trigger may still say the old one.
    await triggers.put_secret("key-0", "shut-sesame")
    await triggers.settled(clock.id_of("more"))
    assert triggers.hidden.text("open-sesame-0 shut-sesame every") == "*** *** every"
