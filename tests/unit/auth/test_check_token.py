from __future__ import annotations

import pytest

from gofer.errors import InvalidInput
from gofer.models.access import CreateToken
from gofer.server.auth.check_token import DAY, MAX_EXPIRY, check_description, check_grace, check_new

ROLES = {"viewer", "operator", "run"}


def wrong(**fields: object) -> list[str]:
    """The places of everything that is wrong."""
    try:
        check_new(CreateToken(**fields), ROLES.__contains__)  # type: ignore[arg-type]
    except InvalidInput as error:
        return [problem.place for problem in error.problems]
    return []


def test_what_is_good() -> None:
    assert wrong(roles=["viewer"], namespaces=["default"]) == []
    assert wrong(roles=["viewer", "operator"], namespaces=["team-*", "*", "*-x_1"], expires_in=1) == []
    assert wrong(roles=["viewer"], namespaces=["x" * 64], expires_in=MAX_EXPIRY, description="ä" * 256) == []
    assert wrong(kind="management") == []
    assert wrong(kind="management", expires_in=DAY, description="for the move") == []


def test_everything_at_once() -> None:
    found = wrong(
        roles=["run", "nope", "viewer", "viewer"],
        namespaces=["a/b", "x", "x", "", "-x", "x" * 65, "a\n"],
        expires_in=0,
        description="\x1b[31m",
    )
    namespaces = [f"namespaces[{i}]" for i in (0, 3, 4, 5, 6, 2)]
    assert found == ["description", "expires_in", *namespaces, "roles[0]", "roles[1]", "roles[3]"]


def test_a_client_needs_both() -> None:
    assert wrong() == ["namespaces", "roles"]
    assert wrong(roles=["viewer"]) == ["namespaces"]


def test_a_management_token_takes_neither() -> None:
    assert wrong(kind="management", roles=["viewer"], namespaces=["*"]) == ["namespaces", "roles"]


@pytest.mark.parametrize("expires_in", [0, -1, MAX_EXPIRY + 1])
def test_expiry_has_bounds(expires_in: int) -> None:
    assert wrong(kind="management", expires_in=expires_in) == ["expires_in"]


@pytest.mark.parametrize("count", [101, 5000])
def test_lists_have_bounds(count: int) -> None:
    many = [f"n{i}" for i in range(count)]
    assert wrong(roles=many, namespaces=many) == ["namespaces", "roles"]


@pytest.mark.parametrize("text", ["x" * 257, "two\nlines", "a\x00b", "\u202eright to left", "\ud800"])
def test_what_describes_nothing(text: str) -> None:
    with pytest.raises(InvalidInput):
        check_description(text)


@pytest.mark.parametrize("grace", [-1, 30 * DAY + 1])
def test_grace_has_bounds(grace: int) -> None:
    check_grace(0)
    check_grace(30 * DAY)
    with pytest.raises(InvalidInput):
        check_grace(grace)
