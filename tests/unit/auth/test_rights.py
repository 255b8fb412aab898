from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gofer.models.access import Grant
from gofer.server.auth.rights import NOTHING, Rights, Sight, matches, permitted


@given(st.text("ab-*", max_size=8), st.text("ab-", max_size=10))
def test_a_star_stands_for_any_characters_and_nothing_else_does(pattern: str, text: str) -> None:
    plain = ".*".join(map(re.escape, pattern.split("*")))
    assert matches(pattern, text) == (re.fullmatch(plain, text) is not None)


@pytest.mark.parametrize("text", ["team-a\n", "\nteam-a", "xteam-a", "team-ax", "TEAM-A", ""])
def test_patterns_are_anchored(text: str) -> None:
    assert matches("team-a", "team-a")
    assert not matches("team-a", text)


def rights(*grants: Grant, namespaces: tuple[str, ...] = ("a", "b-*")) -> Rights:
    return Rights(namespaces, tuple(map(permitted, grants)))


def test_what_is_seen_of_lists() -> None:
    everything = Grant(resources=["runs"], actions=["read"])
    some = Grant(resources=["runs", "pipelines"], actions=["read"], names=["night-*", "day/key"])
    assert rights(some).sight("runs:read") == Sight(("a", "b-*"), ("night-*",))
    assert rights(some, everything).sight("runs:read") == Sight(("a", "b-*"))
    assert rights(some).sight("logs:read") == NOTHING
    assert rights(some).sight("runs:write") == NOTHING
    assert rights(Grant(resources=["runs"], actions=["read"], names=["day/key"])).sight("runs:read") == NOTHING


def test_what_of_namespaces_is_seen() -> None:
    everywhere, some, none = Sight(("*",)), Sight(("a", "b-*")), Sight(())
    assert (everywhere.whole_namespaces, everywhere.pipelines_of("a")) == (None, None)
    assert (some.whole_namespaces, some.pipelines_of("b-1"), some.pipelines_of("c")) == (("a", "b-*"), None, ())
    assert (none.whole_namespaces, none.pipelines_of("a")) == ((), ())
    named = Sight(("a",), ("night-*",))
    assert (named.whole_namespaces, named.pipelines_of("a"), named.pipelines_of("b")) == ((), ("night-*",), ())


def test_a_sight() -> None:
    assert Sight(("a", "b-*")).covers("b-x", "any")
    assert Sight(("a",), ("night-*",)).covers("a", "night-1")
    assert not Sight(("a",), ("night-*",)).covers("a", "day")
    assert not Sight(("a",), ("night-*",)).covers("a")
    assert not Sight(("a",)).covers("")
    assert Sight(("*",)).covers("")
    assert Sight(("*",)).covers("any", "any")
    assert not NOTHING.covers("a", "b")
