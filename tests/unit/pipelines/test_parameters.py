from __future__ import annotations

import math
from typing import Any

import pytest

from gofer.errors import InvalidInput
from gofer.models.manifest import ParameterType, ParameterValue
from gofer.server.pipelines.parameters import parameter_text, resolve_parameters
from tests.unit.pipelines.building import from_json

PIPELINE = from_json(
    parameters=[
        {"name": "day", "required": True, "description": "An ISO date."},
        {"name": "level", "type": "integer", "default": 1, "choices": [1, 2, 3]},
        {"name": "ratio", "type": "number"},
        {"name": "dry_run", "type": "boolean", "default": False},
    ]
)


def test_values_and_defaults_in_the_order_of_declaration() -> None:
    assert resolve_parameters(PIPELINE, {"dry_run": True, "day": "2024-01-01"}) == {
        "day": "2024-01-01",
        "level": 1,
        "dry_run": True,
    }
    assert list(resolve_parameters(PIPELINE, {"ratio": 0.5, "day": "x"})) == ["day", "level", "ratio", "dry_run"]


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("string", " 5 ", " 5 "),
        ("string", "true", "true"),
        ("integer", "5", 5),
        ("integer", " +05 ", 5),
        ("integer", "-7", -7),
        ("number", "5", 5),
        ("number", "2.50", 2.5),
        ("number", "-.5e3", -500.0),
        ("boolean", "true", True),
        ("boolean", "Yes", True),
        ("boolean", "1", True),
        ("boolean", "OFF", False),
        ("boolean", "0", False),
    ],
)
def test_text_is_converted(kind: ParameterType, text: str, value: ParameterValue) -> None:
    taker = from_json(parameters=[{"name": "x", "type": kind}])
    result = resolve_parameters(taker, {"x": text})["x"]
    assert result == value
    assert type(result) is type(value)


@pytest.mark.parametrize(
    ("kind", "value", "message"),
    [
        ("string", 5, "expected text, came 5"),
        ("string", True, "expected text, came true"),
        ("string", "a\x00", "characters that no variable can hold"),
        ("string", "\ud800", "characters that no variable can hold"),
        ("string", "é" * 60_000, "has 120000 bytes; at most 102400"),
        ("integer", "five", 'expected an integer, came "five"'),
        ("integer", "", 'expected an integer, came ""'),
        ("integer", "1_000", "expected an integer"),
        ("integer", "٣", "expected an integer"),
        ("integer", "1.0", "expected an integer"),
        ("integer", 1.0, "expected an integer, came 1.0"),
        ("integer", True, "expected an integer, came true"),
        ("integer", str(2**53), "is not between"),
        ("integer", "9" * 10_000, "expected an integer"),
        ("integer", 10**100, "an integer of more than 40 digits is not between"),
        ("number", math.nan, "nan is not a finite number"),
        ("number", math.inf, "inf is not a finite number"),
        ("number", "nan", "expected a number"),
        ("number", "inf", "expected a number"),
        ("number", "1e999", "inf is not a finite number"),
        ("number", "0x10", "expected a number"),
        ("boolean", "maybe", 'expected true or false, came "maybe"'),
        ("boolean", 1, "expected true or false, came 1"),
    ],
)
def test_wrong_values_are_refused(kind: ParameterType, value: ParameterValue, message: str) -> None:
    taker = from_json(parameters=[{"name": "x", "type": kind}])
    with pytest.raises(InvalidInput) as caught:
        resolve_parameters(taker, {"x": value})
    [problem] = caught.value.problems
    assert problem.place == "parameters.x"
    assert message in problem.message
    assert len(caught.value.message) < 300


@pytest.mark.parametrize(
    ("kind", "choices", "value"),
    [("string", ["a", "b"], "a"), ("integer", [1, 2], "2"), ("number", [1, 0.5], "1.0"), ("number", [1, 0.5], ".5")],
)
def test_one_of_the_choices(kind: ParameterType, choices: list[Any], value: str) -> None:
    taker = from_json(parameters=[{"name": "x", "type": kind, "choices": choices}])
    assert resolve_parameters(taker, {"x": value})["x"] in choices


def test_everything_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(InvalidInput) as caught:
        resolve_parameters(PIPELINE, {"dya": "x", "level": 9, "ratio": "half", "x y": 1})
    assert [(problem.place, problem.message, problem.hint) for problem in caught.value.problems] == [
        ("parameters.dya", 'there is no parameter "dya"', 'Did you mean "day"?'),
        ('parameters["x y"]', 'there is no parameter "x y"', 'Known: "day", "level", "ratio", "dry_run".'),
        ("parameters.day", 'the parameter "day" is required', "An ISO date."),
        ("parameters.level", '"level": 9 is none of the choices', "Choices: 1, 2, 3."),
        ("parameters.ratio", '"ratio": expected a number, came "half"', ""),
    ]
    assert 'the parameter "day" is required' in caught.value.message


def test_a_pipeline_without_parameters_takes_none() -> None:
    assert resolve_parameters(from_json(), {}) == {}
    with pytest.raises(InvalidInput) as caught:
        resolve_parameters(from_json(), {"a": "b"})
    assert caught.value.hint == "This pipeline takes no parameters."


def test_values_as_text() -> None:
    assert [parameter_text(value) for value in ("x", True, False, 3, 2.5, -1)] == [
        "x",
        "true",
        "false",
        "3",
        "2.5",
        "-1",
    ]
