"""Path expressions: what they find, and that none of them can take the trigger away from the other pipelines."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gofer_triggers.payload import MOST_DEPTH, BadPayload, clean, parse_json
from gofer_triggers.webhook.expression import BadExpression, Expression

CAME = {"body": {"a": [{"b": 1, "c": "x"}, {"b": 2, "c": "y"}], "n": None, "t": "text", "f": 1.5, "no": False}}


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ("body.t", "text"),
        ("body.f", "1.5"),
        ("body.no", "false"),
        ("body.n", None),
        ("body.x.y", None),
        ("body.a[-1].c", "y"),
        ("body.a[?b > `1`].c | [0]", "y"),
        ("join(',', body.a[*].c)", "x,y"),
        ("body.n || 'default'", "default"),
        ("to_string(body.a[0])", '{"b":1,"c":"x"}'),
        ("starts_with(body.t, 'te')", "true"),
        ("sort_by(body.a, &b)[0].c", "x"),
        ('`{"a": 1}`', '{"a":1}'),
    ],
)
def test_what_it_finds(expression: str, found: str | None) -> None:
    assert Expression(expression).text_of(CAME) == found


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ("", "cannot be empty"),
        ("a.", "at column 2"),
        ("a b", "Unexpected token: b"),
        ("'a", "Bad jmespath expression"),
        ("x" * 1001, "it has 1001 characters, and may have 1000"),
        ("(" * 1000, "it goes too deep"),
        ("`" + "[" * 400 + "]" * 400 + "`", "it goes too deep"),
        ("`abc`", "a text stands between"),
        ("{a: b}", "it builds a list or map"),
        ("a[*].[b, c]", "it builds a list or map"),
        ("merge(a, b)", "there is no function merge()"),
        ("exec('x')", "there is no function exec()"),
    ],
)
def test_what_is_none(expression: str, why: str) -> None:
    with pytest.raises(BadExpression) as raised:
        Expression(expression)
    assert why in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("expression", ["length(body.n)", "sum(body.a)", "keys(body.t)", "abs(body.t)", "body.a[::0]"])
def test_what_does_not_fit(expression: str) -> None:
    with pytest.raises(BadExpression):
        Expression(expression).of(CAME)


def test_it_has_only_so_many_steps() -> None:
    came = {"body": [[[number] * 10 for number in range(100)]] * 300}
    with pytest.raises(BadExpression) as raised:
        Expression("body[*][*][*]").of(came)
    assert str(raised.value) == "it takes more than 200,000 steps for what came"


def nested(call: str, inner: str, times: int) -> str:
    return call * times + inner + ")" * times


@pytest.mark.parametrize(
    "expression",
    [
        nested("to_string(to_array(", "body.q", 40).replace(")", "))"),
        "join(body.long, body.many)",
        "map(&map(&map(&length(@), body || @), @), body.lists)",
        "body.lists[*][?length(@) > `0`][] | [?length(@) > `0`]",
        nested("reverse(", "sort(body.many)", 80),
    ],
)
def test_little_does_not_become_much(expression: str) -> None:
    came: dict[str, Any] = {
        "body": {"q": '"\\' * 100, "long": "x" * 100_000, "many": ["y"] * 20_000, "lists": [[["z"] * 100] * 100] * 100}
    }
    try:
        found = Expression(expression).text_of(came)
    except BadExpression:
        found = ""
    assert found is None or len(found) <= 100_000


@settings(max_examples=300, database=None)
@given(st.text(alphabet="abc.[]*?&|()@`'\"{}:,0123456789<>=! \n\u00e9length_sor", max_size=60))
def test_any_text_is_an_expression_or_a_clear_error(text: str) -> None:
    with suppress(BadExpression):
        Expression(text).text_of({"a": [1, {"b": "c"}], "b": {"a": None}})


@settings(max_examples=300, database=None)
@given(st.binary(max_size=80))
def test_any_bytes_are_json_or_a_clear_error(body: bytes) -> None:
    with suppress(BadPayload):
        assert parse_json(body) == json.loads(body)


@settings(max_examples=200, database=None)
@given(st.text(), st.integers(1, 50))
def test_a_clean_text_fits_into_an_environment(text: str, most: int) -> None:
    cleaned = clean(text, most)
    assert len(cleaned.encode()) <= most
    assert "\0" not in cleaned


def test_as_deep_as_is_allowed() -> None:
    assert parse_json(b"[" * MOST_DEPTH + b"1" + b"]" * MOST_DEPTH)
    with pytest.raises(BadPayload, match="more than 64 deep"):
        parse_json(b"[" * (MOST_DEPTH + 1) + b"]" * (MOST_DEPTH + 1))
    assert clean("\ud800a\x00\x9b\tb\n") == "?a\tb\n"
    assert clean(True) == "true"
