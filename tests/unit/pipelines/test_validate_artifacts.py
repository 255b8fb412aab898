"""Which tasks may write and read the same object."""

from __future__ import annotations

from typing import Any

import pytest

from gofer.server.pipelines.advice import advice
from gofer.server.pipelines.validate import validate
from tests.unit.pipelines.building import from_json, only_problem


def task(name: str, *parents: str, writes: str = "", reads: str = "", **more: Any) -> dict[str, Any]:
    return {
        "id": name,
        "image": "busybox",
        "depends_on": [{"task": parent, "when": "any"} for parent in parents],
        "outputs": [{"key": writes, "path": "out"}] if writes else [],
        "inputs": [{"key": reads, "path": "in"}] if reads else [],
        **more,
    }


def test_two_tasks_side_by_side_must_not_write_the_same_object() -> None:
    manifest = from_json(tasks=[task("a", writes="x"), task("b"), task("c", "b", writes="x")])
    problem = only_problem(manifest)
    assert problem.place == "tasks[2].outputs[0].key"
    assert '"x" is written by "a" too, side by side' in problem.message


def test_one_after_the_other_may() -> None:
    tasks = [task("c", "b", writes="x"), task("a", writes="x"), task("b", "a"), task("d", "c", writes="x")]
    assert validate(from_json(tasks=tasks)) == []


def test_two_ends_of_a_fork_are_side_by_side_although_both_follow_a_third() -> None:
    tasks = [task("a", writes="x"), task("b", "a", writes="x"), task("c", "a", writes="x")]
    assert [problem.place for problem in validate(from_json(tasks=tasks))] == ["tasks[2].outputs[0].key"]


def test_task_runs_of_a_matrix_need_keys_of_their_own() -> None:
    bad = from_json(tasks=[task("a", writes="x", matrix={"v": ["1", "2"]})])
    problem = only_problem(bad)
    assert problem.place == "tasks[0].outputs[0].key"
    assert "each task run of the matrix" in problem.message
    assert validate(from_json(tasks=[task("a", writes="x-matrix{{v}}", matrix={"v": ["1", "2"]})])) == []
    half = task("a", writes="x-matrix{{v}}", matrix={"v": ["1", "2"], "w": ["3", "4"]})
    assert len(validate(from_json(tasks=[half]))) == 1


def test_two_outputs_of_a_task_run_need_different_keys() -> None:
    one = task("a", writes="x-matrix{{v}}", matrix={"v": ["1", "2"]})
    one["outputs"].append({"key": "x-1", "path": "other"})
    found = validate(from_json(tasks=[one]))
    assert [problem.place for problem in found] == ["tasks[0].outputs[1].key"]


def test_a_value_of_the_matrix_meets_a_key_that_is_written_out() -> None:
    tasks = [task("a", writes="x-matrix{{v}}", matrix={"v": ["3.11", "3.12"]}), task("b", writes="x-3-12")]
    problem = only_problem(from_json(tasks=tasks))
    assert problem.place == "tasks[1].outputs[0].key"
    assert '"a-3-12"' in problem.message


def test_the_same_parameter_is_the_same_key() -> None:
    tasks = [task("a", writes="x-param{{p}}"), task("b", writes="x-param{{p}}"), task("c", writes="y-param{{p}}")]
    assert len(validate(from_json(parameters=[{"name": "p"}], tasks=tasks))) == 1


def test_many_tasks_in_a_row_are_checked_quickly() -> None:
    tasks = [task("t0", writes="x"), *(task(f"t{i}", f"t{i - 1}", writes="x") for i in range(1, 2_000))]
    assert validate(from_json(tasks=tasks)) == []


@pytest.mark.parametrize(
    ("tasks", "expected"),
    [
        ([task("a", writes="x"), task("b", "a", reads="x")], 0),
        ([task("a", writes="x"), task("m", "a"), task("b", "m", reads="x")], 0),
        ([task("b", reads="x")], 0),
        ([task("a", writes="x"), task("b", reads="x")], 1),
        ([task("a", "b", writes="x"), task("b", reads="x")], 1),
        ([task("a", writes="x-matrix{{v}}", matrix={"v": ["1", "2"]}), task("b", reads="x-2")], 1),
        ([task("a", writes="x-1"), task("b", reads="x-matrix{{v}}", matrix={"v": ["1", "2"]})], 1),
    ],
)
def test_reading_what_may_be_written_later_is_worth_a_word(tasks: list[dict[str, Any]], expected: int) -> None:
    manifest = from_json(tasks=tasks)
    assert validate(manifest) == []
    found = advice(manifest)
    assert len(found) == expected
    assert all('task "b": its input' in warning and 'task "a" writes it' in warning for warning in found)
