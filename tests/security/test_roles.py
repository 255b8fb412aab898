"""Every role of the system on every route, by tables that are written out here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gofer.server.auth.permission import DIAL_IN
from tests.integration.api.server import Answer
from tests.security.routes import Route
from tests.security.world import HERE, THERE, World

N = "/api/v1/namespaces/{namespace}"
P = N + "/pipelines/{pipeline}"
R = P + "/runs/{run}"
T = R + "/tasks/{task}"

# What each route asks for.
ASKS = {
    "GET /api/v1/namespaces": "namespaces:read",
    "POST /api/v1/namespaces": "namespaces:write",
    f"GET {N}": "namespaces:read",
    f"PATCH {N}": "namespaces:write",
    f"DELETE {N}": "namespaces:delete",
    "POST /api/v1/manifests/validate": "pipelines:read",
    "POST /api/v1/manifests/graph": "pipelines:read",
    f"GET {N}/pipelines": "pipelines:read",
    f"GET {N}/overview": "pipelines:read",
    f"POST {N}/pipelines": "pipelines:write",
    f"GET {P}": "pipelines:read",
    f"PATCH {P}": "pipelines:write",
    f"DELETE {P}": "pipelines:delete",
    f"GET {P}/graph": "pipelines:read",
    f"GET {P}/export": "pipelines:read",
    f"POST {N}/import": "pipelines:write",
    f"GET {P}/versions": "pipelines:read",
    f"GET {P}/versions/{{version}}": "pipelines:read",
    f"PATCH {P}/versions/{{version}}": "pipelines:write",
    f"DELETE {P}/versions/{{version}}": "pipelines:delete",
    f"PUT {P}/holds/{{hold}}": "deployments:write",
    f"DELETE {P}/holds/{{hold}}": "deployments:write",
    f"PUT {P}/versions/{{version}}/holds/{{hold}}": "deployments:write",
    f"DELETE {P}/versions/{{version}}/holds/{{hold}}": "deployments:write",
    f"POST {P}/diff": "pipelines:read",
    f"GET {P}/versions/{{version}}/diff": "pipelines:read",
    f"GET {P}/deployments": "deployments:read",
    f"POST {P}/deployments": "deployments:write",
    f"GET {P}/deployments/{{deployment}}": "deployments:read",
    f"GET {P}/deployments/{{deployment}}/comparison": "deployments:read",
    f"POST {P}/deployments/{{deployment}}/promote": "deployments:write",
    f"POST {P}/deployments/{{deployment}}/abort": "deployments:write",
    f"POST {P}/rollback": "deployments:write",
    f"GET {P}/subscriptions": "pipelines:read",
    f"POST {P}/subscriptions": "pipelines:write",
    f"GET {P}/subscriptions/{{label}}": "pipelines:read",
    f"DELETE {P}/subscriptions/{{label}}": "pipelines:write",
    f"GET {P}/trigger-events": "events:read",
    "GET /api/v1/triggers/{trigger}/events": "triggers:read",
    f"GET {N}/runs": "runs:read",
    f"GET {P}/runs": "runs:read",
    f"GET {P}/grid": "runs:read",
    f"POST {P}/runs": "runs:run",
    f"POST {P}/runs/cancel": "runs:write",
    f"GET {R}": "runs:read",
    f"GET {R}/notifications": "runs:read",
    f"POST {R}/cancel": "runs:write",
    f"POST {R}/retry": "runs:write",
    f"GET {R}/tasks": "runs:read",
    f"GET {R}/graph": "runs:read",
    f"GET {R}/attempts": "runs:read",
    f"GET {T}": "runs:read",
    f"POST {T}/cancel": "runs:write",
    f"GET {T}/log": "logs:read",
    f"GET {T}/log/raw": "logs:read",
    f"WS {T}/log/stream": "logs:read",
    f"GET {T}/log/search": "logs:read",
    f"WS {T}/log/search/stream": "logs:read",
    f"GET {T}/log/groups": "logs:read",
    f"WS {T}/log/groups/stream": "logs:read",
    f"WS {R}/logs/search/stream": "logs:read",
    f"WS {T}/attach": "attach:run",
    f"GET {P}/objects": "objects:read",
    f"GET {P}/objects/{{key}}": "objects:read",
    f"GET {P}/objects/{{key}}/info": "objects:read",
    f"PUT {P}/objects/{{key}}": "objects:write",
    f"DELETE {P}/objects/{{key}}": "objects:delete",
    f"GET {R}/objects": "objects:read",
    f"GET {R}/objects/{{key}}": "objects:read",
    f"GET {R}/objects/{{key}}/info": "objects:read",
    f"PUT {R}/objects/{{key}}": "objects:write",
    f"DELETE {R}/objects/{{key}}": "objects:delete",
    f"GET {P}/secrets": "secrets:read",
    f"GET {P}/secrets/{{key}}": "secrets:read",
    f"PUT {P}/secrets/{{key}}": "secrets:write",
    f"DELETE {P}/secrets/{{key}}": "secrets:delete",
    f"POST {P}/secrets/{{key}}/reveal": "secrets:reveal",
    "GET /api/v1/secrets": "global_secrets:read",
    "GET /api/v1/secrets/{key}": "global_secrets:read",
    "PUT /api/v1/secrets/{key}": "global_secrets:write",
    "DELETE /api/v1/secrets/{key}": "global_secrets:delete",
    "POST /api/v1/secrets/{key}/reveal": "global_secrets:reveal",
    "POST /api/v1/system/secrets/rotate-key": "system:write",
    "GET /api/v1/events": "events:read",
    "WS /api/v1/events/stream": "events:read",
    "GET /api/v1/tokens": "tokens:read",
    "POST /api/v1/tokens": "tokens:write",
    "GET /api/v1/tokens/{token}": "tokens:read",
    "PATCH /api/v1/tokens/{token}": "tokens:write",
    "DELETE /api/v1/tokens/{token}": "tokens:delete",
    "POST /api/v1/tokens/{token}/rotate": "tokens:write",
    "GET /api/v1/common-tasks": "common_tasks:read",
    "POST /api/v1/common-tasks": "common_tasks:write",
    "GET /api/v1/common-tasks/{common_task}": "common_tasks:read",
    "PATCH /api/v1/common-tasks/{common_task}": "common_tasks:write",
    "DELETE /api/v1/common-tasks/{common_task}": "common_tasks:delete",
    "POST /api/v1/common-tasks/{common_task}/enable": "common_tasks:write",
    "POST /api/v1/common-tasks/{common_task}/disable": "common_tasks:write",
    "GET /api/v1/roles": "roles:read",
    "POST /api/v1/roles": "roles:write",
    "GET /api/v1/roles/{role}": "roles:read",
    "PUT /api/v1/roles/{role}": "roles:write",
    "DELETE /api/v1/roles/{role}": "roles:delete",
    "GET /api/v1/triggers": "triggers:read",
    "POST /api/v1/triggers": "triggers:write",
    "POST /api/v1/triggers/probe": "triggers:write",
    "GET /api/v1/triggers/{trigger}": "triggers:read",
    "PATCH /api/v1/triggers/{trigger}": "triggers:write",
    "DELETE /api/v1/triggers/{trigger}": "triggers:delete",
    "POST /api/v1/triggers/{trigger}/restart": "triggers:write",
    "GET /api/v1/triggers/{trigger}/debug": "triggers:read",
    "GET /api/v1/triggers/{trigger}/log": "triggers:read",
    "WS /api/v1/triggers/{trigger}/log/stream": "triggers:read",
    "WS /api/v1/triggers/{trigger}/session": "a trigger",
    "GET /api/v1/whoami": "self",
    "GET /api/v1/session": "self",
    "POST /api/v1/session": "open",
    "DELETE /api/v1/session": "self",
    "GET /api/v1/system/info": "system:read",
    "GET /api/v1/system/settings": "system:read",
    "GET /api/v1/system/statistics": "system:read",
    "GET /api/v1/system/checks": "system:read",
    "POST /api/v1/system/reload": "system:write",
    "GET /api/v1/system/ingress": "system:read",
    "PUT /api/v1/system/ingress": "system:write",
    "GET /api/v1/system/logs": "system:read",
    "WS /api/v1/system/logs/stream": "system:read",
    "GET /api/v1/system/backup": "backups:read",
    "GET /metrics": "metrics:read",
    "GET /healthz": "open",
    "GET /readyz": "open",
    "GET /api/openapi.json": "open",
    "GET /api/docs": "open",
    "GET /login": "open",
    "GET /login.js": "open",
    "GET /login.css": "open",
    "GET /login.svg": "open",
    "GET /api/v1/bootstrap": "open",
    "POST /api/v1/bootstrap": "open",
}

LOOKS = {"namespaces:read", "pipelines:read", "runs:read", "logs:read", "objects:read", "events:read"}
DEPLOYS = {"deployments:read", "deployments:write"}
INSTALLED = {"common_tasks:read", "triggers:read"}
MAY = {
    "admin": {asked for asked in ASKS.values() if ":" in asked} | DEPLOYS,
    "operator": LOOKS
    | INSTALLED
    | DEPLOYS
    | {"secrets:read", "global_secrets:read", "runs:run", "runs:write", "attach:run"}
    | {"system:read", "system:write", "metrics:read"},
    "developer": LOOKS
    | INSTALLED
    | DEPLOYS
    | {"pipelines:write", "pipelines:delete", "runs:run", "runs:write", "attach:run"}
    | {"objects:write", "objects:delete", "secrets:read", "secrets:write", "secrets:delete"},
    "viewer": LOOKS | INSTALLED | {"deployments:read"},
    "run": LOOKS | {"deployments:read"} | {"runs:run", "objects:write", "objects:delete"},
}

# They concern no namespace, and show or take to whoever has some of them what is theirs.
FOR_SOME = {
    "GET /api/v1/namespaces",
    "POST /api/v1/manifests/validate",
    "POST /api/v1/manifests/graph",
    "GET /api/v1/events",
    "WS /api/v1/events/stream",
    "GET /api/v1/roles",
    "GET /api/v1/common-tasks",
    "GET /api/v1/triggers/{trigger}/events",
}

# Nothing of these names is there, so that whoever is let in does no harm.
_NAMED = ("pipeline", "task", "key", "token", "role", "common_task", "trigger", "label")
MISSING: dict[str, object] = {**dict.fromkeys(_NAMED, "missing"), "run": 7, "deployment": 7}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One of its own: what is let in may change it."""
    world = World(tmp_path_factory.mktemp("world"))
    world.start()
    yield world
    world.stop()


def of_api(world: World) -> list[Route]:
    """Those of the table."""
    return [route for route in world.routes if route.name in ASKS]


def test_every_route_is_in_the_table(world: World) -> None:
    found = {route.name for route in world.routes if route.permission is not None}
    assert found == set(ASKS), "say in ASKS what a new route asks for"


def test_routes_declare_what_the_table_says(world: World) -> None:
    for route in of_api(world):
        asked = ASKS[route.name]
        if asked == "open":
            assert route.is_open, route.name
        elif asked == "self":
            assert str(route.permission).startswith("self:"), route.name
        elif asked == "a trigger":
            assert route.permission == DIAL_IN, route.name
        else:
            assert route.permission == asked, route.name


def is_let_in(answer: Answer) -> bool:
    return answer.status not in (401, 403)


def wrong(world: World, role: str, token: str, namespaces: str, at: str) -> list[str]:
    """Routes on which `token`, which has `role` in `namespaces`, gets something else than it should, where they name
    the namespace `at`."""
    found = []
    for route in of_api(world):
        asked = ASKS[route.name]
        if asked == "open":
            continue
        within = namespaces in ("*", at) if route.names_namespace else namespaces == "*" or route.name in FOR_SOME
        expected = asked == "self" or (asked in MAY[role] and within)
        answer = world.try_route(route, token, {**MISSING, "namespace": at})
        if is_let_in(answer) != expected:
            found.append(f"{route.name} ({asked}) at {at}: {answer.status}, {role} in {namespaces}")
    return found


@pytest.mark.parametrize("namespaces", [HERE, THERE, "*"])
@pytest.mark.parametrize("role", ["admin", "operator", "developer", "viewer"])
def test_a_role_on_every_route(world: World, role: str, namespaces: str) -> None:
    token = world.make_token([role], [namespaces])[1]
    assert wrong(world, role, token, namespaces, HERE) == []


@pytest.mark.parametrize("at", [HERE, THERE])
def test_the_token_of_a_run_on_every_route(world: World, at: str) -> None:
    assert wrong(world, "run", world.run_token, HERE, at) == []


def test_management_on_every_route(world: World) -> None:
    for route in of_api(world):
        if ASKS[route.name] != "open":
            let_in = is_let_in(world.try_route(route, world.root, MISSING))
            assert let_in == (ASKS[route.name] != "a trigger"), route.name


def test_two_roles_give_what_either_gives(world: World) -> None:
    token = world.make_token(["viewer", "spare"], [HERE])[1]
    assert wrong(world, "viewer", token, HERE, HERE) == []


def test_a_role_of_ones_own_gives_that_alone(world: World) -> None:
    token = world.make_token(["spare"], [HERE])[1]
    for route in of_api(world):
        if ASKS[route.name] == "open":
            continue
        answer = world.try_route(route, token, MISSING)
        assert is_let_in(answer) == (ASKS[route.name] in ("logs:read", "self")), route.name


def test_no_token_can_be_what_a_task_is(world: World) -> None:
    answer = world.call("POST", "/api/v1/tokens", {"roles": ["run"], "namespaces": [HERE]})
    assert answer.status == 422
    assert "what a task has" in answer.problem["detail"]


ROWS = Path(__file__).parents[2] / "docs" / "security.md"


def test_the_documentation_has_this_table() -> None:
    text = ROWS.read_text()
    table = text.partition("<!-- roles -->\n")[2].partition("\n\n")[0].splitlines()
    roles = [cell.strip(" `") for cell in table[0].split("|")[2:-1]]
    assert roles == ["viewer", "developer", "operator", "admin", "run"]
    said: dict[str, set[str]] = {role: set() for role in roles}
    for line in table[2:]:
        resource, *cells = [cell.strip() for cell in line.split("|")[1:-1]]
        for role, cell in zip(roles, cells, strict=True):
            said[role] |= {f"{resource.strip('`')}:{action.strip()}" for action in cell.split(",") if action.strip()}
    assert said == {role: MAY[role] | ({"audit:read"} if role == "admin" else set()) for role in roles}
