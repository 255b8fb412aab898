"""From an event to a run: once, in one transaction, and with an outcome whatever happens."""

from __future__ import annotations

import asyncio
import uuid
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gofer.errors import StoreFull, Unavailable
from gofer.models.manifest import Parallelism, Parameter
from gofer.models.run import Initiator
from gofer.models.trigger import AddSubscription
from gofer.server.store.transaction import Transaction
from gofer.server.triggers.contract import Fire, ObjectsOf, TriggerRefused
from gofer.server.triggers.fire import MAX_KINDS_OF_NOBODY, variables_problem
from tests.scenarios.scene import NAMESPACE, PIPELINE, outcome
from tests.unit.triggers.house import URL, FakeTrigger, Triggers, number, subscription


async def test_an_event_starts_a_run_and_is_stored_with_it(triggers: Triggers, clock: FakeTrigger) -> None:
    await triggers.register(subscription(parameters={"DAYS": 3}), parameters=[number("DAYS"), number("SIZE")])
    fired = await triggers.fire(clock, "e1", "nightly", variables={"SIZE": "7", "MORE": "text"}, occurred_at=1000)
    assert fired.outcome == "started"
    assert not fired.duplicate
    assert fired.url == f"{URL}/api/v1/namespaces/{NAMESPACE}/pipelines/{PIPELINE}/runs/{fired.run}"
    assert fired.run is not None
    run = await triggers.scene.run(fired.run)
    assert run.initiator == Initiator(kind="trigger", name="clock/nightly")
    assert run.parameters == {"DAYS": 3, "SIZE": 7}
    assert run.variables == {"SIZE": "7", "MORE": "text"}
    assert run.correlation_id
    (event,) = await triggers.events("clock")
    assert (event.event, event.outcome, event.run, event.label) == ("e1", "started", fired.run, "nightly")
    assert event.occurred_at == 1000
    (shown,) = (await triggers.shown()).values()
    assert (shown.last_event, shown.last_event_at) == ("e1", 1000)
    told = await triggers.scene.until("trigger.event", fired.run)
    assert told.data == {
        "trigger": "clock", "event": "e1", "outcome": "started", "label": "nightly",
        "correlation_id": run.correlation_id,
    }  # fmt: skip
    page = await triggers.parts.told_events.of_pipeline(NAMESPACE, PIPELINE, None, 10)
    assert [(one.trigger, one.event) for one in page.items] == [("clock", "e1")]


async def test_what_the_subscription_gives_wins_over_what_the_trigger_says(
    triggers: Triggers, clock: FakeTrigger
) -> None:
    await triggers.register(subscription(parameters={"DAYS": 3}), parameters=[number("DAYS")])
    fired = await triggers.fire(clock, "e1", "nightly", variables={"DAYS": "9"})
    assert (await triggers.scene.run(fired.run or 0)).parameters == {"DAYS": 3}


async def test_the_same_event_again_is_answered_with_what_came_of_it(triggers: Triggers, clock: FakeTrigger) -> None:
    await triggers.register(subscription(), subscription("other"))
    first = await triggers.fire(clock, "e1", "nightly")
    again = await triggers.fire(clock, "e1", "nightly")
    assert again.duplicate
    assert (again.run, again.url, again.outcome) == (first.run, first.url, "started")
    of_other = await triggers.fire(clock, "e1", "other")
    assert not of_other.duplicate
    assert of_other.run != first.run
    await triggers.pipelines.set_enabled(NAMESPACE, PIPELINE, False)
    assert (await triggers.fire(clock, "e1", "nightly")).run == first.run
    # Whatever it is said to be now.
    assert (await triggers.fire(clock, "e1", "nightly", outcome="refuse")).outcome == "started"


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
async def test_any_interleaving_starts_each_event_once(triggers: Triggers, data: st.DataObject) -> None:
    """Told again and again, at once and one after the other, by two connections."""
    mark = uuid.uuid4().hex
    told = data.draw(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=1, max_size=30))
    pauses = data.draw(st.lists(st.integers(0, 3), min_size=len(told), max_size=len(told)))
    key = await triggers.install(f"t{mark}")
    await triggers.register(subscription(trigger=f"t{mark}"), pipeline=f"p{mark}")
    async with triggers.connected(f"t{mark}", key) as one:
        subscribed = one.id_of("nightly", f"p{mark}")
        two = FakeTrigger(f"t{mark}", key)

        async def tell(number: int, first: bool, pause: int) -> tuple[str, int | None]:
            for _ in range(pause):
                await asyncio.sleep(0)
            fired = await triggers.parts.listener.fire(
                one if first else two, Fire(event=str(number), subscription=subscribed)
            )
            return str(number), fired.run

        answers = await asyncio.gather(
            *(tell(number, first, pause) for (number, first), pause in zip(told, pauses, strict=True))
        )
    events = await triggers.events(f"t{mark}")
    assert dict(answers) == {event.event: event.run for event in events}
    assert len(set(answers)) == len(events) == len({number for number, _ in told})
    assert (await triggers.pipelines.get(NAMESPACE, f"p{mark}")).runs == len(events)


@pytest.mark.parametrize(
    ("wanted", "came"), [("skip", "skipped"), ("refuse", "refused"), ("error", "error")], ids=lambda one: str(one)
)
async def test_why_none_starts_is_kept(triggers: Triggers, clock: FakeTrigger, wanted: Any, came: str) -> None:
    await triggers.register(subscription())
    fired = await triggers.fire(clock, "e1", "nightly", outcome=wanted, detail="the branch is another")
    assert (fired.outcome, fired.detail, fired.run, fired.url) == (came, "the branch is another", None, "")
    again = await triggers.fire(clock, "e1", "nightly", outcome=wanted)
    assert (again.outcome, again.detail, again.duplicate) == (came, "the branch is another", True)
    (event,) = await triggers.events("clock")
    assert (event.outcome, event.detail, event.run) == (came, "the branch is another", None)


async def refused(triggers: Triggers, clock: FakeTrigger, **fields: Any) -> str:
    fired = await triggers.fire(clock, "e1", "nightly", **fields)
    assert (fired.outcome, fired.run) == ("refused", None)
    (event,) = await triggers.events("clock", "refused")
    assert event.detail == fired.detail
    return fired.detail


async def test_a_disabled_pipeline_refuses(triggers: Triggers, clock: FakeTrigger) -> None:
    await triggers.register(subscription())
    await triggers.pipelines.set_enabled(NAMESPACE, PIPELINE, False)
    said = await refused(triggers, clock)
    assert said == 'The pipeline "p" is disabled. Enable it with: gofer pipeline enable p.'


async def test_missing_and_wrong_parameters_refuse(triggers: Triggers, clock: FakeTrigger) -> None:
    await triggers.register(subscription(), parameters=[Parameter(name="WHO", required=True), number("DAYS")])
    said = await refused(triggers, clock, variables={"DAYS": "many"})
    assert 'the parameter "WHO" is required' in said
    assert '"DAYS": expected an integer, came "many"' in said


async def test_objects_of_a_run_that_is_not_there_refuse(triggers: Triggers, clock: FakeTrigger) -> None:
    await triggers.register(subscription())
    said = await refused(triggers, clock, objects_of=ObjectsOf(pipeline="gone", run=3))
    assert 'There is no run 3 of a pipeline "gone"' in said


async def test_variables_that_cannot_be_refuse(triggers: Triggers, clock: FakeTrigger) -> None:
    await triggers.register(subscription())
    assert "Gofer's own" in await refused(triggers, clock, variables={"GOFER_RUN_ID": "1"})


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"A_1": "x", "_b": ""}, ""),
        ({"1A": "x"}, "is not the name of one"),
        ({"gofer_x": "x"}, "Gofer's own"),
        ({"A": "x\0"}, "characters"),
        ({"A": "x" * 102_401}, "102401 bytes"),
        ({f"A{i}": "x" * 100_000 for i in range(3)}, "together"),
        ({f"A{i}": "" for i in range(501)}, "501 variables"),
    ],
    ids=str,
)
def test_what_variables_may_be(variables: dict[str, str], said: str) -> None:
    problem = variables_problem(variables)
    assert said in problem
    assert bool(said) == bool(problem)


async def test_the_parallelism_limit_skips(triggers: Triggers, clock: FakeTrigger) -> None:
    await triggers.register(subscription(), command="hang", parallelism=Parallelism(limit=1, on_limit="skip"))
    first = await triggers.fire(clock, "e1", "nightly")
    second = await triggers.fire(clock, "e2", "nightly")
    assert (second.outcome, second.run) == ("skipped", None)
    assert second.detail == "Run 2 was not let begin: 1 of at most 1 runs were on their way."
    assert outcome(await triggers.scene.run(2)) == ("cancelled", "parallelism_limit")
    newest = (await triggers.events("clock"))[0]
    assert (newest.outcome, newest.run) == ("skipped", 2)
    again = await triggers.fire(clock, "e2", "nightly")
    assert (again.outcome, again.run, again.detail) == ("skipped", None, second.detail)
    await triggers.scene.cancel(first.run or 0)
    await triggers.scene.ended(first.run or 0)


async def test_while_no_runs_are_taken_the_trigger_keeps_its_events(triggers: Triggers, clock: FakeTrigger) -> None:
    await triggers.register(subscription())
    before = await triggers.fire(clock, "e0", "nightly")
    await triggers.scene.services.ingress.set_open(False)
    with pytest.raises(Unavailable):
        await triggers.fire(clock, "e1", "nightly")
    assert (await triggers.fire(clock, "e0", "nightly")).run == before.run
    assert (await triggers.fire(clock, "e2", "nightly", outcome="skip")).outcome == "skipped"
    assert [event.event for event in await triggers.events("clock")] == ["e2", "e0"]
    await triggers.scene.services.ingress.set_open(True)
    assert (await triggers.fire(clock, "e1", "nightly")).outcome == "started"


async def test_what_is_no_subscription_of_this_trigger(triggers: Triggers, clock: FakeTrigger) -> None:
    await triggers.register(subscription())
    other = FakeTrigger("other", await triggers.install("other"))
    theirs = clock.id_of("nightly")
    for trigger, named in ((other, theirs), (clock, "999"), (clock, "x"), (clock, "9" * 30), (clock, "")):
        with pytest.raises(TriggerRefused) as caught:
            await triggers.parts.listener.fire(trigger, Fire(event="e1", subscription=named))
        assert caught.value.code == "unknown_subscription"
    await triggers.pipelines.delete(NAMESPACE, PIPELINE)
    with pytest.raises(TriggerRefused, match="may have ended"):
        await triggers.parts.listener.fire(clock, Fire(event="e1", subscription=theirs))
    assert await triggers.events("clock") == []


@pytest.mark.parametrize(
    "fields", [{"event": ""}, {"event": "x" * 201}, {"event": "a\0"}, {"event": "e", "occurred_at": -1}, {"event": "e"}]
)
async def test_what_is_no_event(triggers: Triggers, clock: FakeTrigger, fields: dict[str, Any]) -> None:
    with pytest.raises(TriggerRefused) as caught:
        await triggers.parts.listener.fire(clock, Fire(**fields))
    assert caught.value.code == "invalid"


async def test_a_time_in_the_future_hides_nothing(triggers: Triggers, clock: FakeTrigger) -> None:
    await triggers.register(subscription())
    await triggers.fire(clock, "e1", "nightly", occurred_at=2**52)
    now = triggers.scene.services.clock.now()
    at = (await triggers.shown())["nightly"].last_event_at
    assert at is not None
    assert at <= now


async def test_an_older_event_does_not_replace_the_last_one(triggers: Triggers, clock: FakeTrigger) -> None:
    await triggers.register(subscription())
    await triggers.fire(clock, "new", "nightly", occurred_at=2000)
    await triggers.fire(clock, "old", "nightly", occurred_at=1000, outcome="skip")
    assert (await triggers.shown())["nightly"].last_event == "new"


async def test_nobodys_events_that_are_alike_are_counted(triggers: Triggers, clock: FakeTrigger) -> None:
    for n in range(300):
        fired = await triggers.fire(clock, f"e{n}", outcome="refuse", detail="the signature is wrong")
        assert fired.outcome == "refused"
        assert not fired.duplicate
    (event,) = await triggers.events("clock")
    assert (event.count, event.pipeline, event.detail) == (300, "", "the signature is wrong")
    assert (await triggers.fire(clock, "e0", outcome="refuse")).duplicate


async def test_a_flood_of_many_kinds_takes_no_more_room(triggers: Triggers, clock: FakeTrigger) -> None:
    await asyncio.gather(*(triggers.fire(clock, f"e{n}", outcome="error", detail=f"line {n}") for n in range(500)))
    events = await triggers.events("clock")
    assert len(events) == MAX_KINDS_OF_NOBODY + 2
    assert sum(event.count for event in events) == 500
    assert events[0].detail == "further events that are nobody's, of many kinds"


async def test_a_long_detail_is_cut(triggers: Triggers, clock: FakeTrigger) -> None:
    await triggers.register(subscription())
    fired = await triggers.fire(clock, "e1", "nightly", outcome="skip", detail="x" * 5_000 + "\0")
    assert len(fired.detail) == 2_000


async def test_events_are_forgotten_with_the_trigger_and_with_time(triggers: Triggers, clock: FakeTrigger) -> None:
    from gofer.server.events.prune import Pruner

    await triggers.register(subscription())
    await triggers.fire(clock, "e1", "nightly", outcome="skip")
    real = triggers.scene.services.clock
    await Pruner(triggers.database, real, 60_000, 60_000).prune()
    assert len(await triggers.events("clock")) == 1
    await Pruner(triggers.database, real, -1, 60_000).prune()
    assert await triggers.events("clock") == []


async def test_an_added_subscription_fires_too(triggers: Triggers, clock: FakeTrigger) -> None:
    await triggers.register()
    await triggers.subscriptions.add(NAMESPACE, PIPELINE, AddSubscription(label="more", trigger="clock"))
    assert (await triggers.fire(clock, "e1", "more")).outcome == "started"


async def test_on_a_full_disk_the_trigger_keeps_it(triggers: Triggers, clock: FakeTrigger) -> None:
    await triggers.register(subscription())

    def limit(tx: Transaction, pages: int) -> None:
        tx.execute(f"PRAGMA max_page_count = {pages}")

    await triggers.database.write(partial(limit, pages=1))  # as many as there are
    kept: list[str] = []
    for n in range(2_000):
        event = f"{n} {'x' * 150}"
        try:
            await triggers.fire(clock, event, "nightly", outcome="skip", detail="y" * 2_000)
        except StoreFull:
            kept.append(event)
            break
    assert kept
    assert not [one for one in await triggers.events("clock") if one.event in kept]
    await triggers.database.write_patiently(partial(limit, pages=1_000_000))
    fired = await triggers.fire(clock, kept[0], "nightly")
    assert (fired.outcome, fired.duplicate) == ("started", False)


async def test_two_triggers_may_have_the_same_event(triggers: Triggers, clock: FakeTrigger) -> None:
    async with triggers.connected("other", await triggers.install("other")) as other:
        await triggers.register(subscription(), subscription("others", trigger="other"))
        mine, theirs = await triggers.fire(clock, "e1", "nightly"), await triggers.fire(other, "e1", "others")
    assert (mine.duplicate, theirs.duplicate) == (False, False)
    assert mine.run != theirs.run
