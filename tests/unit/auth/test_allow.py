from __future__ import annotations

from typing import get_args

import pytest

from gofer.errors import NotAuthenticated, Refused
from gofer.models.access import Grant
from gofer.server.auth.allow import check_allowed
from gofer.server.auth.caller import ANONYMOUS, LOCAL, UNCLAIMED, Caller
from gofer.server.auth.permission import DIAL_IN, OPEN, OWN, Permission
from gofer.server.auth.registry import Registry
from gofer.server.auth.rights import Rights, permitted

TASK = Registry().of_run("shop", "backup", 12, "dump")
ALL: tuple[Permission, ...] = get_args(Permission)
REAL = [permission for permission in ALL if permission not in OPEN | OWN | {"undeclared", DIAL_IN}]
OF_RUNS = {
    "namespaces:read", "pipelines:read", "deployments:read", "runs:read", "runs:run", "logs:read", "events:read",
    "objects:read", "objects:write", "objects:delete",
}  # fmt: skip


def client(*namespaces: str, **grant: list[str]) -> Caller:
    rights = Rights(namespaces, (permitted(Grant(**grant)),))  # type: ignore[arg-type]
    return Caller("client", token="tok-a", rights=rights)


@pytest.mark.parametrize("permission", REAL)
def test_a_task_may_what_is_listed_in_its_own_namespace_only(permission: Permission) -> None:
    if permission in OF_RUNS:
        check_allowed(TASK, permission, "shop")
        check_allowed(TASK, permission, None, filtered=True)
    else:
        with pytest.raises(Refused, match=permission):
            check_allowed(TASK, permission, "shop")
        with pytest.raises(Refused):
            check_allowed(TASK, permission, "shop", filtered=True)
    for namespace in ("other", None):
        with pytest.raises(Refused):
            check_allowed(TASK, permission, namespace)


@pytest.mark.parametrize("permission", sorted(OPEN))
def test_what_is_open_is_so_to_everybody(permission: Permission) -> None:
    for caller in (ANONYMOUS, UNCLAIMED, LOCAL, TASK):
        check_allowed(caller, permission, None)


@pytest.mark.parametrize("permission", sorted(OWN))
def test_of_oneself_everybody_may_ask_who_is_known(permission: Permission) -> None:
    check_allowed(TASK, permission, None)
    check_allowed(LOCAL, permission, None)
    with pytest.raises(NotAuthenticated):
        check_allowed(ANONYMOUS, permission, None)


@pytest.mark.parametrize("permission", [*REAL, "undeclared"])
def test_nobody_is_allowed_nothing(permission: Permission) -> None:
    for filtered in (False, True):
        with pytest.raises(NotAuthenticated, match="needs a token"):
            check_allowed(ANONYMOUS, permission, "shop", filtered=filtered)
        with pytest.raises(NotAuthenticated, match="No token was made yet"):
            check_allowed(UNCLAIMED, permission, None, filtered=filtered)


@pytest.mark.parametrize("permission", REAL)
def test_who_may_everything(permission: Permission) -> None:
    for caller in (LOCAL, Caller("management", token="tok-a")):
        check_allowed(caller, permission, None)
        check_allowed(caller, permission, "shop", ("any",))


@pytest.mark.parametrize("caller", [LOCAL, Caller("management"), TASK, client("*", resources=["*"], actions=["*"])])
def test_a_route_that_declares_nothing_is_for_nobody(caller: Caller) -> None:
    with pytest.raises(Refused):
        check_allowed(caller, "undeclared", None)


def test_a_trigger_may_dial_in_as_itself_and_nothing_else() -> None:
    trigger = Caller("trigger", trigger="cron")
    check_allowed(trigger, DIAL_IN, None, ("cron",))
    for name in ((), ("interval",), ("cron", "more")):
        with pytest.raises(Refused):
            check_allowed(trigger, DIAL_IN, None, name)
    for caller in (LOCAL, Caller("management"), TASK, client("*", resources=["*"], actions=["*"])):
        with pytest.raises(Refused, match="a trigger that Gofer has started"):
            check_allowed(caller, DIAL_IN, None, ("cron",))
    for permission in (*REAL, *OWN):
        with pytest.raises(Refused):
            check_allowed(trigger, permission, None, ("cron",))


def test_the_whole_server_needs_every_namespace() -> None:
    check_allowed(client("*", resources=["system"], actions=["read"]), "system:read", None)
    with pytest.raises(Refused, match=r"\(system:read\) for the whole server"):
        check_allowed(client("team-*", resources=["*"], actions=["*"]), "system:read", None)
    check_allowed(client("team-*", resources=["*"], actions=["*"]), "runs:run", "team-a")
    with pytest.raises(Refused):
        check_allowed(client("team-*", resources=["*"], actions=["*"]), "runs:run", "team")


def test_names() -> None:
    caller = client("shop", resources=["secrets", "pipelines"], actions=["read"], names=["nightly", "backup/db_*"])
    check_allowed(caller, "pipelines:read", "shop", ("nightly",))
    check_allowed(caller, "secrets:read", "shop", ("nightly", "any"))
    check_allowed(caller, "secrets:read", "shop", ("backup", "db_password"))
    check_allowed(caller, "pipelines:read", "shop", (), filtered=True)
    for name in ((), ("backup",), ("backup", "other"), ("nightly2",), ("other", "db_password")):
        with pytest.raises(Refused):
            check_allowed(caller, "secrets:read", "shop", name)
    with pytest.raises(Refused):
        check_allowed(caller, "pipelines:read", "elsewhere", (), filtered=True)


def test_how_they_are_called() -> None:
    assert (TASK.path, TASK.name, TASK.scope) == ("backup/12/dump", "task backup/12/dump", "shop")
    assert (LOCAL.path, LOCAL.name, LOCAL.scope, LOCAL.key) == ("", "", "", "local")
    caller = client("*", resources=["*"], actions=["*"])
    assert (caller.name, caller.scope, caller.key) == ("token tok-a", "token tok-a", "tok-a")
