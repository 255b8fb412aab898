from __future__ import annotations

from typing import Any

import pytest

from gofer.errors import InvalidInput
from gofer.models.manifest import MAX_MANIFEST_BYTES, Manifest
from gofer.server.pipelines import bounds
from gofer.server.pipelines.validate import require_valid, validate
from tests.unit.pipelines.building import from_json, manifest, only_problem, places, task


def test_the_smallest_manifest_is_valid() -> None:
    assert validate(manifest(task("a"))) == []


def test_a_full_manifest_is_valid() -> None:
    full = from_json(
        id="nightly-2",
        schema_version=1,
        name="Nightly jobs",
        description="What\nruns\tat night",
        owner="team-ops <ops@example.org>",
        labels={"team": "ops", "example.org/cost-centre": "42 é"},
        links=[{"title": "Runbook", "url": "https://example.org:8443/runbook?x=%20#a"}],
        parameters=[
            {"name": "day", "type": "string", "required": True, "description": "ISO date"},
            {"name": "level", "type": "integer", "default": 3, "choices": [1, 2, 3]},
            {"name": "ratio", "type": "number", "default": 1, "choices": [1, 0.5]},
            {"name": "dry_run", "type": "boolean", "default": False},
        ],
        parallelism={"limit": 1, "on_limit": "cancel_oldest"},
        run_timeout="7d12h",
    )
    assert validate(full) == []


@pytest.mark.parametrize(
    ("fields", "place", "message", "hint"),
    [
        ({"id": "no way"}, "id", '"no way" is not a valid pipeline id', "Use 1 to 64"),
        ({"id": ""}, "id", '"" is not a valid', "Use 1 to 64"),
        ({"id": "a" * 65}, "id", "is not a valid", "Use 1 to 64"),
        ({"id": "../../etc"}, "id", "is not a valid", "Use 1 to 64"),
        ({"id": "a\n"}, "id", r"'a\n' is not a valid", "Use 1 to 64"),
        ({"schema_version": 2}, "schema_version", "version 2 is not supported; this server reads version 1", "newer"),
        ({"schema_version": 10**400}, "schema_version", "is not supported", "newer"),
        ({"schema_version": 0}, "schema_version", "is not 1", "Leave it out"),
        ({"name": "x" * 201}, "name", "has 201 characters; at most 200", "Shorten"),
        ({"name": "two\nlines"}, "name", "control characters or line breaks", "one line"),
        ({"owner": "\x1b[31mred"}, "owner", "control characters", "one line"),
        ({"description": "x" * 10_001}, "description", "at most 10000", "Shorten"),
        ({"labels": {"a b": "c"}}, "labels", '"a b" is not the name of a label', "letters, digits"),
        ({"labels": {"a": "c" * 256}}, "labels.a", "at most 255", "Shorten"),
        ({"labels": {f"l{i}": "" for i in range(65)}}, "labels", "has 65 labels; at most 64", ""),
        ({"links": [{"title": "", "url": "https://a.b"}]}, "links[0].title", "is empty", "where the link leads"),
        ({"links": [{"title": "x", "url": "https://a.b"}] * 51}, "links", "at most 50", ""),
        ({"links": [{"title": "x", "url": "https://a.b/" + "c" * 2048}]}, "links[0].url", "at most 2048", ""),
        ({"parallelism": {"limit": -1}}, "parallelism.limit", "is not between 0 and 10000", "0 means"),
        ({"parallelism": {"limit": 10**30}}, "parallelism.limit", "is not between 0 and 10000", "0 means"),
        ({"run_timeout": "0s"}, "run_timeout", "too short", "Write a number and a unit"),
        ({"run_timeout": "11y"}, "run_timeout", '"11y" is not a duration', "Write a number and a unit"),
        ({"run_timeout": "9" * 100_000}, "run_timeout", "is not a duration", "Write a number and a unit"),
        ({"run_timeout": ""}, "run_timeout", '"" is not a duration', "Write a number and a unit"),
        ({"run_timeout": "4000d"}, "run_timeout", "at most ten years", "Write a number and a unit"),
    ],
)
def test_a_wrong_field_is_reported_at_its_place(fields: dict[str, Any], place: str, message: str, hint: str) -> None:
    problem = only_problem(from_json(**fields))
    assert problem.place == place
    assert message in problem.message
    assert hint in problem.hint


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "JAVASCRIPT:alert(1)",
        "data:text/html,x",
        "ftp://example.org/x",
        "//example.org",
        "example.org",
        "https://",
        "https:///path",
        "http://[::1",
        "http://host:99999/",
        "http://ho st/",
        'https://a.b/"onload=x',
        "https://a.b/\nx",
        " https://a.b",
        "",
    ],
)
def test_links_lead_to_web_pages_only(url: str) -> None:
    assert only_problem(from_json(links=[{"title": "x", "url": url}])).place == "links[0].url"


@pytest.mark.parametrize("url", ["http://localhost:8080", "https://[2001:db8::1]/a", "HTTPS://Example.org/ä?q=1"])
def test_ordinary_links_are_fine(url: str) -> None:
    assert validate(from_json(links=[{"title": "x", "url": url}])) == []


@pytest.mark.parametrize(
    ("parameter", "place", "message"),
    [
        ({"name": "a-b"}, ".name", '"a-b" is not the name of a variable'),
        ({"name": ""}, ".name", '"" is not the name of a variable'),
        ({"name": "1a"}, ".name", "is not the name"),
        ({"name": "GOFER_RUN_ID"}, ".name", "names that begin with GOFER_ are Gofer's own"),
        ({"name": "gofer_x"}, ".name", "Gofer's own"),
        ({"name": "a", "default": 3}, ".default", "expected text, came 3"),
        ({"name": "a", "type": "integer", "default": "3"}, ".default", 'expected an integer, came "3"'),
        ({"name": "a", "type": "integer", "default": True}, ".default", "expected an integer, came true"),
        ({"name": "a", "type": "integer", "default": 1.5}, ".default", "expected an integer, came 1.5"),
        ({"name": "a", "type": "integer", "default": 2**53}, ".default", "is not between"),
        ({"name": "a", "type": "integer", "default": 10**300}, ".default", "an integer of more than 40 digits"),
        ({"name": "a", "type": "number", "default": float("nan")}, ".default", "nan is not a finite number"),
        ({"name": "a", "type": "number", "default": float("inf")}, ".default", "inf is not a finite number"),
        ({"name": "a", "type": "boolean", "default": 1}, ".default", "expected true or false, came 1"),
        ({"name": "a", "default": "x", "required": True}, ".default", "has a default although it is required"),
        ({"name": "a", "default": "x", "choices": ["y", "z"]}, ".default", '"x" is none of the choices'),
        ({"name": "a", "choices": ["x", 1]}, ".choices[1]", "expected text, came 1"),
        ({"name": "a", "choices": ["x", "y", "x"]}, ".choices[2]", '"x" is the same as choices[0]'),
        ({"name": "a", "choices": ["x"] * 201}, ".choices", "at most 200"),
        ({"name": "a", "default": "x" * 200_000}, ".default", "at most 102400"),
        ({"name": "a", "description": "x" * 10_001}, ".description", "at most 10000"),
    ],
)
def test_wrong_parameters(parameter: dict[str, Any], place: str, message: str) -> None:
    problem = only_problem(from_json(parameters=[{"name": "fine"}, parameter]))
    assert problem.place == f"parameters[1]{place}"
    assert message in problem.message


def test_parameters_declared_twice_and_too_many() -> None:
    twice = only_problem(from_json(parameters=[{"name": "a"}, {"name": "b"}, {"name": "a"}]))
    assert twice.place == "parameters[2].name"
    assert "declared already by parameters[0]" in twice.message
    many = only_problem(from_json(parameters=[{"name": f"p{i}"} for i in range(101)]))
    assert many.place == "parameters"


def test_all_problems_come_at_once_in_a_stable_order() -> None:
    wrong = from_json(
        id="-",
        run_timeout="soon",
        parameters=[{"name": "x y"}],
        tasks=[{"id": "a", "image": "UPPER"}, {"id": "a", "image": "b", "depends_on": [{"task": "ghost"}]}],
    )
    expected = [
        "id",
        "run_timeout",
        "parameters[0].name",
        "tasks[0].image",
        "tasks[1].id",
        "tasks[1].depends_on[0].task",
    ]
    assert places(wrong) == expected
    assert validate(wrong) == validate(wrong)
    with pytest.raises(InvalidInput, match="has 6 problems") as caught:
        require_valid(wrong)
    assert caught.value.problems == validate(wrong)


def test_there_must_be_a_task() -> None:
    assert only_problem(Manifest(id="a")).place == "tasks"


def test_two_thousand_tasks_are_the_limit() -> None:
    assert validate(manifest(*(task(f"t{i}") for i in range(2_000)))) == []
    problem = only_problem(manifest(*(task(f"t{i}") for i in range(2_001))))
    assert (problem.place, problem.message) == ("tasks", "there are 2001 tasks; at most 2000 are allowed")


def test_the_canonical_form_is_limited_too() -> None:
    text = "x" * (bounds.MAX_VALUE_BYTES - 10)
    large = manifest(*(task(f"t{i}", script=text) for i in range(11)))
    assert len(text) * 11 > MAX_MANIFEST_BYTES
    problem = only_problem(large)
    assert problem.place == ""
    assert "canonical JSON" in problem.message


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"name": "a\x00b"}, "name"),
        ({"description": "\ud800"}, "description"),
        ({"labels": {"a": "\x00"}}, "labels.a"),
        ({"labels": {"a\x00": "b"}}, "labels"),
        ({"tasks": [{"id": "a", "image": "b", "script": "echo \x00"}]}, "tasks[0].script"),
        ({"tasks": [{"id": "a", "image": "b", "variables": {"A": "\udfff"}}]}, "tasks[0].variables.A"),
        ({"tasks": [{"id": "a", "image": "b", "command": ["x", "\x00"]}]}, "tasks[0].command[1]"),
    ],
)
def test_no_text_holds_a_nul_or_half_a_surrogate_pair(fields: dict[str, Any], place: str) -> None:
    found = [
        problem
        for problem in validate(from_json(**fields))
        if "NUL" in problem.message or "surrogate" in problem.message
    ]
    assert [problem.place for problem in found] == [place]


def test_the_letters_of_an_escape_are_no_nul() -> None:
    assert validate(from_json(description="a backslash and u0000: \\u0000")) == []


def test_a_flood_of_problems_is_cut_and_counted() -> None:
    problems = validate(manifest(*(task(f"t{i}", "x", "y") for i in range(1_000))))
    assert len(problems) == 1_001
    assert problems[-1].message == "1000 further problems are not shown"
