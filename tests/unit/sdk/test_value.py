"""Tasks and pipelines are values."""

from __future__ import annotations

import copy
import pickle

import pytest

from gofer_sdk import Pipeline, PipelineError, Task


def test_a_method_leaves_the_task_as_it_was() -> None:
    base = Task("base", "busybox:stable").variable("A", "1")
    other = base.with_id("other").variable("B", "2").depends_on("base").matrix(os=["x"]).mount("/a", "/b")
    assert base.manifest() == {"id": "base", "image": "busybox:stable", "variables": {"A": "1"}}
    assert other.manifest()["variables"] == {"A": "1", "B": "2"}


def test_a_method_leaves_the_pipeline_as_it_was() -> None:
    task = Task("a", "busybox:stable")
    base = Pipeline("p").label("team", "data").tasks(task)
    more = base.label("kind", "nightly").parameter("day").link("x", "https://e.org").tasks(task.with_id("b"))
    assert base.task_ids == ("a",)
    assert base.manifest()["labels"] == {"team": "data"}
    assert more.task_ids == ("a", "b")
    assert "parameters" not in base.manifest()


def test_what_manifest_returns_is_the_callers() -> None:
    task = Task("a", "busybox:stable").variable("A", "1").command("x").depends_on("b", "c")
    got = task.manifest()
    got["variables"]["A"] = "2"
    got["command"].append("y")
    got["depends_on"][0]["task"] = "z"
    assert task.manifest()["variables"] == {"A": "1"}
    assert task.manifest()["command"] == ["x"]
    assert task.parents == ("b", "c")


def test_what_was_given_may_be_changed_afterwards() -> None:
    systems, labels = ["x", "y"], {"team": "data"}
    task, pipeline = Task("a", "busybox:stable").matrix(os=systems), Pipeline("p").labels(labels)
    systems.append("z")
    labels["team"] = "other"
    assert task.manifest()["matrix"] == {"os": ["x", "y"]}
    assert pipeline.tasks(task).manifest()["labels"] == {"team": "data"}


def test_equality_does_not_depend_on_the_order_of_calls() -> None:
    one = Task("a", "busybox:stable").timeout("1m").variable("A", "1").variable("B", "2")
    two = Task("a", "busybox:stable").variable("B", "2").variable("A", "1").timeout("1m")
    assert one == two
    assert hash(one) == hash(two)
    assert Pipeline("p").tasks(one) == Pipeline("p").tasks(two)
    assert hash(Pipeline("p").tasks(one)) == hash(Pipeline("p").tasks(two))


def test_different_values_are_not_equal() -> None:
    task = Task("a", "busybox:stable")
    assert task != task.timeout("1m")
    assert task != task.with_id("b")
    assert Pipeline("a") != task
    assert task != task.manifest()
    assert Pipeline("p").parameter("x", "number", default=1) != Pipeline("p").parameter("x", "number", default=1.0)


def test_a_subclass_with_the_same_content_is_equal() -> None:
    class Slow(Task):
        def patient(self) -> Slow:
            return self.timeout("1h")

    assert Slow("a", "busybox:stable").patient() == Task("a", "busybox:stable").timeout("1h")
    assert isinstance(Slow("a", "busybox:stable").patient(), Slow)


@pytest.mark.parametrize("value", [Task("a", "busybox:stable").variable("A", "1"), Pipeline("p", "P").label("a", "b")])
def test_copies_and_pickles_are_equal(value: Task | Pipeline) -> None:
    assert copy.copy(value) == value
    assert copy.deepcopy(value) == value
    assert pickle.loads(pickle.dumps(value)) == value


def test_a_pipeline_with_tasks_survives_pickling() -> None:
    pipeline = Pipeline("p").tasks(Task("a", "busybox:stable").command("x"))
    assert pickle.loads(pickle.dumps(pipeline)).manifest() == pipeline.manifest()


@pytest.mark.parametrize(
    ("value", "name", "told"),
    [
        (Task("a", "busybox:stable"), "timeout", r"task = task\.timeout\(…\)"),
        (Task("a", "busybox:stable"), "image", r"task = task\.with_image\(…\)"),
        (Pipeline("p"), "owner", r"pipeline = pipeline\.owner\(…\)"),
        (Pipeline("p"), "nonsense", r"\.nonsense cannot be set"),
    ],
)
def test_nothing_can_be_assigned_to(value: Task | Pipeline, name: str, told: str) -> None:
    before = repr(value)
    with pytest.raises(PipelineError, match=told):
        setattr(value, name, "1m")
    with pytest.raises(PipelineError, match="cannot be deleted"):
        delattr(value, name)
    assert repr(value) == before


def test_repr_shows_the_content() -> None:
    assert repr(Task("a", "busybox:stable").description("Größe")) == (
        'Task({"id": "a", "image": "busybox:stable", "description": "Größe"})'
    )
    assert "busybox:stable" in repr(Pipeline("p").tasks(Task("a", "busybox:stable")))
