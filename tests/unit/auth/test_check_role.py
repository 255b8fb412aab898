from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gofer.errors import InvalidInput
from gofer.models.access import Action, Grant, Resource, WantedGrant
from gofer.models.grants import parse_grant, written
from gofer.server.auth.check_role import MAX_GRANTS, checked
from gofer.server.auth.permission import DIAL_IN, OPEN, OWN, Permission


def wanted(text: str) -> WantedGrant:
    grant = parse_grant(text)
    assert grant is not None
    return grant


def problems(*texts: str, description: str = "") -> list[tuple[str, str, str]]:
    with pytest.raises(InvalidInput) as caught:
        checked(description, [wanted(text) for text in texts])
    return [(one.place, one.message, one.hint) for one in caught.value.problems]


@pytest.mark.parametrize(
    ("text", "grant"),
    [
        ("runs,logs:read,run", Grant(resources=["runs", "logs"], actions=["read", "run"])),
        ("*:read", Grant(resources=["*"], actions=["read"])),
        ("secrets:*@nightly", Grant(resources=["secrets"], actions=["*"], names=["nightly"])),
        (
            "secrets,runs:read@nightly-*/db_*,backup",
            Grant(resources=["secrets", "runs"], actions=["read"], names=["nightly-*/db_*", "backup"]),
        ),
        ("runs, runs : read@*", Grant(resources=["runs"], actions=["read"], names=["*"])),
    ],
)
def test_what_is_good(text: str, grant: Grant) -> None:
    assert checked("what for", [wanted(text)]) == [grant]
    assert checked("", [wanted(written(grant))]) == [grant]


@pytest.mark.parametrize("text", ["", "runs", "runs@x", "runs:read@"])
def test_lines_without_the_form(text: str) -> None:
    assert parse_grant(text) is None


@pytest.mark.parametrize(
    ("text", "place", "message", "hint"),
    [
        ("run:read", "resources[0]", 'there is no resource "run"', 'Did you mean "runs"?'),
        ("runs,unknown:read", "resources[1]", 'there is no resource "unknown"', "Known: namespaces, pipelines"),
        (":read", "resources[0]", 'there is no resource ""', "Known"),
        ("runs:raed", "actions[0]", 'there is no action "raed"', 'Did you mean "read"?'),
        ("runs:", "actions[0]", 'there is no action ""', "Known"),
        ("logs:write", "resources[0]", '"logs" does not know "write"', 'It knows "read".'),
        ("logs,runs:delete,read", "actions[0]", '"delete" means nothing to "logs", "runs"', 'It is for "namespaces"'),
        ("runs:read@nightly?", "names[0]", '"nightly?" can match no name', "Write a pipeline"),
        ("runs:read@[a-z]", "names[0]", "can match no name", "Write a pipeline"),
        ("runs:read@a/b/c", "names[0]", "can match no name", "Write a pipeline"),
        ("runs:read@/a", "names[0]", "can match no name", "Write a pipeline"),
        ("runs:read@a/", "names[0]", "can match no name", "Write a pipeline"),
        ("runs:read@a,", "names[1]", '"" can match no name', "Write a pipeline"),
        ("system,runs:read@a", "resources[0]", '"system" has no names', "permission of its own"),
        ("namespaces:read@a", "resources[0]", '"namespaces" has no names', "permission of its own"),
        ("runs,secrets:read@a/b", "resources[0]", 'the names of "runs" have one part', "first part alone"),
    ],
)
def test_what_is_wrong(text: str, place: str, message: str, hint: str) -> None:
    (found,) = problems(text)
    assert found[0] == f"permissions[0].{place}"
    assert message in found[1]
    assert hint in found[2]


def test_everything_is_told_at_once() -> None:
    found = problems("run:raed@a?", "logs:read", "logs:write", description="two\nlines")
    assert [one[0] for one in found] == [
        "description",
        "permissions[0].resources[0]",
        "permissions[0].actions[0]",
        "permissions[0].names[0]",
        "permissions[2].resources[0]",
    ]


def test_bounds() -> None:
    assert problems()[0][0] == "permissions"
    assert "100 are allowed" in problems(*["runs:read"] * (MAX_GRANTS + 1))[0][1]
    assert "100 are allowed" in problems(f"runs:read@{','.join(['a'] * 101)}")[0][1]
    assert "100 are allowed" in problems(f"{','.join(['runs'] * 101)}:read")[0][1]
    assert "has 210 names in all; 200 are allowed" in problems(*[f"runs:read@{','.join(['a'] * 70)}"] * 3)[0][1]
    assert len(checked("", [wanted("runs:read@a,b")] * MAX_GRANTS)) == MAX_GRANTS


@given(st.text(max_size=70))
def test_no_pattern_says_more_than_a_star_can(name: str) -> None:
    try:
        checked("", [WantedGrant(resources=["secrets"], actions=["read"], names=[name])])
    except InvalidInput:
        return
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-*/")


def test_the_words_of_roles_are_those_of_routes() -> None:
    asked = {
        tuple(each.split(":")) for each in get_args(Permission) if each not in OPEN | OWN | {"undeclared", DIAL_IN}
    }
    assert {resource for resource, _ in asked} == set(get_args(Resource))
    assert {action for _, action in asked} == set(get_args(Action))
