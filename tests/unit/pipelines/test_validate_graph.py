from __future__ import annotations

import pytest

from gofer.models.manifest import Dependency
from gofer.server.pipelines.validate import validate
from tests.unit.pipelines.building import manifest, needs, only_problem, places, task


def test_diamonds_and_conditions_that_can_be_met_are_valid() -> None:
    good = manifest(
        task("join", depends_on=needs(left="successful", right="successful", start="any")),
        task("start"),
        task("left", "start"),
        task("right", "start"),
        task("rescue", depends_on=needs(left="failed", start="successful")),
        task("after", depends_on=needs(rescue="any", join="any")),
    )
    assert validate(good) == []


@pytest.mark.parametrize(
    ("parent", "hint"),
    [
        ("dmup", 'Did you mean "dump"?'),
        ("Dump", 'Did you mean "dump"?'),
        ("load_all", 'Did you mean "load-all"?'),
        ("xyz", 'Known: "dump", "load-all", "c".'),
    ],
)
def test_an_unknown_parent_comes_with_the_nearest_task(parent: str, hint: str) -> None:
    problem = only_problem(manifest(task("dump"), task("load-all"), task("c", "dump", parent)))
    assert problem.place == "tasks[2].depends_on[1].task"
    assert problem.message == f'task "c": depends on "{parent}", which is not a task'
    assert problem.hint == hint


def test_one_combination_of_a_matrix_is_no_parent_and_the_hint_says_so() -> None:
    problem = only_problem(manifest(task("build", matrix={"os": ["linux", "mac"]}), task("c", "build-linux")))
    assert problem.hint.startswith('It is one combination of "build"')


def test_a_task_cannot_depend_on_itself() -> None:
    problem = only_problem(manifest(task("a", "a")))
    assert (problem.place, problem.message) == ("tasks[0].depends_on[0].task", 'task "a": depends on itself')


def test_ids_are_unique() -> None:
    problem = only_problem(manifest(task("a"), task("b"), task("a")))
    assert (problem.place, problem.message) == ("tasks[2].id", 'task "a": "a" is the id of tasks[0] already')


@pytest.mark.parametrize(
    ("first", "second", "place", "message"),
    [
        ("successful", "successful", "tasks[1].depends_on[1]", 'depends on "a" twice, see depends_on[0]'),
        ("any", "successful", "tasks[1].depends_on[1]", 'depends on "a" as "successful" and as "any"'),
        ("failed", "any", "tasks[1].depends_on[1]", 'depends on "a" as "any" and as "failed"'),
        ("failed", "successful", "tasks[1].depends_on[1]", 'can never run: "a" would have to be both'),
    ],
)
def test_a_parent_stands_there_once(first: str, second: str, place: str, message: str) -> None:
    twice = [Dependency(task="a", when=first), Dependency(task="a", when=second)]  # type: ignore[arg-type]
    problem = only_problem(manifest(task("a"), task("b", depends_on=twice)))
    assert problem.place == place
    assert message in problem.message


def test_a_cycle_is_spelled_out() -> None:
    problem = only_problem(manifest(task("a", "c"), task("b", "a"), task("c", "b"), task("d", "c")))
    assert problem.place == "tasks[1].depends_on[0].task"
    assert problem.message == 'task "b": its dependencies form a cycle: b → a → c → b'
    assert "remove one" in problem.hint


def test_of_a_cycle_the_shortest_way_is_told() -> None:
    ring = manifest(task("a", "b"), task("b", "c"), task("c", "d", "a"), task("d", "a"))
    messages = [problem.message for problem in validate(ring)]
    assert 'task "c": its dependencies form a cycle: c → a → b → c' in messages


def test_separate_cycles_are_all_told() -> None:
    two = manifest(task("a", "b"), task("b", "a"), task("x", "y"), task("y", "x"), task("z"))
    assert places(two) == ["tasks[1].depends_on[0].task", "tasks[3].depends_on[0].task"]


def test_a_long_cycle_is_shortened() -> None:
    ring = manifest(*(task(f"t{i}", f"t{(i + 1) % 500}") for i in range(500)))
    message = only_problem(ring).message
    assert "more) →" in message
    assert message.startswith('task "t499": its dependencies form a cycle: t499 → t0 → t1')
    assert message.endswith("t498 → t499")


def test_very_many_cycles_are_counted() -> None:
    tangle = manifest(*(task(f"t{i}", *(f"t{j}" for j in range(30) if j != i)) for i in range(30)))
    assert "further dependencies close cycles" in validate(tangle)[-1].message


def test_a_task_that_needs_contradictory_outcomes_through_others_can_never_run() -> None:
    problem = only_problem(
        manifest(
            task("a"),
            task("good", "a"),
            task("bad", "a", when="failed"),
            task("both", "good", "bad"),
            task("later", "both"),
        )
    )
    assert problem.place == "tasks[3].depends_on[1]"
    assert problem.message == (
        'task "both": can never run: "a" would have to be successful (so that "good" runs) '
        'and failed (so that "bad" runs)'
    )


def test_a_contradiction_between_a_parent_and_what_that_parent_needs() -> None:
    chain = manifest(
        task("a"), task("b", "a"), task("c", "b", when="failed"), task("d", depends_on=needs(c="failed", a="failed"))
    )
    assert '"a" would have to be' in only_problem(chain).message


def test_any_breaks_the_chain_of_needs() -> None:
    good = manifest(
        task("a"),
        task("good", "a"),
        task("bad", "a", when="failed"),
        task("report", "good", "bad", when="any"),
        task("mail", "report"),
    )
    assert validate(good) == []


def test_conditions_are_not_judged_while_there_are_cycles() -> None:
    wrong = manifest(task("a", "b"), task("b", "a"), task("c"))
    assert len(validate(wrong)) == 1
