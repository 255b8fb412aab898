from __future__ import annotations

from itertools import product
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gofer.errors import Refused
from gofer.models.access import Grant
from gofer.server.auth.caller import ANONYMOUS, LOCAL, Caller
from gofer.server.auth.escalate import (
    check_gives,
    check_gives_management,
    check_touches,
    covers,
    of_role,
)
from gofer.server.auth.permission import Permission
from gofer.server.auth.rights import Rights, matches, permitted
from gofer.server.auth.system_roles import system_roles

RESOURCES = ["runs", "logs", "secrets", "*"]
ACTIONS = ["read", "write", "run", "*"]
NAMES = ["a", "a*", "*", "*b", "a*b", "a/k", "a*/k*", "*/k", "a/*"]
NAMESPACES = ["x", "x*", "*", "*y", "x*y", "xy"]
ASKED = [each for each in get_args(Permission) if each.partition(":")[0] in RESOURCES]


def some(values: list[str], *, min_size: int = 0) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(values), unique=True, min_size=min_size, max_size=2)


GRANTS = st.builds(
    Grant,
    resources=some(RESOURCES, min_size=1),
    actions=some(ACTIONS, min_size=1),
    names=some(NAMES),
)
RIGHTS = st.builds(
    lambda namespaces, grants: Rights(tuple(namespaces), tuple(map(permitted, grants))),
    some(NAMESPACES),
    st.lists(GRANTS, max_size=3),
)
TEXT = st.text("axyb-", max_size=4)


@settings(max_examples=500)
@given(RIGHTS, RIGHTS, st.lists(TEXT, max_size=6), st.lists(TEXT, max_size=6))
def test_what_is_covered_never_allows_more(
    own: Rights, wanted: Rights, namespaces: list[str], names: list[str]
) -> None:
    if not covers(own, wanted):
        return
    subjects: list[tuple[str, ...]] = [(), *((one,) for one in names), *product(names, ["k", "kk", *names[:2]])]
    for permission, namespace, name in product(ASKED, [None, *namespaces], subjects):
        if wanted.allows(permission, namespace, name):
            assert own.allows(permission, namespace, name)


@given(st.text("ab*", max_size=6), st.text("ab*", max_size=6), st.lists(st.text("ab", max_size=3), max_size=6))
def test_a_pattern_that_matches_another_matches_all_that_does(own: str, pattern: str, filled: list[str]) -> None:
    if not matches(own, pattern):
        return
    parts = pattern.split("*")
    stars = (*filled, *[""] * len(parts))[: len(parts) - 1]
    text = "".join(part + star for part, star in zip(parts, (*stars, ""), strict=True))
    assert matches(pattern, text)
    assert matches(own, text)


@given(RIGHTS)
def test_everybody_has_what_they_have(rights: Rights) -> None:
    assert covers(rights, rights)
    assert covers(Rights(("*",), of_role([Grant(resources=["*"], actions=["*"])]).permitted), rights)


def client(*grants: Grant, namespaces: tuple[str, ...] = ("team-*",)) -> Caller:
    return Caller("client", token="tok-a", rights=Rights(namespaces, tuple(map(permitted, grants))))


TEAM = client(
    Grant(resources=["runs", "logs"], actions=["read", "run"]),
    Grant(resources=["secrets"], actions=["read", "write"], names=["nightly-*", "backup/db_*"]),
    Grant(resources=["tokens"], actions=["write"]),
)


def wanted(*grants: Grant, namespaces: tuple[str, ...] = ("team-a",)) -> Rights:
    return Rights(namespaces, tuple(map(permitted, grants)))


@pytest.mark.parametrize(
    "rights",
    [
        wanted(Grant(resources=["runs", "logs"], actions=["read", "run"])),
        wanted(Grant(resources=["runs"], actions=["read"], names=["any/thing"])),
        wanted(Grant(resources=["secrets"], actions=["write"], names=["nightly-1", "nightly-*", "nightly-2/key"])),
        wanted(Grant(resources=["secrets"], actions=["read"], names=["backup/db_password", "backup/db_*"])),
        wanted(namespaces=("team-*", "team-b")),
        # No route asks for this.
        wanted(Grant(resources=["logs"], actions=["write"])),
    ],
)
def test_what_may_be_given(rights: Rights) -> None:
    check_gives(TEAM, rights)
    check_touches(TEAM, "client", rights)


@pytest.mark.parametrize(
    ("rights", "said"),
    [
        (wanted(Grant(resources=["runs"], actions=["write"])), "runs:write"),
        (wanted(Grant(resources=["runs"], actions=["*"])), r"runs:\*"),
        (wanted(Grant(resources=["*"], actions=["read"])), r"\*:read"),
        (wanted(Grant(resources=["secrets"], actions=["read"])), "secrets:read"),
        (wanted(Grant(resources=["secrets"], actions=["read"], names=["nightly*"])), r"secrets:read@nightly\*"),
        (wanted(Grant(resources=["secrets"], actions=["read"], names=["backup"])), "secrets:read@backup"),
        (wanted(Grant(resources=["secrets"], actions=["read"], names=["backup/*"])), r"secrets:read@backup/\*"),
        (wanted(namespaces=("*",)), r'the namespaces "\*"'),
        (wanted(namespaces=("team*",)), r'the namespaces "team\*"'),
        (wanted(namespaces=("team",)), 'the namespace "team"'),
    ],
)
def test_what_may_not_be_given(rights: Rights, said: str) -> None:
    with pytest.raises(Refused, match=said):
        check_gives(TEAM, rights)
    with pytest.raises(Refused, match="may do something that yours may not"):
        check_touches(TEAM, "client", rights)


def test_not_more_is_said_than_helps() -> None:
    with pytest.raises(Refused, match=r"objects:delete and \d+ more"):
        check_gives(TEAM, wanted(*system_roles()[2].permissions))


def test_a_management_token_is_the_managements() -> None:
    everything = client(Grant(resources=["*"], actions=["*"]), namespaces=("*",))
    with pytest.raises(Refused):
        check_touches(everything, "management", Rights((), ()))
    with pytest.raises(Refused, match="Only a management token"):
        check_gives_management(everything)
    for caller in (LOCAL, Caller("management", token="tok-b")):
        check_touches(caller, "management", Rights((), ()))
        check_gives_management(caller)
        check_gives(caller, wanted(Grant(resources=["*"], actions=["*"]), namespaces=("*",)))


def test_nobody_gives_nothing() -> None:
    with pytest.raises(Refused):
        check_gives(ANONYMOUS, wanted(namespaces=("team-a",)))


def test_what_a_role_may_come_to_allow() -> None:
    with pytest.raises(Refused, match=r'the namespaces "\*"'):
        check_gives(TEAM, of_role([Grant(resources=["runs"], actions=["read"])]))
