"""The SDK keeps rules of its own, as it imports nothing of the server: here the two are held side by side."""

from __future__ import annotations

from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gofer.models import manifest as model
from gofer.models.ids import is_id, is_variable_name
from gofer.models.manifest import Manifest
from gofer.models.units import parse_duration, parse_size
from gofer.server.pipelines import bounds as server_bounds
from gofer.server.pipelines.images import is_image
from gofer.server.pipelines.interpolation import references as server_references
from gofer.server.pipelines.rules.artifacts import path_problem
from gofer.server.pipelines.validate import validate
from gofer_sdk import CommonTask, Pipeline, PipelineError, Task, bounds, checks, node, parameter, pipeline, task
from gofer_sdk.images import image
from gofer_sdk.references import references

DURATIONS = st.one_of(
    st.text("0123456789.smhd ٣", max_size=12),
    st.from_regex(r"([0-9]{1,4}(\.[0-9])?(ms|s|m|h|d)){1,4}", fullmatch=True),
)
SIZES = st.one_of(
    st.text("0123456789.kKMGTiIB ٣\u212a", max_size=8), st.from_regex(r"[0-9]{1,6} ?[kMGT]?i?B?", fullmatch=True)
)
IMAGES = st.one_of(
    st.text("abcA0.-_/:@[]", max_size=20),
    st.from_regex(r"([a-zA-Z0-9.-]{1,12}(:[0-9]{1,6})?/)?[a-z0-9._-]{1,8}(:[A-Za-z0-9._-]{1,8})?", fullmatch=True),
    st.sampled_from(["a" * 64, "A" * 64, "[::1]:5000/a", "a/" * 130 + "a", "a@sha512:" + "0" * 128, "a\n", "a:b\n"]),
)
NAMES = st.one_of(st.text(max_size=4), st.from_regex(r"[A-Za-z0-9_-]{1,140}\n?", fullmatch=True))


def accepts(check: Any, *arguments: Any, **options: Any) -> bool:
    try:
        check(*arguments, **options)
    except (PipelineError, ValueError):
        return False
    return True


@given(DURATIONS)
def test_durations(text: str) -> None:
    assert accepts(checks.duration, "here", text, '"1m"') == accepts(parse_duration, text)


@given(SIZES)
def test_sizes(text: str) -> None:
    expected = accepts(parse_size, text) and bounds.MIN_MEMORY <= parse_size(text) <= bounds.MAX_MEMORY
    assert accepts(Task("a", "b").limits, memory=text) == expected


@given(NAMES)
def test_ids_and_names(text: str) -> None:
    assert accepts(checks.identifier, "here", text, "an id") == is_id(text)
    assert accepts(checks.variable_name, "here", text, "a name") == is_variable_name(text)


PATHS = st.lists(st.sampled_from(["/", "//", ".", "..", "~", "a", "é" * 127, "é" * 128, " ", "\n"]), max_size=5).map(
    "".join
)


@given(PATHS)
def test_paths_of_artifacts(text: str) -> None:
    fine = accepts(Task("a", "b").output, "key", text)
    assert fine == (not path_problem(text) and bool(text.strip()))


@given(IMAGES)
def test_images(text: str) -> None:
    assert accepts(image, "here", text) == is_image(text)


@given(
    st.lists(st.sampled_from(["param", "matrix", "secret", "run", "{{", "}}", "{", "a", "a b", "!", " "])).map("".join)
)
def test_references(text: str) -> None:
    well_formed = [(kind, key) for kind, key in references(text) if key != "{"]
    fine = [(kind, key) for kind, key in well_formed if (is_variable_name if kind == "param" else is_id)(key)]
    assert fine == [(found.kind, found.key) for found in server_references(text)]


def test_limits() -> None:
    ours = {name: value for name, value in vars(bounds).items() if name.isupper()}
    theirs = {**vars(model), **vars(server_bounds)}
    assert ours == {name: theirs.get(name) for name in ours}


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (node.Condition, model.Condition),
        (pipeline.Outcome, model.Outcome),
        (task.PullPolicy, model.PullPolicy),
        (task.Level, model.Level),
        (pipeline.OnLimit, model.OnLimit),
        (parameter.ParameterType, model.ParameterType),
    ],
)
def test_words(ours: Any, theirs: Any) -> None:
    assert get_args(ours) == get_args(theirs)


def test_fields() -> None:
    both = {*Task._order, *CommonTask._order}
    assert both == {field.name for field in msgspec.structs.fields(model.Task)}
    assert set(Pipeline._order) == {field.name for field in msgspec.structs.fields(Manifest)}
    assert pipeline.SCHEMA_VERSION == model.SCHEMA_VERSION


LINES = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=8)
CONTENT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0{"), max_size=12)


@st.composite
def tasks(draw: st.DrawFn, number: int) -> Task:
    """A task with a random choice of settings, whose parents have lower numbers."""
    one = Task(f"t{number}", draw(st.sampled_from(["busybox:stable", "ghcr.io/acme/tool@sha256:" + "0" * 64])))
    if draw(st.booleans()):
        one = one.command(*draw(st.lists(CONTENT, min_size=1, max_size=3)))
    else:
        one = one.script(f"echo {draw(LINES)}")
    one = one.variables(draw(st.dictionaries(st.sampled_from(["A", "b_2", "_x"]), CONTENT | st.integers(), max_size=3)))
    one = one.retries(draw(st.integers(0, 100)), backoff="250ms", factor=draw(st.floats(1, 100)))
    if draw(st.booleans()):
        one = one.matrix(k=draw(st.lists(st.integers(0, 999), min_size=1, max_size=4, unique=True)))
        one = one.variable("V", "matrix{{k}} param{{p0}}")
    if number and draw(st.booleans()):
        parents = draw(st.sets(st.integers(0, number - 1), min_size=1, max_size=3))
        one = one.depends_on(*(f"t{parent}" for parent in sorted(parents)), when="any")
    if draw(st.booleans()):
        one = one.limits(cpu=draw(st.floats(0.01, 1024))).timeout("1m").stop_timeout("0s").user("1000:1000")
    if draw(st.booleans()):
        one = one.mount("/srv", "/data").privileged().inject_api_token().network("none").allow_failure().pull("never")
    return one


@st.composite
def pipelines(draw: st.DrawFn) -> Pipeline:
    one = Pipeline("p", draw(LINES)).description(draw(CONTENT)).label("a.b/c", draw(LINES))
    one = one.parameter("p0", default=draw(CONTENT)).parameter("p1", "number", default=draw(st.floats(-1e9, 1e9)))
    one = one.parameter(
        "p2", "integer", choices=draw(st.lists(st.integers(-9, 9), min_size=1, max_size=5, unique=True))
    )
    one = one.parallelism(draw(st.integers(0, 10_000)), on_limit=draw(st.sampled_from(["queue", "skip"])))
    return one.tasks(*(draw(tasks(number)) for number in range(draw(st.integers(1, 5)))))


@given(pipelines())
def test_what_the_sdk_builds_the_server_takes(one: Pipeline) -> None:
    decoded = msgspec.json.decode(one.to_json(), type=Manifest)
    assert validate(decoded) == []
    assert msgspec.msgpack.decode(one.to_msgpack(), type=Manifest) == decoded
