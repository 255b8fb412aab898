"""Which events a token sees: in lists and on the stream alike, those of its namespaces, pipelines and permissions."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.security.world import HERE, THERE, World
from tests.support.until import until

EVENTS = "/api/v1/events"
ROLES: dict[str, list[dict[str, object]]] = {
    "watcher": [{"resources": ["events"], "actions": ["read"]}],
    "auditor": [{"resources": ["events", "audit"], "actions": ["read"]}],
    "registrar": [{"resources": ["events", "tokens", "roles"], "actions": ["read"]}],
    "keeper": [{"resources": ["events", "secrets"], "actions": ["read"]}],
    "of-main": [{"resources": ["events", "secrets", "audit"], "actions": ["read"], "names": ["ma*"]}],
    "of-other": [{"resources": ["events"], "actions": ["read"], "names": ["other"]}],
    "of-nothing": [{"resources": ["events"], "actions": ["read"], "names": ["no-such-*"]}],
}

# Whose token has which roles, in which namespaces.
TOKENS: dict[str, tuple[list[str], list[str]]] = {
    "viewer here": (["viewer"], [HERE]),
    "viewer of both": (["viewer"], [HERE, "the*"]),
    "viewer everywhere": (["viewer"], ["*"]),
    "watcher nowhere": (["watcher"], ["nowhere*"]),
    "auditor here": (["auditor"], [HERE]),
    "auditor everywhere": (["auditor"], ["*"]),
    "registrar here": (["registrar"], [HERE]),
    "registrar everywhere": (["registrar"], ["*"]),
    "keeper here": (["keeper"], [HERE]),
    "keeper everywhere": (["keeper"], ["*"]),
    "operator everywhere": (["operator"], ["*"]),
    "of main here": (["of-main"], [HERE]),
    "of main everywhere": (["of-main"], ["*"]),
    "of other": (["of-other"], ["*"]),
    "of nothing": (["of-nothing"], ["*"]),
    "admin here": (["admin"], [HERE]),
}


@pytest.fixture(scope="module")
def tokens(world: World) -> dict[str, str]:
    """The text of each of TOKENS, and of a task's."""
    for role, permissions in ROLES.items():
        assert world.call("POST", "/api/v1/roles", {"id": role, "permissions": permissions}).status == 201
    other = {"id": "other", "tasks": [{"id": "t", "image": "fake", "command": ["say", "x"]}]}
    for namespace in (HERE, THERE):
        assert world.call("POST", f"/api/v1/namespaces/{namespace}/pipelines", other).status == 201
    made = {name: world.make_token(roles, namespaces)[1] for name, (roles, namespaces) in TOKENS.items()}
    for path in ("/api/v1/namespaces", f"/api/v1/namespaces/{HERE}/pipelines/main"):
        assert world.ask("DELETE", path + "x", made["viewer here"]).status in (403, 404)
    until(lambda: listed(world, world.root, "?kind=audit.refused"), "an attempt was refused")
    return {**made, "task": world.run_token}


def listed(world: World, token: str, query: str = "?") -> list[dict[str, Any]]:
    """Everything, page after page."""
    found, cursor = [], ""
    while True:
        answer = world.ask("GET", f"{EVENTS}{query}&limit=50{cursor}", token)
        assert answer.status == 200, answer.body
        found += answer.json["items"]
        if answer.json.get("next") is None:
            return found
        cursor = f"&cursor={answer.json['next']}"


def groups(events: list[dict[str, Any]]) -> set[tuple[str, str]]:
    """Of each event what decides: its namespace and whether it is of a noun with a permission of its own."""
    own = {"secret", "secrets", "token", "role", "audit", "commontask"}
    nouns = {(event.get("namespace", ""), event["kind"].partition(".")[0]) for event in events}
    # Of triggers only what is no pipeline's.
    return {(at, noun if noun in own or (noun == "trigger" and not at) else "") for at, noun in nouns}


ORDINARY = [
    ("viewer here", {(HERE, "")}),
    ("viewer of both", {(HERE, ""), (THERE, "")}),
    ("viewer everywhere", {(HERE, ""), (THERE, ""), ("", ""), ("", "trigger"), ("", "commontask")}),
    ("watcher nowhere", set()),
    ("auditor here", {(HERE, "")}),
    ("registrar here", {(HERE, "")}),
    ("registrar everywhere", {(HERE, ""), (THERE, ""), ("", ""), ("", "token"), ("", "role")}),
    ("keeper here", {(HERE, ""), (HERE, "secret")}),
    ("keeper everywhere", {(HERE, ""), (THERE, ""), ("", ""), (HERE, "secret"), (THERE, "secret")}),
    (
        "operator everywhere",
        {(HERE, ""), (THERE, ""), ("", ""), ("", "trigger"), ("", "commontask")}
        | {(HERE, "secret"), (THERE, "secret"), ("", "secret")},
    ),
    ("of main here", {(HERE, ""), (HERE, "secret")}),
    ("of main everywhere", {(HERE, ""), (THERE, ""), (HERE, "secret"), (THERE, "secret")}),
    ("of other", {(HERE, ""), (THERE, "")}),
    ("of nothing", set()),
    ("admin here", {(HERE, ""), (HERE, "secret")}),
    ("task", {(HERE, "")}),
]


@pytest.mark.parametrize(("who", "expected"), ORDINARY)
def test_a_list_has_what_the_token_may_see(
    world: World, tokens: dict[str, str], who: str, expected: set[tuple[str, str]]
) -> None:
    last = world.server.services.bus.last_seq
    every = [event for event in listed(world, world.root) if event["seq"] <= last]
    seen = [event for event in listed(world, tokens[who]) if event["seq"] <= last]
    assert groups(seen) == expected
    pipelines = {"of main here": {"main"}, "of main everywhere": {"main"}, "of other": {"other"}}.get(who)
    assert seen == [
        event
        for event in every
        if groups([event]) <= expected and (pipelines is None or event.get("pipeline") in pipelines)
    ]
    newest = [event for event in listed(world, tokens[who], "?newest_first=true") if event["seq"] <= last]
    assert newest == seen[::-1]


@pytest.mark.parametrize("who", [who for who, _ in ORDINARY])
def test_the_stream_has_the_same(world: World, tokens: dict[str, str], who: str) -> None:
    seen = listed(world, tokens[who])
    with world.dial(f"{EVENTS}/stream?after=0", tokens[who]) as stream:
        found: list[dict[str, Any]] = []
        while len(found) < len(seen):
            found += json.loads(stream.recv(timeout=60))["events"]
        # What everybody may see of this namespace comes, and nothing before it that may not be seen.
        assert found[: len(seen)] == seen


AUDIT = [
    ("auditor here", {(HERE, "audit")}),
    ("auditor everywhere", {(HERE, "audit"), (THERE, "audit"), ("", "audit")}),
    ("of main here", {(HERE, "audit")}),
    ("admin here", {(HERE, "audit")}),
]


@pytest.mark.parametrize(("who", "expected"), AUDIT)
def test_audit_events_are_seen_likewise(
    world: World, tokens: dict[str, str], who: str, expected: set[tuple[str, str]]
) -> None:
    assert groups(listed(world, tokens[who], "?audit=true")) == expected


REFUSED = [
    ("viewer here", "?audit=true"),
    ("viewer everywhere", "?kind=audit.*"),
    ("viewer everywhere", "?kind=audit.write&kind=run.ended"),
    ("viewer here", "?by=local"),
    ("viewer here", f"?namespace={THERE}"),
    ("viewer here", "?namespace=nowhere"),
    ("viewer here", "?kind=secret.put"),
    ("viewer here", "?kind=secret.*"),
    ("viewer everywhere", "?kind=token.created"),
    ("viewer everywhere", "?kind=role.*"),
    ("keeper here", f"?namespace={THERE}&kind=secret.put"),
    ("of main here", f"?namespace={HERE}&pipeline=other"),
    ("of other", f"?namespace={HERE}&pipeline=main"),
    ("auditor here", f"?audit=true&namespace={THERE}"),
    ("registrar here", "?kind=token.created&namespace=there"),
    ("task", f"?namespace={THERE}"),
    ("task", "?kind=secret.*"),
    ("task", "?audit=true"),
]


@pytest.mark.parametrize(("who", "query"), REFUSED)
def test_what_is_asked_for_by_name_and_may_not_be_seen_is_refused(
    world: World, tokens: dict[str, str], who: str, query: str
) -> None:
    answer = world.ask("GET", EVENTS + query, tokens[who])
    assert (answer.status, answer.problem["title"]) == (403, "Refused")
    headers = {"Authorization": f"Bearer {tokens[who]}"}
    handshake = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
    key = {"Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA=="}
    assert world.ask("GET", f"{EVENTS}/stream{query}", headers={**headers, **handshake, **key}).status == 403


def test_without_events_read_nothing_is_seen(world: World) -> None:
    role = {"id": "blind", "permissions": [{"resources": ["audit", "tokens"], "actions": ["read"]}]}
    assert world.call("POST", "/api/v1/roles", role).status == 201
    blind = world.make_token(["blind"], ["*"])[1]
    assert world.ask("GET", EVENTS, blind).status == 403
    assert world.ask("GET", f"{EVENTS}?audit=true", blind).status == 403
