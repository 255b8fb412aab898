"""Each method of Pipeline, and the checks of a pipeline as a whole."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from gofer_sdk import Pipeline, PipelineError, Task, matrix, param

TASK = Task("a", "busybox:stable")
PIPELINE = Pipeline("nightly", "Nightly jobs").tasks(TASK)


def chain(*ids: str) -> list[Task]:
    """Tasks that each wait for the next one, and the last for the first."""
    return [
        Task(task, "busybox:stable").depends_on(parent) for task, parent in zip(ids, [*ids[1:], ids[0]], strict=True)
    ]


def problems_of(pipeline: Pipeline) -> tuple[str, ...]:
    with pytest.raises(PipelineError) as caught:
        pipeline.manifest()
    return caught.value.problems


def test_everything_at_once_in_the_documented_order() -> None:
    pipeline = (
        PIPELINE.description("Dumps")
        .owner("team-data")
        .labels({"team": "data"})
        .label("example.org/kind", "")
        .link("Runbook", "https://example.org/runbook?a=b#c")
        .parameter("day", required=True, description="Which day")
        .parameter("rows", "integer", default=3)
        .parameter("size", choices=["small", "large"], default="small")
        .parallelism(1, on_limit="cancel_oldest")
        .run_timeout("2h")
    )
    assert list(pipeline.manifest().items()) == [
        ("id", "nightly"),
        ("schema_version", 1),
        ("name", "Nightly jobs"),
        ("description", "Dumps"),
        ("owner", "team-data"),
        ("labels", {"team": "data", "example.org/kind": ""}),
        ("links", [{"title": "Runbook", "url": "https://example.org/runbook?a=b#c"}]),
        (
            "parameters",
            [
                {"name": "day", "type": "string", "description": "Which day", "required": True},
                {"name": "rows", "type": "integer", "default": 3},
                {"name": "size", "type": "string", "choices": ["small", "large"], "default": "small"},
            ],
        ),
        ("parallelism", {"limit": 1, "on_limit": "cancel_oldest"}),
        ("run_timeout", "2h"),
        ("tasks", [{"id": "a", "image": "busybox:stable"}]),
    ]


def test_json_and_msgpack_say_the_same() -> None:
    pipeline = PIPELINE.description("Größe: 1 µm")
    assert json.loads(pipeline.to_json()) == pipeline.manifest()
    assert msgspec.msgpack.decode(pipeline.to_msgpack()) == pipeline.manifest()
    assert "Größe" in pipeline.to_json()
    assert pipeline.to_json().endswith("}\n")


def test_json_is_compact_where_indentation_would_make_it_too_long() -> None:
    tasks = [TASK.with_id(f"t{i}").command(*["x"] * 300) for i in range(500)]
    text = Pipeline("big").tasks(*tasks).to_json()
    assert text.count("\n") == 1
    assert len(text.encode()) <= 1024 * 1024


def test_a_task_can_be_looked_up() -> None:
    assert PIPELINE.task("a") == TASK
    with pytest.raises(KeyError):
        PIPELINE.task("b")


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("string", ["", "x", "ä"]),
        ("integer", [0, -3, 2**53 - 1]),
        ("number", [0, 0.5, -3, 1e300]),
        ("boolean", [True, False]),
    ],
)
def test_defaults_and_choices_of_each_type(kind: Any, values: list[Any]) -> None:
    pipeline = PIPELINE.parameter("x", kind, choices=values, default=values[-1])
    assert pipeline.manifest()["parameters"][0] == {
        "name": "x",
        "type": kind,
        "choices": values,
        "default": values[-1],
    }


REFUSED: list[tuple[Callable[[], Any], str]] = [
    (lambda: Pipeline("a b"), r'Pipeline\(\): expected the id of a pipeline.*Write "a-b"'),
    (lambda: Pipeline("a", 1), 'Pipeline "a": expected a name as text, got 1'),  # type: ignore[arg-type]
    (lambda: Pipeline("a", "b\nc"), "without line breaks"),
    (lambda: Pipeline("a", "b" * 201), "at most 200 characters"),
    (lambda: PIPELINE.description(None), r'Write \.description\("What it is for"\)'),  # type: ignore[arg-type]
    (lambda: PIPELINE.owner(""), "an owner that is not empty"),
    (lambda: PIPELINE.label("-", "x"), "the key of a label"),
    (lambda: PIPELINE.label("a" * 64, "x"), "up to 63"),
    (lambda: PIPELINE.label("a", "x" * 256), "at most 255"),
    (lambda: PIPELINE.label("a", 1), r'the value of "a" as text, got 1'),  # type: ignore[arg-type]
    (lambda: PIPELINE.labels([("a", "b")]), "keys and their values"),  # type: ignore[arg-type]
    (lambda: PIPELINE.labels({f"a{i}": "x" for i in range(65)}), "at most 64 labels"),
    (lambda: PIPELINE.link("", "https://example.org"), "a title that is not empty"),
    (lambda: PIPELINE.link("x", "javascript:alert(1)"), "begins with https://"),
    (lambda: PIPELINE.link("x", "https://"), "begins with https://"),
    (lambda: PIPELINE.link("x", "https://[x"), "begins with https://"),
    (lambda: PIPELINE.link("x", "https://e.org/<script>"), "begins with https://"),
    (lambda: PIPELINE.link("x", "https://e.org/" + "a" * 2_048), "at most 2,048"),
    (lambda: PIPELINE.parameter("a b"), r'the name of a parameter.*Write "a_b"'),
    (lambda: PIPELINE.parameter("GOFER_X"), "does not begin with GOFER_"),
    (lambda: PIPELINE.parameter("x").parameter("x"), "the list of parameters has 'x' twice"),
    (lambda: PIPELINE.parameter("x", int), r'got <class \'int\'>\. Write "integer"'),  # type: ignore[arg-type]
    (lambda: PIPELINE.parameter("x", "int"), '"string" or "integer" or'),  # type: ignore[arg-type]
    (lambda: PIPELINE.parameter("x", "integer", default="3"), "default of the type integer.*got '3'"),
    (lambda: PIPELINE.parameter("x", "integer", default=True), "default of the type integer"),
    (lambda: PIPELINE.parameter("x", "integer", default=3.0), "default of the type integer"),
    (lambda: PIPELINE.parameter("x", "integer", default=2**53), "default of the type integer"),
    (lambda: PIPELINE.parameter("x", "number", default=float("inf")), "default of the type number"),
    (lambda: PIPELINE.parameter("x", "number", default=float("nan")), "default of the type number"),
    (lambda: PIPELINE.parameter("x", "boolean", default=1), "default of the type boolean: True or False"),
    (lambda: PIPELINE.parameter("x", default=3), "default as text, got 3"),
    (lambda: PIPELINE.parameter("x", choices=[]), "choices, a list of at least one"),
    (lambda: PIPELINE.parameter("x", choices="ab"), "choices, a list of at least one"),
    (lambda: PIPELINE.parameter("x", choices=["a", "a"]), "choices has 'a' twice"),
    (lambda: PIPELINE.parameter("x", "number", choices=[1, 1.0]), "choices has 1.0 twice"),
    (lambda: PIPELINE.parameter("x", "integer", choices=[1, "2"]), "choices of the type integer"),
    (lambda: PIPELINE.parameter("x", choices=["a"], default="b"), "one of the choices 'a', got 'b'"),
    (lambda: PIPELINE.parameter("x", "integer", choices=list(range(201))), "at most 200 choices"),
    (lambda: PIPELINE.parameter("x", default="a", required=True), "got both. Remove one"),
    (lambda: PIPELINE.parameter("x", required="yes"), "Write required=True"),  # type: ignore[arg-type]
    (lambda: PIPELINE.parallelism(-1), "limit, a whole number from 0"),
    (lambda: PIPELINE.parallelism(1.5), "limit, a whole number"),  # type: ignore[arg-type]
    (lambda: PIPELINE.parallelism(1, on_limit="wait"), '"queue" or "skip" or "cancel_oldest"'),  # type: ignore[arg-type]
    (lambda: PIPELINE.run_timeout("0s"), "at least 1ms"),
    (lambda: PIPELINE.tasks([TASK]), r"Put a star before the list: \.tasks\(\*tasks\)"),  # type: ignore[arg-type]
    (lambda: PIPELINE.tasks("a"), r"tasks one by one, got 'a'"),  # type: ignore[arg-type]
    (lambda: PIPELINE.tasks(TASK), r'got two tasks "a"\. Give one of them another id: \.with_id\("a-2"\)'),
    (lambda: Pipeline("p").tasks(TASK, TASK), 'got two tasks "a"'),
]


@pytest.mark.parametrize(("call", "told"), REFUSED)
def test_a_wrong_value_is_refused_where_it_stands(call: Callable[[], Any], told: str) -> None:
    with pytest.raises(PipelineError, match=told):
        call()


def test_too_many_parameters_and_links() -> None:
    pipeline = PIPELINE
    for i in range(100):
        pipeline = pipeline.parameter(f"p{i}")
    with pytest.raises(PipelineError, match="at most 100 parameters"):
        pipeline.parameter("one_more")
    for _ in range(50):
        pipeline = pipeline.link("x", "https://example.org")
    with pytest.raises(PipelineError, match="at most 50 links"):
        pipeline.link("x", "https://example.org")


def test_no_tasks() -> None:
    (problem,) = problems_of(Pipeline("p"))
    assert "There are no tasks. Add one: .tasks(Task(" in problem


@pytest.mark.parametrize("finish", [Pipeline.manifest, Pipeline.to_json, Pipeline.to_msgpack, Pipeline.emit])
def test_every_way_of_finishing_checks(finish: Callable[[Pipeline], object]) -> None:
    with pytest.raises(PipelineError, match=r'^Pipeline "p": There are no tasks'):
        finish(Pipeline("p"))


def test_unknown_parents() -> None:
    (problem,) = problems_of(PIPELINE.tasks(Task("build", "x"), Task("b", "x").depends_on("biuld", "a")))
    assert problem.startswith(
        'Task "b" depends on "biuld", which is not a task of this pipeline. Did you mean "build"?'
    )


def test_a_parent_may_come_later() -> None:
    assert Pipeline("p").tasks(Task("b", "x").depends_on("a"), TASK).manifest()["tasks"][0]["id"] == "b"


def test_a_cycle_is_spelled_out() -> None:
    pipeline = PIPELINE.tasks(*chain("x", "y", "z"), Task("after", "x").depends_on("z"))
    (problem,) = problems_of(pipeline)
    assert problem == (
        'Tasks wait for each other in a circle: "x" depends on "y", "y" depends on "z", "z" depends on "x". '
        "Remove one of these from .depends_on(…)."
    )


def test_every_cycle_is_told() -> None:
    problems = problems_of(Pipeline("p").tasks(*chain("a", "b"), *chain("c", "d", "e")))
    assert [problem.count(" depends on ") for problem in problems] == [2, 3]


def test_a_task_renamed_to_its_own_parent() -> None:
    (problem,) = problems_of(Pipeline("p").tasks(Task("b", "x").depends_on("a").with_id("a")))
    assert '"a" depends on "a"' in problem


def test_a_long_cycle_is_cut() -> None:
    (problem,) = problems_of(Pipeline("p").tasks(*chain(*(f"t{i}" for i in range(1_500)))))
    assert "… 1480 more …" in problem
    assert len(problem) < 1_000


def test_references_to_what_is_not_declared() -> None:
    task = (
        Task("b", "x:param{{tag}}")
        .script("echo param!{{escaped}}")
        .variable("D", "param{{days}} param{{days}}")
        .variable("V", matrix("version"))
        .variable("W", param("day"))
        .matrix(versions=["1"])
    )
    problems = problems_of(PIPELINE.parameter("day").tasks(task))
    assert [problem.split(",")[0] for problem in problems] == [
        'Task "b" uses param{{tag}}',
        'Task "b" uses param{{days}}',
        'Task "b" uses matrix{{version}}',
    ]
    assert 'Did you mean "day"?' in problems[1]
    assert 'Did you mean "versions"?' in problems[2]


def test_too_many_tasks_when_fanned_out() -> None:
    wide = TASK.matrix(a=[str(i) for i in range(50)], b=[str(i) for i in range(40)])
    assert Pipeline("p").tasks(wide).manifest()
    (problem,) = problems_of(Pipeline("p").tasks(wide, TASK.with_id("b")))
    assert "2,001 tasks" in problem


def test_too_long_a_manifest() -> None:
    tasks = [TASK.with_id(f"t{i}").script("x" * 100_000) for i in range(11)]
    (problem,) = problems_of(Pipeline("p").tasks(*tasks))
    assert "at most 1,048,576 can be" in problem


def test_all_problems_are_told_at_once() -> None:
    pipeline = Pipeline("p").tasks(*chain("a", "b"), Task("c", "x").depends_on("d").variable("V", param("v")))
    with pytest.raises(PipelineError, match=r'^Pipeline "p": 3 things are wrong\.\n  - Task "c"') as caught:
        pipeline.manifest()
    assert len(caught.value.problems) == 3
    assert str(caught.value).count("\n  - ") == 3
