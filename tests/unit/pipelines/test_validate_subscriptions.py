"""What a manifest may say of triggers."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gofer.errors import InvalidInput
from gofer.models.manifest import Manifest, Parameter, Subscription
from gofer.server.pipelines import bounds
from gofer.server.pipelines.decode import decode_manifest
from gofer.server.pipelines.interpolation import Reference
from gofer.server.pipelines.manifest_hash import manifest_hash
from gofer.server.pipelines.subscription_settings import interpolated, secrets_of
from gofer.server.pipelines.validate import validate
from tests.unit.pipelines.building import manifest, task


def with_settings(settings: dict[str, Any]) -> Manifest:
    return manifest(task("a"), subscriptions=[Subscription(label="x", trigger="cron", settings=settings)])


def problems(*wanted: Subscription, parameters: list[Parameter] | None = None) -> list[tuple[str, str]]:
    found = validate(manifest(task("a"), subscriptions=list(wanted), parameters=parameters or []))
    return [(problem.place, problem.message) for problem in found]


def test_what_is_fine() -> None:
    settings = {"every": "1h", "list": [1, 2.5, None, True, {"deep": "secret{{k}} global_secret{{g}} run!{{x}}"}]}
    first = Subscription(label="a", trigger="cron", settings=settings, parameters={"N": 3})
    second = Subscription(label="b", trigger="cron")
    assert problems(first, second, parameters=[Parameter(name="N", type="number")]) == []
    assert secrets_of(settings) == [Reference("secret", "k"), Reference("global_secret", "g")]
    put = interpolated(settings, lambda kind, key: f"<{kind} {key}>")
    assert put["list"][4] == {"deep": "<secret k> <global_secret g> run{{x}}"}
    assert settings["every"] == "1h"


def test_labels_are_ids_and_unique() -> None:
    one = Subscription(label="a", trigger="cron")
    assert problems(one, one) == [("subscriptions[1].label", 'subscription "a": is that of subscriptions[0] already')]
    wrong = Subscription(label="a b", trigger="c/d")
    assert [place for place, _ in problems(wrong)] == ["subscriptions[0].label", "subscriptions[0].trigger"]


@pytest.mark.parametrize(
    ("settings", "place", "said"),
    [
        ({"a": "param{{X}}"}, ".a", "is not known before a run starts"),
        ({"a": ["x", "secret{{"]}, ".a[1]", "is not closed"),
        ({"a": {"b c": "secret{{d e}}"}}, '.a["b c"]', "is not a key"),
        ({"a": 2**53}, ".a", "is not between"),
        ({"a": float("nan")}, ".a", "is not a finite number"),
        ({"a": b"bytes"}, ".a", "is no JSON: bytes"),
        ({"a": {1: "x"}}, ".a", "a key that is no text"),
        ({"a": "x" * 65_536}, "", "at most 65536"),
    ],
    ids=str,
)
def test_what_settings_may_not_hold(settings: dict[str, Any], place: str, said: str) -> None:
    (problem,) = validate(with_settings(settings))
    assert problem.place == f"subscriptions[0].settings{place}"
    assert said in problem.message


def test_settings_lie_only_so_deep() -> None:
    def nested(depth: int) -> dict[str, Any]:
        return {"a": nested(depth - 1)} if depth > 1 else {}

    assert validate(with_settings(nested(bounds.MAX_SETTINGS_DEPTH))) == []
    (problem,) = validate(with_settings(nested(bounds.MAX_SETTINGS_DEPTH + 1)))
    assert "16 deep" in problem.message


def test_characters_that_nobody_can_hold_have_their_place() -> None:
    (problem,) = validate(with_settings({"a": ["x\0"]}))
    assert problem.place == "subscriptions[0].settings.a[0]"


@pytest.mark.parametrize(
    ("value", "said"),
    [("3", "expected an integer"), (True, "expected an integer"), (4, "none of the choices"), (2, "")],
)
def test_parameters_are_declared_and_well_typed(value: Any, said: str) -> None:
    one = Subscription(label="a", trigger="cron", parameters={"N": value, "M": 1})
    found = problems(one, parameters=[Parameter(name="N", type="integer", choices=[1, 2]), number("M")])
    assert [place for place, _ in found] == (["subscriptions[0].parameters.N"] if said else [])
    assert all(said in message for _, message in found)
    ((place, message),) = problems(Subscription(label="a", trigger="cron", parameters={"N": 1}))
    assert place == "subscriptions[0].parameters.N"
    assert 'no parameter "N"' in message


def number(name: str) -> Parameter:
    return Parameter(name=name, type="integer")


def test_too_many() -> None:
    found = problems(*(Subscription(label=f"s{n}", trigger="cron") for n in range(101)))
    assert found == [("subscriptions", "has 101 subscriptions; at most 100 are allowed")]


def test_any_shape_of_settings_is_read_and_a_wrong_one_told() -> None:
    one = {"label": "a", "trigger": "cron", "settings": {"a": [1, {"b": None}]}}
    body = {"id": "p", "tasks": [{"id": "t", "image": "i"}], "subscriptions": [one]}
    assert decode_manifest(msgspec.json.encode(body), "").subscriptions[0].settings == one["settings"]
    body["subscriptions"] = [{**one, "settings": [], "labell": 1}]
    with pytest.raises(InvalidInput) as caught:
        decode_manifest(msgspec.json.encode(body), "")
    assert [problem.place for problem in caught.value.problems] == [
        "subscriptions[0].settings", "subscriptions[0].labell"
    ]  # fmt: skip


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-10, 10) | st.floats(-5, 5) | st.text("ab{}!", max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab", max_size=2), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text("abc", max_size=3), JSON, max_size=4))
def test_what_is_valid_is_stored_as_it_was(settings: dict[str, Any]) -> None:
    one = with_settings(settings)
    assert validate(one) == []
    again = msgspec.json.decode(msgspec.json.encode(one), type=Manifest)
    assert again.subscriptions[0].settings == settings
    assert manifest_hash(again) == manifest_hash(one)
