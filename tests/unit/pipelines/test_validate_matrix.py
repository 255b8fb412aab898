from __future__ import annotations

from typing import Any

import pytest

from gofer.server.pipelines.validate import validate
from tests.unit.pipelines.building import manifest, of_task, only_problem, places, task


@pytest.mark.parametrize(
    ("matrix", "place", "message"),
    [
        ({"a b": ["x"]}, '.matrix["a b"]', '"a b" is not a valid key'),
        ({"a-b": ["x"]}, ".matrix.a-b", '"a-b" is not a valid key'),
        ({"a": ["x"], "A": ["y"]}, ".matrix.A", '"A" differs from "a" in case only'),
        ({"a": []}, ".matrix.a", "has no values"),
        ({"a": ["x"] * 2_001}, ".matrix.a", "has 2001 values; at most 2000"),
        ({"a": ["x", "y", "x"]}, ".matrix.a[2]", '"x" is the same as [0]'),
        ({"a": ["x", ""]}, ".matrix.a[1]", "is empty"),
        ({"a": ["x\ny"]}, ".matrix.a[0]", "control characters"),
        ({f"k{i}": ["x"] for i in range(11)}, ".matrix", "has 11 keys; at most 10"),
    ],
)
def test_keys_and_values(matrix: dict[str, Any], place: str, message: str) -> None:
    problem = only_problem(of_task(matrix=matrix))
    assert problem.place == f"tasks[0]{place}"
    assert message in problem.message


def test_tasks_are_counted_after_the_fan_out() -> None:
    numbers = [str(i) for i in range(1_000)]
    assert validate(of_task(matrix={"a": numbers, "b": ["x", "y"]})) == []
    problem = only_problem(manifest(task("one"), task("many", matrix={"a": numbers, "b": ["x", "y"]})))
    assert (problem.place, problem.message) == ("tasks", "fanned out there are 2001 tasks; at most 2000 are allowed")


def test_a_bomb_is_refused_before_it_goes_off() -> None:
    bomb = {f"k{i}": [str(n) for n in range(2_000)] for i in range(10)}
    problem = only_problem(manifest(*(task(f"t{i}", matrix=bomb, image="x:matrix{{k1}}") for i in range(3))))
    assert "more than a million million tasks" in problem.message


def test_fan_outs_that_follow_each_other_are_limited_in_edges() -> None:
    numbers = [str(i) for i in range(400)]
    problem = only_problem(manifest(task("a", matrix={"n": numbers}), task("b", "a", matrix={"n": numbers})))
    assert problem.place == "tasks"
    assert "160000 dependencies; at most 100000" in problem.message
    with_gate = manifest(task("a", matrix={"n": numbers}), task("gate", "a"), task("b", "gate", matrix={"n": numbers}))
    assert validate(with_gate) == []


def test_values_that_become_the_same_id_collide() -> None:
    problem = only_problem(of_task(matrix={"v": ["3.11", "3-11"]}))
    assert problem.place == "tasks[0].matrix"
    assert 'v="3.11" and v="3-11" get the same id "a-3-11"' in problem.message


def test_different_keys_may_collide_too() -> None:
    problem = only_problem(of_task(matrix={"x": ["a", "a-b"], "y": ["b-c", "c"]}))
    assert 'get the same id "a-a-b-c"' in problem.message


@pytest.mark.parametrize("order", [1, -1])
def test_ids_collide_with_those_of_other_tasks(order: int) -> None:
    tasks = [task("build", matrix={"os": ["linux"]}), task("build-linux")][::order]
    problem = only_problem(manifest(*tasks))
    assert problem.place == f"tasks[{0 if order == 1 else 1}].matrix"
    assert '"build-linux" is also one of' in problem.message


def test_two_matrix_tasks_may_collide() -> None:
    two = manifest(task("a", matrix={"v": ["b-c"]}), task("a-b", matrix={"v": ["c"]}))
    assert places(two) == ["tasks[1].matrix"]


def test_ids_stay_within_64_characters() -> None:
    assert validate(of_task(id="a" * 60, matrix={"v": ["123"]})) == []
    problem = only_problem(of_task(id="a" * 60, matrix={"v": ["1234", "12345"]}))
    assert "has 65 characters; at most 64" in problem.message
