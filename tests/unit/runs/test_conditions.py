"""Which task runs become ready, and which never can."""

from __future__ import annotations

import random

import pytest

from gofer.models.manifest import Condition, Dependency, Manifest, Task
from gofer.models.status import TaskStatus
from gofer.server.runs.conditions import Conditions
from gofer.server.runs.plan import Plan

S, F, C, K = TaskStatus.SUCCESSFUL, TaskStatus.FAILED, TaskStatus.CANCELLED, TaskStatus.SKIPPED


def plan(*tasks: Task) -> Plan:
    return Plan(Manifest(id="p", tasks=list(tasks)))


def task(name: str, *parents: tuple[str, Condition], matrix: dict[str, list[str]] | None = None) -> Task:
    return Task(
        id=name, image="i", depends_on=[Dependency(task=p, when=w) for p, w in parents], matrix=matrix or {}
    )  # fmt: skip


def test_roots_wait_for_nothing() -> None:
    conditions = Conditions(plan(task("a"), task("b", ("a", "any")), task("c")))
    assert conditions.roots() == [0, 2]


@pytest.mark.parametrize(
    ("when", "outcome", "starts"),
    [
        ("successful", S, True),
        ("successful", F, False),
        ("successful", C, False),
        ("successful", K, False),
        ("failed", S, False),
        ("failed", F, True),
        ("failed", C, False),
        ("failed", K, False),
        ("any", S, True),
        ("any", F, True),
        ("any", C, False),
        ("any", K, True),
    ],
)
def test_each_condition_against_each_end(when: Condition, outcome: TaskStatus, starts: bool) -> None:
    conditions = Conditions(plan(task("a"), task("b", ("a", when))))
    opened = conditions.ended(0, outcome)
    assert opened == (([1], []) if starts else ([], [1]))


def test_every_edge_must_be_met() -> None:
    conditions = Conditions(plan(task("a"), task("b"), task("c", ("a", "successful"), ("b", "failed"))))
    assert conditions.ended(0, S) == ([], [])
    assert conditions.ended(1, F) == ([2], [])


def test_a_ruled_out_node_is_reported_once_and_early() -> None:
    conditions = Conditions(plan(task("a"), task("b"), task("c", ("a", "successful"), ("b", "successful"))))
    assert conditions.ended(0, F) == ([], [2])
    assert conditions.ended(1, F) == ([], [])


@pytest.mark.parametrize(
    ("when", "outcomes", "starts"),
    [
        ("successful", [S, S, S], True),
        ("successful", [S, F, S], False),
        ("failed", [S, F, S], True),
        ("failed", [S, S, S], False),
        ("any", [F, S, F], True),
        ("any", [S, C, S], False),
    ],
)
def test_a_fanned_out_parent_counts_as_one(when: Condition, outcomes: list[TaskStatus], starts: bool) -> None:
    conditions = Conditions(plan(task("a", matrix={"x": ["1", "2", "3"]}), task("b", ("a", when))))
    ready, unmet = [], []
    for position, outcome in enumerate(outcomes):
        opened = conditions.ended(position, outcome)
        ready += opened.ready
        unmet += opened.unmet
    assert (ready, unmet) == (([3], []) if starts else ([], [3]))


def test_a_failure_among_several_waits_for_the_rest_of_the_fan_out() -> None:
    conditions = Conditions(plan(task("a", matrix={"x": ["1", "2"]}), task("b", ("a", "failed"))))
    assert conditions.ended(0, F) == ([], [])
    assert conditions.ended(1, S) == ([2], [])


def test_any_order_of_ends_decides_every_node_exactly_once() -> None:
    rng = random.Random(7)
    for _ in range(200):
        size = rng.randint(1, 12)
        whens: list[Condition] = ["successful", "failed", "any"]
        tasks = [
            task(f"t{n}", *((f"t{p}", rng.choice(whens)) for p in range(n) if rng.random() < 0.4)) for n in range(size)
        ]
        conditions = Conditions(plan(*tasks))
        ready, decided = conditions.roots(), []
        while ready:
            position = ready.pop(rng.randrange(len(ready)))
            decided.append(position)
            opened = conditions.ended(position, rng.choice([S, F, C]))
            ready += opened.ready
            unmet = opened.unmet
            while unmet:
                skipped = unmet.pop()
                decided.append(skipped)
                more = conditions.ended(skipped, K)
                ready += more.ready
                unmet += more.unmet
        assert sorted(decided) == list(range(size))
