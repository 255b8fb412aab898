from __future__ import annotations

from typing import get_args

import pytest

from gofer.errors import Refused
from gofer.server.auth.allow import check_allowed
from gofer.server.auth.caller import LOCAL, Caller
from gofer.server.auth.permission import ANYWHERE, OF_RUNS, Permission

TASK = Caller("run", "shop", "backup", 12, "dump")
ALL: tuple[Permission, ...] = get_args(Permission)


@pytest.mark.parametrize("permission", ALL)
def test_a_task_may_what_is_listed_in_its_own_namespace_only(permission: Permission) -> None:
    if permission in OF_RUNS:
        check_allowed(TASK, permission, "shop")
    else:
        with pytest.raises(Refused, match=permission):
            check_allowed(TASK, permission, "shop")
    with pytest.raises(Refused):
        check_allowed(TASK, permission, "other")


@pytest.mark.parametrize("permission", ALL)
def test_a_route_without_a_namespace(permission: Permission) -> None:
    if permission in ANYWHERE:
        check_allowed(TASK, permission, None)
    else:
        with pytest.raises(Refused):
            check_allowed(TASK, permission, None)


def test_never() -> None:
    forbidden = {p for p in ALL if p.startswith(("secrets:", "system:"))} | {
        "pipelines:write", "namespaces:write", "namespaces:list", "runs:manage", "runs:attach", "metrics:read",
        "undeclared",
    }  # fmt: skip
    assert forbidden.isdisjoint(OF_RUNS)
    assert set(ALL) - forbidden - {"manifests:check"} == OF_RUNS
    assert ANYWHERE < OF_RUNS


@pytest.mark.parametrize("permission", ALL)
def test_local_callers_may_everything(permission: Permission) -> None:
    check_allowed(LOCAL, permission, None)
    check_allowed(LOCAL, permission, "shop")


def test_names() -> None:
    assert (TASK.path, TASK.name) == ("backup/12/dump", "task backup/12/dump")
    assert (LOCAL.path, LOCAL.name) == ("", "")
