"""Settings: how they are declared, described and decoded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gofer.models.units import parse_duration
from gofer_sdk.trigger import Duration, InvalidSettings, NoSettings, Settings, Trigger, field


class Everything(Settings):
    name: str = field("A name.")
    count: int = field("How many.", default=3)
    share: float = field("How much.", default=0.5)
    active: bool = field("Whether.", default=True)
    every: Duration = field("How often.", default="1m30s")
    names: list[str] = field("Which.", default=[])
    counts: dict[str, int] = field("How many of each.", default={"a": 1})
    body: dict[str, Any] = field("Anything.", default={})
    level: str = field("Which level.", default="low", choices=["low", "high"])
    token: str | None = field("A token.", default=None, secret=True)
    pin: int = field("A number that nobody may see.", default=0, secret=True)


def test_what_is_told_of_them() -> None:
    fields = {one["name"]: one for one in Everything.describe()}
    assert fields["name"] == {
        "name": "name",
        "type": "string",
        "description": "A name.",
        "required": True,
        "secret": False,
    }
    assert fields["every"]["default"] == "1m30s"
    assert "default" not in fields["token"]
    assert fields["token"]["secret"]
    assert fields["level"]["choices"] == ["low", "high"]
    kinds = ["string", "integer", "number", "boolean", "duration", "list", "map", "map", "string", "string", "integer"]
    assert [one["type"] for one in fields.values()] == kinds
    assert NoSettings.describe() == []


def test_what_is_decoded() -> None:
    default = Everything.decode({"name": "n"})
    assert (default.count, default.every, default.counts, default.token) == (3, 90_000, {"a": 1}, None)
    default.counts["b"] = 2
    assert Everything.decode({"name": "n"}).counts == {"a": 1}
    given = {"name": "n", "count": 4, "share": 1, "active": False, "every": "2h", "names": ["a"], "counts": {}}
    typed = Everything.decode(given)
    texts = {
        "count": "4",
        "share": "1",
        "active": "false",
        "every": "2h",
        "names": '["a"]',
        "counts": "{}",
    }
    assert typed == Everything.decode({"name": "n", **texts})
    assert isinstance(typed.share, float)
    assert typed.every.seconds == 7200
    assert Everything.decode({"name": "n", "token": "t", "body": {"deep": [1, None]}}).body == {"deep": [1, None]}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "name: expected text, got nothing. A name."),
        ({"name": None}, "name: expected text, got nothing."),
        ({"name": 5}, "name: expected text, got 5."),
        ({"count": "many"}, 'count: expected a whole number, got "many".'),
        ({"count": True}, "count: expected a whole number, got true."),
        ({"count": 1.5}, "count: expected a whole number, got 1.5."),
        ({"share": "NaN"}, 'share: expected a number, got "NaN".'),
        ({"active": "yes"}, 'active: expected true or false, got "yes".'),
        ({"active": 1}, "active: expected true or false, got 1."),
        ({"every": 5}, 'Say the unit: "5s" for seconds, "5m" for minutes.'),
        ({"every": "5 minutes"}, '"5 minutes" is not a duration. Write a number and a unit'),
        ({"every": "99999d"}, "longer than ten years"),
        ({"names": "a"}, 'names: expected a list of texts, got "a".'),
        ({"names": ["a", 1]}, "names: expected a list of texts, got ['a', 1]."),
        ({"counts": {"a": "x"}}, "counts: expected a map of whole numbers, got {'a': 'x'}."),
        ({"level": "mid"}, 'level: expected "low" or "high", got "mid".'),
        ({"pin": "hunter2"}, "pin: expected a whole number, got something else, which is not shown as it is secret."),
        ({"tokn": "hunter2"}, '"tokn" is not a setting. Did you mean "token"? There are: name, count,'),
        ({"x" * 999: 1}, '"' + "x" * 64 + '" is not a setting.'),
    ],
)
def test_what_does_not_fit(given: dict[str, object], words: str) -> None:
    with pytest.raises(InvalidSettings) as caught:
        Everything.decode(given if "name" in given or not given else {"name": "n", **given})
    assert words in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_every_mistake_is_named_at_once() -> None:
    with pytest.raises(InvalidSettings) as caught:
        Everything.decode({"evry": "1h", "count": "x"})
    assert all(words in str(caught.value) for words in ('"evry" is not', "count: expected", "name: expected"))
    with pytest.raises(InvalidSettings, match="There are none"):
        NoSettings.decode({"a": 1})
    with pytest.raises(InvalidSettings, match="Expected a map of settings, got list"):
        NoSettings.decode([])


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from([setting.name for setting in Everything.declared_settings]), JSON))
def test_whatever_comes_is_decoded_or_refused(given: Mapping[str, object]) -> None:
    try:
        Everything.decode(given)
    except InvalidSettings:
        return


def test_wrong_declarations() -> None:
    def declare(**annotations: object) -> None:
        values = {name: field("x") for name in annotations}
        type("Wrong", (Settings,), {"__annotations__": annotations, **values})

    with pytest.raises(TypeError, match="expected one of the types Duration, str, bool, int, float, list, dict, got"):
        declare(a=bytes)
    with pytest.raises(TypeError, match="a dict with texts as keys"):
        declare(a=dict[int, str])
    with pytest.raises(TypeError, match="needs the default None"):
        type("Wrong", (Settings,), {"__annotations__": {"a": str | None}, "a": field("x", default="y")})
    with pytest.raises(TypeError, match=r"Wrong.a: the default does not fit. a: expected a whole number, got \"x\""):
        type("Wrong", (Settings,), {"__annotations__": {"a": int}, "a": field("x", default="x")})
    with pytest.raises(TypeError, match=r'expected a: … = field\("What it is for."\)'):
        type("Wrong", (Settings,), {"__annotations__": {"a": int}, "a": 5})
    with pytest.raises(TypeError, match="expected Trigger"):
        type("Wrong", (Trigger,), {}).describe()  # type: ignore[attr-defined]


@given(st.integers(0, 10 * 365 * 86_400_000))
def test_durations_are_those_of_gofer(milliseconds: int) -> None:
    text = str(Duration(milliseconds))
    assert Duration(text) == milliseconds == parse_duration(text)


@given(st.text(alphabet="0123456789.msdh ", max_size=12))
def test_texts_that_are_durations_are_those_of_gofer(text: str) -> None:
    try:
        expected = parse_duration(text)
    except ValueError:
        with pytest.raises(ValueError, match=r"duration|longer"):
            Duration(text)
    else:
        assert Duration(text) == expected
