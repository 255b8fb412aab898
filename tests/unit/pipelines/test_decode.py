from __future__ import annotations

import math
from typing import Any

import msgspec
import pytest

from gofer.errors import BadRequest, InvalidInput, TooLarge
from gofer.models.manifest import MAX_MANIFEST_BYTES, Manifest
from gofer.server.pipelines.decode import decode_manifest
from tests.unit.pipelines.building import manifest, task

GOOD = manifest(task("a", script="echo"), task("b", "a", when="failed"), name="é")


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "Application/JSON; charset=utf-8", "", "application/vnd.gofer.manifest+json"],
)
def test_json(content_type: str) -> None:
    assert decode_manifest(msgspec.json.encode(GOOD), content_type) == GOOD


@pytest.mark.parametrize("content_type", ["application/msgpack", "application/x-msgpack", "application/vnd.msgpack"])
def test_msgpack(content_type: str) -> None:
    assert decode_manifest(msgspec.msgpack.encode(GOOD), content_type) == GOOD


def test_other_content_types_are_refused() -> None:
    with pytest.raises(BadRequest, match='cannot be read as "text/yaml"') as caught:
        decode_manifest(b"{}", "text/yaml")
    assert "application/json" in caught.value.hint


@pytest.mark.parametrize(
    ("body", "content_type", "message"),
    [
        (b"", "application/json", "not well-formed JSON: Input data was truncated"),
        (b"{", "application/json", "not well-formed JSON"),
        (b'{"id":"a"} trailing', "application/json", "trailing characters"),
        (b'{"id": NaN}', "application/json", "not well-formed JSON"),
        (b'{"id": "\\ud800"}', "application/json", "not well-formed JSON"),
        (b'{"id": "\xff"}', "application/json", "text that is not UTF-8"),
        (b"\xff\xfe{\x00", "application/json", "not well-formed JSON"),
        (b'{"id": "a\nb"}', "application/json", "not well-formed JSON"),
        (b"[" * 200_000, "application/json", "nested too deeply"),
        (b'{"tasks":' * 50_000, "application/json", "nested too deeply"),
        (b"", "application/msgpack", "not well-formed MessagePack"),
        (b"\xc1", "application/msgpack", "not well-formed MessagePack"),
        (b"\x91" * 200_000, "application/msgpack", "nested too deeply"),
        (b"\x81\xa2id\xa1\xff", "application/msgpack", "text that is not UTF-8"),
        (b"\x81\x81\x01\x02\x03", "application/msgpack", "not well-formed MessagePack"),
    ],
)
def test_what_is_malformed_is_a_bad_request(body: bytes, content_type: str, message: str) -> None:
    with pytest.raises(BadRequest, match="The manifest") as caught:
        decode_manifest(body, content_type)
    assert message in caught.value.message
    assert "/docs/manifest/" in caught.value.hint


def problems_of(content: Any, content_type: str = "application/json") -> list[tuple[str, str]]:
    encode = msgspec.json.encode if content_type == "application/json" else msgspec.msgpack.encode
    with pytest.raises(InvalidInput) as caught:
        decode_manifest(encode(content), content_type)
    return [(problem.place, problem.message) for problem in caught.value.problems]


def test_every_unknown_missing_and_ill_typed_field_is_told() -> None:
    content = {
        "name": 3,
        "lables": {},
        "links": [{"title": "x"}],
        "parameters": [{"name": "a", "type": "int", "default": [], "required": "yes"}],
        "parallelism": {"limit": 1.5, "on_limit": "wait"},
        "tasks": [
            {"id": "a", "image": "b", "variables": {"PORT": 5432}, "command": "echo hi", "limits": {"cpu": "1"}},
            {"id": None, "image": "b", "depends_on": ["a", {"task": "a", "when": "success"}]},
            7,
        ],
    }
    assert problems_of(content) == [
        ("name", "expected text, came 3"),
        ("lables", 'unknown field "lables"'),
        ("links[0]", 'the field "url" is missing'),
        ("parameters[0].type", 'expected one of "boolean", "integer", "number", "string"; came "int"'),
        ("parameters[0].default", "expected one of text, an integer, a number, true or false; came a list"),
        ("parameters[0].required", 'expected true or false, came "yes"'),
        ("parallelism.limit", "expected an integer, came 1.5"),
        ("parallelism.on_limit", 'expected one of "cancel_oldest", "queue", "skip"; came "wait"'),
        ("tasks[0].variables.PORT", "expected text, came 5432"),
        ("tasks[0].command", 'expected a list, came "echo hi"'),
        ("tasks[0].limits.cpu", 'expected a number, came "1"'),
        ("tasks[1].id", "expected text, came null"),
        ("tasks[1].depends_on[0]", 'expected an object, came "a"'),
        ("tasks[1].depends_on[1].when", 'expected one of "any", "failed", "successful"; came "success"'),
        ("tasks[2]", "expected an object, came 7"),
        ("", 'the field "id" is missing'),
    ]


def test_hints_name_what_was_probably_meant() -> None:
    body = b'{"id":"a","taks":[],"tasks":[{"id":"a","image":"b","variables":{"A":1},"retry":{}}]}'
    with pytest.raises(InvalidInput) as caught:
        decode_manifest(body, "")
    assert [problem.hint for problem in caught.value.problems] == [
        'Did you mean "tasks"?',
        "Put it in quotes.",
        'Did you mean "retries"?',
    ]
    assert caught.value.message == "The manifest has 3 problems"


@pytest.mark.parametrize("content", [None, [], "x", 3, True, 1.5])
def test_a_manifest_is_an_object(content: Any) -> None:
    [(place, message)] = problems_of(content)
    assert place == ""
    assert message.startswith("expected an object, came ")


def test_of_a_newer_schema_only_that_is_said() -> None:
    assert problems_of({"schema_version": 2, "id": "a", "stages": []}) == [
        ("schema_version", "schema version 2 is not supported; this server reads version 1")
    ]


@pytest.mark.parametrize("number", [b"1e999", b"-1e999", b"9" * 5_000])
def test_a_number_that_no_field_can_hold_is_told(number: bytes) -> None:
    with pytest.raises(InvalidInput) as caught:
        decode_manifest(b'{"id":"a","tasks":[{"id":"a","image":"b","limits":{"cpu":' + number + b"}}]}", "")
    assert [problem.place for problem in caught.value.problems] == ["tasks[0].limits.cpu"]


def test_what_only_msgpack_has() -> None:
    kind = "application/msgpack"
    assert problems_of({"id": b"a"}, kind) == [("id", "expected text, came a bytes")]
    assert problems_of({"id": "a", 3: 4}, kind) == [("", "expected text as the name of a field, came 3")]
    assert problems_of({"id": "a", "labels": {1: "x"}}, kind) == [("labels", "expected text as a key, came 1")]
    assert problems_of({"id": msgspec.msgpack.Ext(5, b"x")}, kind) == [("id", "expected text, came a Ext")]
    body = msgspec.msgpack.encode({"id": "a", "parameters": [{"name": "x", "default": math.nan}]})
    default = decode_manifest(body, kind).parameters[0].default
    assert isinstance(default, float)
    assert math.isnan(default)  # validate refuses it


def test_the_size_is_limited() -> None:
    body = msgspec.json.encode(Manifest(id="a"))
    padded = body + b" " * (MAX_MANIFEST_BYTES - len(body))
    assert decode_manifest(padded, "").id == "a"
    with pytest.raises(TooLarge, match="at most 1048576 bytes"):
        decode_manifest(padded + b" ", "")


def test_a_flood_of_unknown_fields_is_cut() -> None:
    body = b'{"id":"a"' + b"".join(b',"f%d":1' % i for i in range(5_000)) + b"}"
    with pytest.raises(InvalidInput) as caught:
        decode_manifest(body, "")
    assert len(caught.value.problems) == 1_001
