"""A building call whose result is thrown away is refused; every other use is left alone."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from gofer_sdk import Pipeline, PipelineError, Task

task = Task("a", "busybox:stable")
pipeline = Pipeline("p")


class Holder:
    task = task


def lone_statement() -> None:
    task.timeout("10m")


def over_several_lines() -> None:
    task.variable(
        "A",
        "1",
    )


def end_of_a_chain() -> None:
    task.timeout("10m").variable("A", "1")


def chain_over_several_lines() -> None:
    (
        pipeline
        .description("x")
        .tasks(
            Task("b", "busybox:stable"),
        )
    )  # fmt: skip


def in_a_loop() -> None:
    for name in ("A", "B"):
        task.variable(name, "1")


def of_an_attribute() -> None:
    Holder.task.allow_failure()


def with_other_letters_before_it() -> None:
    "größer"; task.description("größer")  # noqa: E702  # fmt: skip


def with_starred_words() -> None:
    words = ["a", "b"]
    task.command(*words)


def with_a_script() -> None:
    task.script("""
        echo ")"
    """)


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lone_statement, "Write task = task.timeout(…)"),
        (over_several_lines, "Write task = task.variable(…)"),
        (end_of_a_chain, "Write task = task.variable(…)"),
        (chain_over_several_lines, "A Pipeline never changes: each method returns a new one. Write pipeline ="),
        (in_a_loop, "Write task = task.variable(…)"),
        (of_an_attribute, "The result of .allow_failure(…) is thrown away. A Task never changes"),
        (with_other_letters_before_it, "Write task = task.description(…)"),
        (with_starred_words, "Write task = task.command(…)"),
        (with_a_script, "Write task = task.script(…)"),
    ],
)
def test_thrown_away(call: Callable[[], None], told: str) -> None:
    for _ in range(20):  # the interpreter rewrites what it runs often
        with pytest.raises(PipelineError) as caught:
            call()
        assert told in str(caught.value)


def test_every_use_of_a_result_is_fine() -> None:
    kept: list[Task] = []
    for _ in range(20):
        kept.append(task.timeout("1m"))
        kept.extend(map(Task.allow_failure, [task]))
        kept.extend(task.variable(name, "1") for name in ("A", "B"))
        kept += [each.timeout("2m") for each in (task,)]
        kept.append(task.timeout("1m") if kept else task)
        print(task.timeout("1m"))
        {"x": task.timeout("1m")}.get("x")
        (lambda: task.timeout("1m"))()
        _ = task.timeout("1m")
        str(task.timeout("1m"))
    assert all(each != task for each in kept)


def test_a_wrong_value_is_told_rather_than_the_forgotten_result() -> None:
    with pytest.raises(PipelineError, match="expected a duration"):
        task.timeout("x")


def test_code_without_source_is_left_alone() -> None:
    scope = {"task": task}
    exec("task.timeout('1m')", scope)
    assert scope["task"] is task
