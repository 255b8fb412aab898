"""Who may make tokens or roles does not get more by that than they have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from tests.integration.api.server import Answer
from tests.security.world import HERE, THERE, World

USED = {"last_used_at": 0, "last_used_from": ""}
TOKENS, ROLES = "/api/v1/tokens", "/api/v1/roles"


def grant(resources: str, actions: str, names: str = "") -> dict[str, Any]:
    return {
        "resources": resources.split(","),
        "actions": actions.split(","),
        **({"names": names.split(",")} if names else {}),
    }


HELD = [
    grant("tokens,roles", "read,write,delete"),
    grant("namespaces,pipelines,deployments,runs,logs,objects,events,triggers,common_tasks", "read"),
    grant("secrets", "read,write", "nightly-*"),
]


@pytest.fixture(scope="module", autouse=True)
def roles(world: World) -> None:
    """Of those whose tokens are used here: `keeper`, and what that may give (`less`) and may not (`more`)."""
    for role, permissions in (
        ("keeper", HELD),
        ("less", [grant("runs,logs", "read", "a*"), grant("secrets", "write", "nightly-*/db_*")]),
        ("more", [grant("runs", "read"), grant("secrets", "reveal", "nightly-1")]),
    ):
        assert world.call("POST", ROLES, {"id": role, "permissions": permissions}).status == 201


@pytest.fixture(scope="module")
def keeper(world: World) -> str:
    """A token that may make tokens and roles, and look at most things, everywhere."""
    return world.make_token(["keeper"], ["*"])[1]


def make(world: World, keeper: str, roles: list[str], namespaces: list[str]) -> Answer:
    return world.call("POST", TOKENS, {"roles": roles, "namespaces": namespaces}, keeper)


def test_tokens_that_it_makes(world: World, keeper: str) -> None:
    for roles in (["less"], ["viewer"], ["keeper"], ["less", "viewer"]):
        assert make(world, keeper, roles, [HERE]).status == 201, roles
    for roles in (["more"], ["developer"], ["operator"], ["admin"], ["less", "more"]):
        answer = make(world, keeper, roles, [HERE])
        assert answer.status == 403, roles
        assert "cannot give what you do not have" in answer.problem["detail"]
        assert "secret" not in answer.json
    answer = world.call("POST", TOKENS, {"kind": "management"}, keeper)
    assert answer.status == 403
    assert "management" in answer.problem["detail"]


@pytest.mark.parametrize("kind", ["strong", "management", "root"])
def test_tokens_that_it_changes(world: World, keeper: str, kind: str) -> None:
    """A new text for one is as good as a new token, and what was disabled by others stays so."""
    if kind == "root":
        token = next(one["id"] for one in world.call("GET", TOKENS).json["items"] if one.get("root"))
    else:
        token = world.make_token(["more"] if kind == "strong" else [], ["*"])[0]
    before = world.call("GET", f"{TOKENS}/{token}").json
    for method, path, body in (
        ("POST", f"{TOKENS}/{token}/rotate", {}),
        ("PATCH", f"{TOKENS}/{token}", {"enabled": False}),
        ("PATCH", f"{TOKENS}/{token}", {"description": "mine"}),
        ("DELETE", f"{TOKENS}/{token}", None),
    ):
        answer = world.call(method, path, body, keeper)
        assert answer.status == 403, (method, path)
        assert "secret" not in answer.json
    after = world.call("GET", f"{TOKENS}/{token}").json
    assert {**after, **USED} == {**before, **USED}
    weak = make(world, keeper, ["less"], [HERE]).json["token"]["id"]
    assert world.call("POST", f"{TOKENS}/{weak}/rotate", {}, keeper).status == 200
    assert world.call("DELETE", f"{TOKENS}/{weak}", None, keeper).status == 204


def test_roles_that_it_makes(world: World, keeper: str) -> None:
    for number, permissions in enumerate(
        (
            [grant("*", "*")],
            [grant("*", "read")],
            [grant("runs", "*")],
            [grant("runs", "read"), grant("runs", "write")],
            [grant("secrets", "read")],
            [grant("secrets", "read", "*")],
            [grant("secrets", "read", "nightly-*,other")],
            [grant("secrets", "read", "nightly*")],
            [grant("secrets", "reveal", "nightly-1")],
            [grant("system", "read")],
        )
    ):
        answer = world.call("POST", ROLES, {"id": f"try-{number}", "permissions": permissions}, keeper)
        assert answer.status == 403, permissions
        assert world.call("GET", f"{ROLES}/try-{number}").status == 404
        # Nor does it lead there to make its own role larger, or one that it could make.
        for role in ("keeper", "less"):
            answer = world.call("PUT", f"{ROLES}/{role}", {"permissions": [*HELD, *permissions]}, keeper)
            assert answer.status == 403, permissions
    assert world.call("GET", f"{ROLES}/keeper").json["permissions"] == HELD
    good = {"id": "good", "permissions": [grant("secrets", "read,write", "nightly-*/db_*"), grant("runs", "read")]}
    assert world.call("POST", ROLES, good, keeper).status == 201
    assert world.call("DELETE", f"{ROLES}/good", None, keeper).status == 200


@pytest.mark.parametrize(
    ("method", "body"), [("PUT", {"permissions": [grant("runs", "read")]}), ("DELETE", None)], ids=["change", "delete"]
)
def test_roles_that_allow_more_than_it_may(world: World, keeper: str, method: str, body: object) -> None:
    before = world.call("GET", f"{ROLES}/more").json
    for query in ("", "?force=true") if method == "DELETE" else ("",):
        assert world.call(method, f"{ROLES}/more{query}", body, keeper).status == 403
    assert world.call("GET", f"{ROLES}/more").json == before


def test_an_administrator_of_some_namespaces(world: World) -> None:
    """All that has no namespace is not theirs: no token, no role, be it for their own."""
    admin = world.make_token(["admin"], [HERE])[1]
    for method, path, body in (
        ("POST", TOKENS, {"roles": ["viewer"], "namespaces": [HERE]}),
        ("GET", TOKENS, None),
        ("POST", ROLES, {"id": "theirs", "permissions": [grant("runs", "read")]}),
        ("PUT", f"{ROLES}/less", {"permissions": [grant("runs", "read")]}),
        ("DELETE", f"{ROLES}/less", None),
        ("GET", f"{ROLES}/less", None),
        ("GET", f"{ROLES}/none", None),
    ):
        assert world.call(method, path, body, admin).status == 403, path
    listed = [role["id"] for role in world.call("GET", ROLES, None, admin).json["items"]]
    assert listed == ["admin", "developer", "operator", "run", "viewer"]


def test_the_token_of_a_run_is_no_way_around_a_role(world: World) -> None:
    """Who writes the code of a task has its token, in effect, and that may do things in the whole namespace."""
    permissions = [grant("pipelines,deployments,runs,logs,objects", "*", "nightly-*"), grant("events", "read")]
    assert world.call("POST", ROLES, {"id": "narrow", "permissions": permissions}).status == 201
    assert (
        world.call("POST", ROLES, {"id": "register", "permissions": [grant("pipelines,deployments", "*")]}).status
        == 201
    )
    path = f"/api/v1/namespaces/{HERE}/pipelines"
    for role, status in (("narrow", 403), ("register", 403), ("developer", 201), ("admin", 200)):
        token = world.make_token([role], [HERE])[1]
        task = {"id": "t", "image": "fake", "command": ["say", "hello"]}
        answer = world.call("POST", path, {"id": "nightly-token", "tasks": [{**task, "inject_api_token": True}]}, token)
        assert answer.status == status, (role, answer.body)
        if status == 403:
            assert "objects:" in answer.problem["detail"] or "runs:" in answer.problem["detail"]
            assert world.call("GET", f"{path}/nightly-token").status == 404
            plain = world.call("POST", path, {"id": "nightly-plain", "tasks": [task]}, token)
            assert plain.status in (200, 201), role


def test_a_trigger_is_no_way_around_a_role(world: World) -> None:
    """The trigger `pipeline` passes on parameters and objects of other pipelines' runs."""
    installed = {"id": "chain", "image": "builtin:pipeline", "enabled": False}
    assert world.call("POST", "/api/v1/triggers", installed).status == 201
    permissions = [grant("pipelines,deployments,runs,objects", "*", "mine-*")]
    assert world.call("POST", ROLES, {"id": "mine", "permissions": permissions}).status == 201
    path = f"/api/v1/namespaces/{HERE}/pipelines"
    settings = {"pipeline": "main", "pass_objects": True}
    for role, status in (("mine", 403), ("developer", 201)):
        token = world.make_token([role], [HERE])[1]
        plain = {"id": f"mine-{role}", "tasks": [{"id": "t", "image": "fake"}]}
        assert world.call("POST", path, plain, token).status == 201
        added = {"label": "added", "trigger": "chain", "settings": settings}
        answer = world.call("POST", f"{path}/mine-{role}/subscriptions", added, token)
        assert answer.status == status, (role, answer.body)
        chained = {**plain, "id": f"mine-{role}-2", "subscriptions": [{**added, "label": "own"}]}
        assert world.call("POST", path, chained, token).status == status


def test_a_role_that_tokens_have(world: World) -> None:
    """It does not go by accident, and what is called the same later is not theirs."""
    role = {"id": "shared", "permissions": [grant("runs,events", "read")]}
    assert world.call("POST", ROLES, role).status == 201
    token, text = world.make_token(["shared"], [HERE, THERE])
    path = f"/api/v1/namespaces/{HERE}/runs"
    assert world.ask("GET", path, text).status == 200
    answer = world.call("DELETE", f"{ROLES}/shared")
    assert answer.status == 409
    assert token in answer.problem["detail"]
    assert world.ask("GET", path, text).status == 200
    assert world.call("DELETE", f"{ROLES}/shared?force=true").json == {"tokens": [token]}
    assert world.ask("GET", path, text).status == 403
    assert world.call("POST", ROLES, role).status == 201
    assert world.ask("GET", path, text).status == 403
    assert world.call("GET", f"{TOKENS}/{token}").json.get("roles", []) == []


def _smaller(world: World, role: str) -> None:
    body = {"permissions": [grant("logs", "read")]}
    assert world.call("PUT", f"{ROLES}/{role}", body).status == 200


def _gone(world: World, role: str) -> None:
    assert world.call("DELETE", f"{ROLES}/{role}?force=true").status == 200


def until_closed(stream: ClientConnection) -> ConnectionClosed:
    try:
        while True:
            stream.recv(timeout=20)
    except ConnectionClosed as closed:
        return closed


@pytest.mark.parametrize("end", [_smaller, _gone])
def test_streams_end_when_their_role_does(world: World, end: Callable[[World, str], None]) -> None:
    role = f"stream{end.__name__}"
    assert world.call("POST", ROLES, {"id": role, "permissions": [grant("events", "read")]}).status == 201
    token = world.make_token([role], ["*"])[1]
    address = "/api/v1/events/stream"
    with world.dial(address, token) as stream, world.dial(address, world.root) as other:
        end(world, role)
        closed = until_closed(stream)
        assert closed.rcvd is not None
        assert closed.rcvd.code == 1008
        assert "changed" in closed.rcvd.reason
        # Whom it does not concern is told of it, and stays connected.
        assert "role." in str(other.recv(timeout=20))
    assert world.ask("GET", "/api/v1/events", token).status == 403


def test_who_registers_does_not_release(world: World) -> None:
    """To write pipelines and to make versions live are two things, and may be two people's."""
    world.call("POST", ROLES, {"id": "writer", "permissions": [grant("pipelines", "read,write", "split-*")]})
    world.call("POST", ROLES, {"id": "releaser", "permissions": [grant("deployments", "read,write", "split-*")]})
    writer, releaser = (world.make_token([role], [HERE])[1] for role in ("writer", "releaser"))
    path = f"/api/v1/namespaces/{HERE}/pipelines"
    manifest = {"id": "split-a", "tasks": [{"id": "t", "image": "fake", "command": ["say", "hello"]}]}
    refused = world.call("POST", path, manifest, writer)
    assert (refused.status, "--no-deploy" in refused.problem["hint"]) == (403, True)
    assert world.call("GET", f"{path}/split-a").status == 404
    assert world.call("POST", f"{path}?deploy=false", manifest, writer).status == 201
    exported = world.call("GET", f"{path}/split-a/export", None, writer).json
    document = {**exported, "live_version": 1}
    target = f"/api/v1/namespaces/{HERE}/import"
    assert world.call("POST", target, document, writer).status == 403
    assert world.call("POST", f"{target}?deploy=false", document, writer).status == 200
    for method, below in (
        ("POST", "deployments"),
        ("POST", "rollback"),
        ("GET", "deployments"),
        ("PUT", "holds/frozen"),
    ):
        assert world.call(method, f"{path}/split-a/{below}", None, writer).status == 403, below
    assert world.call("POST", f"{path}?deploy=false", manifest, releaser).status == 403
    assert world.call("POST", f"{path}/main/deployments", {"force": True}, releaser).status == 403
    deployed = world.call("POST", f"{path}/split-a/deployments", {}, releaser)
    assert (deployed.status, deployed.json["deployment"]["started_by"].startswith("token tok-")) == (201, True)
    # Not even what is live already: who may not deploy is told so whatever there is.
    assert world.call("POST", path, manifest, writer).status == 403


def test_who_deploys_starts_no_runs(world: World) -> None:
    """A blue/green deployment would, with parameters that whoever asks for it has chosen."""
    path = f"/api/v1/namespaces/{HERE}/pipelines"
    manifest = {"id": "smoke-a", "tasks": [{"id": "t", "image": "fake", "command": ["say", "hello"]}]}
    assert world.call("POST", f"{path}?deploy=false", manifest).status == 201
    world.call("POST", ROLES, {"id": "smokeless", "permissions": [grant("deployments", "read,write", "smoke-*")]})
    world.call("POST", ROLES, {"id": "starter", "permissions": [grant("runs", "run", "smoke-*")]})
    releaser = world.make_token(["smokeless"], [HERE])[1]
    both = world.make_token(["smokeless", "starter"], [HERE])[1]
    blue_green = {"strategy": "blue_green"}
    refused = world.call("POST", f"{path}/smoke-a/deployments", blue_green, releaser)
    assert (refused.status, "runs:run" in refused.problem["hint"]) == (403, True)
    assert world.call("GET", f"{path}/smoke-a/deployments", None, releaser).json["items"] == []
    assert world.call("POST", f"{path}/smoke-a/deployments", blue_green, both).status == 201
