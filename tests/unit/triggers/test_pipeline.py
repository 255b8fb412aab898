"""The trigger `pipeline`: which ends start what, what is passed on, and cycles."""

from __future__ import annotations

import itertools
import random
from collections.abc import Mapping
from typing import Any

import pytest

from gofer_sdk.testing import Running, running
from gofer_sdk.trigger import Refused, RunOf
from gofer_triggers.pipeline.chains import Chained, Chains, PipelineSubscription
from gofer_triggers.pipeline.trigger import Pipeline

Told = Running[Pipeline]


async def follows(t: Told, label: str, upstream: str, pipeline: str, **more: Any) -> None:
    namespace = more.pop("namespace", "default")
    await t.subscribe(label, {"pipeline": upstream, **more}, namespace=namespace, pipeline=pipeline)


async def ended(t: Told, seq: int, pipeline: str, run: int, status: str = "successful", **more: Any) -> None:
    fields: dict[str, Any] = {"namespace": "default", **more.pop("fields", {})}
    await t.event(seq, "run.ended", pipeline=pipeline, run=run, data={"status": status, **more}, **fields)


async def test_an_end_starts_what_waits_for_it_and_nothing_else() -> None:
    async with running(Pipeline) as t:
        await follows(t, "copy", "dump", "copy")
        await follows(t, "report", "dump", "report")
        await follows(t, "foreign", "dump", "copy", namespace="elsewhere")
        await follows(t, "other", "load", "copy")
        await ended(t, 7, "dump", 3)
        told = {event.label: event for event in (await t.fired(), await t.fired())}
        assert set(told) == {"copy", "report"}
        assert t.events.empty()
        event = told["copy"]
        assert (event.event, event.outcome, event.objects_of) == ("dump/3@7", "start", None)
        assert event.variables == {
            "UPSTREAM_PIPELINE": "dump",
            "UPSTREAM_RUN": "3",
            "UPSTREAM_STATUS": "successful",
            "UPSTREAM_REASON": "",
        }
        await ended(t, 8, "load", 1, fields={"namespace": "elsewhere"})
        await t.unsubscribe("copy")
        await t.unsubscribe("report")
        await ended(t, 9, "dump", 4)
        await ended(t, 10, "load", 1)
        assert (await t.fired()).label == "other"
        assert t.events.empty()
        following = {"elsewhere/dump": ["elsewhere/copy/foreign"], "default/load": ["default/copy/other"]}
        assert (await t.debug())["following"] == following


async def test_an_end_that_is_not_wanted_is_told_with_the_reason() -> None:
    async with running(Pipeline) as t:
        await follows(t, "alarm", "dump", "alarm", statuses=["failed", "cancelled"])
        await ended(t, 1, "dump", 1)
        event = await t.fired()
        assert (event.outcome, event.detail) == ("skip", "Run 1 of dump is successful; wanted: failed, cancelled.")
        await ended(t, 2, "dump", 2, "failed", reason="task_failed")
        event = await t.fired()
        assert event.outcome == "start"
        assert event.variables["UPSTREAM_REASON"] == "task_failed"


async def test_the_same_end_told_again_has_the_same_id_and_what_was_before_the_subscription_does_not_count() -> None:
    async with running(Pipeline) as t:
        await follows(t, "copy", "dump", "copy")
        before = t.clock.now() - 1
        await t.event(1, "run.ended", pipeline="dump", run=1, data={"status": "successful"}, at=before)
        await ended(t, 2, "dump", 2)
        await t.cut()
        await ended(t, 2, "dump", 2)
        assert (await t.fired()).event == "dump/2@2"
        assert t.events.empty()


HAD = {"date": "2026-01-02", "full": True, "depth": 3, "ratio": 0.5, "GOFER_X": "x"}


@pytest.mark.parametrize(
    ("wanted", "passed"),
    [
        ([], {}),
        (["*"], {"date": "2026-01-02", "full": "true", "depth": "3", "ratio": "0.5"}),
        (["date", "depth=level", "missing"], {"date": "2026-01-02", "level": "3"}),
        (["*", "full=all"], {"date": "2026-01-02", "all": "true", "depth": "3", "ratio": "0.5"}),
    ],
)
async def test_parameters_are_passed_on(wanted: list[str], passed: Mapping[str, str]) -> None:
    async with running(Pipeline) as t:
        await follows(t, "copy", "dump", "copy", pass_parameters=wanted, pass_objects=True)
        await ended(t, 1, "dump", 1, parameters=HAD)
        event = await t.fired()
        assert {k: v for k, v in event.variables.items() if not k.startswith("UPSTREAM_")} == passed
        assert event.objects_of == RunOf(pipeline="dump", run=1)


async def test_what_is_too_much_to_pass_on_is_an_error_that_is_kept() -> None:
    async with running(Pipeline) as t:
        await follows(t, "copy", "dump", "copy", pass_parameters=["*"])
        await ended(t, 1, "dump", 1, parameters={f"p{n}": "x" * 60_000 for n in range(5)})
        event = await t.fired()
        assert event.outcome == "error"
        assert "Variables may have 262,144 bytes" in event.detail


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "pipeline: expected text, got nothing"),
        ({"pipeline": "dump", "statuses": []}, "statuses: expected any of successful, failed, cancelled, got none"),
        ({"pipeline": "dump", "statuses": ["succesful"]}, "got 'succesful'"),
        ({"pipeline": "dump", "pass_parameters": ["a b"]}, "got 'a b'"),
        ({"pipeline": "dump", "pass_parameters": ["a="]}, "got 'a='"),
        ({"pipeline": "dump", "pass_parameters": ["a=GOFER_X"]}, "no variable may begin with GOFER_"),
        ({"pipeline": "dump", "pass_parameters": ["a=c", "b=c"]}, "a and b would both be c"),
        ({"pipeline": "copy"}, "pipeline: copy would start itself, for ever."),
    ],
)
async def test_what_is_refused(settings: Mapping[str, Any], words: str) -> None:
    async with running(Pipeline) as t:
        with pytest.raises(Refused, match=words):
            await t.check("copy", settings, pipeline="copy")


async def test_a_cycle_is_refused_in_words_also_where_both_were_checked_before() -> None:
    async with running(Pipeline) as t:
        await follows(t, "a", "c", "a")
        await follows(t, "b", "a", "b")
        for ask in (t.check, t.subscribe):
            with pytest.raises(Refused) as error:
                await ask("c", {"pipeline": "b"}, pipeline="c")
            steps = "c when b has ended, a when c has ended, b when a has ended"
            assert str(error.value) == f"pipeline: these would start each other for ever: {steps}."
        # In another namespace, or once the chain is broken, there is none.
        assert await t.check("c", {"pipeline": "b"}, namespace="elsewhere", pipeline="c") == []
        await t.unsubscribe("b")
        await follows(t, "c", "b", "c")


def test_cycles_are_found_wherever_they_are() -> None:
    """Edges by a seeded hand, each compared with a search that is too simple to be wrong."""
    dice = random.Random(7)
    for _ in range(200):
        chains, edges = Chains(), set[tuple[str, str]]()
        for number in range(12):
            upstream, pipeline = (dice.choice("abcdef") for _ in range(2))
            one: Chained = Chained(
                id=str(number),
                namespace="n",
                pipeline=pipeline,
                label="l",
                settings=PipelineSubscription(pipeline=upstream),
            )
            found = chains.cycle(one)
            assert bool(found) == reaches(edges, pipeline, upstream)
            if found:
                assert found[0] == found[-1] == upstream
                assert set(itertools.pairwise(found)) <= edges | {(upstream, pipeline)}
            else:
                chains.add(one)
                edges.add((upstream, pipeline))


def reaches(edges: set[tuple[str, str]], start: str, goal: str) -> bool:
    seen = {start}
    for _ in range(6):
        seen |= {after for before, after in edges if before in seen}
    return goal in seen
