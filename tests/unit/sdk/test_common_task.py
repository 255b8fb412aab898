from __future__ import annotations

import msgspec
import pytest

from gofer.models.manifest import Manifest
from gofer.server.pipelines.validate import validate
from gofer_sdk import CommonTask, Pipeline, PipelineError, Task, param, secret


def test_it_stands_in_a_pipeline_like_any_task() -> None:
    build = Task("build", "golang:1.23").command("make")
    tell = (
        CommonTask("slack", "tell", settings={"text": f"built {param('V')}", "tries": 3})
        .setting("key", secret("own"))
        .settings({"channel": "#a"})
        .depends_on(build)
        .retries(2)
        .timeout("1m")
        .allow_failure()
        .description("Says so")
    )
    one = (
        Pipeline("p")
        .parameter("V", required=True)
        .tasks(build, tell)
        .subscription("nightly", "cron", settings={"expression": "0 3 * * *"}, parameters={"V": "x"})
        .notifier("alarm", "slack", when=["failed"], on_change=True, settings={"text": param("V")})
    )
    assert one.task("tell") == tell
    assert tell.common_task == "slack"
    assert tell.manifest() == {
        "id": "tell",
        "common_task": "slack",
        "description": "Says so",
        "settings": {"text": "built param{{V}}", "tries": "3", "key": "secret{{own}}", "channel": "#a"},
        "depends_on": [{"task": "build", "when": "successful"}],
        "retries": {"count": 2},
        "timeout": "1m",
        "allow_failure": True,
    }
    assert validate(msgspec.json.decode(one.to_json(), type=Manifest)) == []


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: CommonTask("sl ack", "tell"), "the name of a common task"),
        (lambda: CommonTask("slack", "te ll"), "the id of a task"),
        (lambda: CommonTask("slack", "tell", settings={"Text": "x"}), "the name of a setting"),
        (lambda: CommonTask("slack", "tell", settings=["x"]), "names and their values"),  # type: ignore[arg-type]
        (lambda: CommonTask("slack", "tell").setting("text", "run{{"), "to be closed"),
        (lambda: Pipeline("p").notifier("a b", "slack"), "the label of a notifier"),
        (lambda: Pipeline("p").notifier("a", "slack", when="failed"), "a list of statuses"),  # type: ignore[arg-type]
        (lambda: Pipeline("p").notifier("a", "slack", when=["broken"]), '"successful" or "failed"'),  # type: ignore[list-item]
        (lambda: Pipeline("p").notifier("a", "slack").notifier("a", "slack"), "twice"),
        (lambda: Pipeline("p").subscription("a", "cron", settings={"x": object()}), "written as JSON"),
        (lambda: Pipeline("p").subscription("a", "cron", settings={"x": [{"y": "param{{A}}"}]}), "secrets alone"),
        (lambda: Pipeline("p").subscription("a", "cron", settings={"x": "secret{{"}), "to be closed"),
        (lambda: Pipeline("p").subscription("a", "cron", settings={"x": "secret{{a b}}"}), "a key between the braces"),
        (lambda: Pipeline("p").subscription("a", "cron", settings={"x": "y" * 65_536}), "65,544 bytes"),
        (lambda: Pipeline("p").subscription("a", "cron", settings={"x": 2**53}), "Write it as text"),
        (lambda: Pipeline("p").subscription("a", "cron", parameters={"X": ["y"]}), "a text, a number or a boolean"),  # type: ignore[dict-item]
    ],
)
def test_mistakes_are_told_where_they_are_made(make: object, told: str) -> None:
    with pytest.raises(PipelineError) as error:
        make()  # type: ignore[operator]
    assert told in str(error.value)


def test_what_a_notifier_names_must_be_declared() -> None:
    one = Pipeline("p").tasks(CommonTask("slack", "tell")).notifier("alarm", "slack", settings={"text": "param{{X}}"})
    with pytest.raises(PipelineError, match=r'Notifier "alarm" uses param\{\{X\}\}'):
        one.manifest()


def test_what_a_subscription_gives_must_be_declared_and_of_its_type() -> None:
    one = Pipeline("p").parameter("N", "integer", choices=[1, 2]).tasks(CommonTask("slack", "tell"))
    fine = one.subscription("a", "cron", settings={"x": "secret{{k}} param!{{A}}"}, parameters={"N": 2})
    assert validate(msgspec.json.decode(fine.to_json(), type=Manifest)) == []
    for parameters, told in (
        ({"M": 1}, 'gives the parameter "M", which is not declared'),
        ({"N": "1"}, '"N" of the type integer'),
        ({"N": 3}, "one of the choices 1, 2"),
    ):
        wrong = one.subscription("a", "cron", parameters=parameters)
        with pytest.raises(PipelineError, match=told):
            wrong.manifest()


def test_a_call_whose_result_is_dropped_is_told() -> None:
    tell = CommonTask("slack", "tell")
    with pytest.raises(PipelineError, match="A CommonTask never changes"):
        tell.setting("text", "x")
