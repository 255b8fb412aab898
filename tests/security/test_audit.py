"""Who did what, from where: one event for each change, each secret that is given away, and each attempt that is
refused; and none of them has a token in it."""

from __future__ import annotations

import http.client
import json
import sqlite3
from collections.abc import Iterator
from typing import Any

import pytest

from gofer.server.auth.tokens import new_token
from tests.integration.api.server import Answer
from tests.security.routes import Route
from tests.security.world import HERE, OBJECT, THERE, World
from tests.support.until import until

BASE = f"/api/v1/namespaces/{HERE}/pipelines/main"

# These ask for a proof of their own, or nothing stands in their way.
SESSION = "/api/v1/session"
ANYBODY = {"POST /api/v1/bootstrap", f"POST {SESSION}"}
# They look at something that is sent along.
CHANGES_NOTHING = {
    "POST /api/v1/manifests/validate",
    "POST /api/v1/manifests/graph",
    "POST /api/v1/namespaces/{namespace}/pipelines/{pipeline}/diff",
}


@pytest.fixture
def worlds(tmp_path: Any) -> Iterator[World]:
    """One that may be destroyed."""
    world = World(tmp_path)
    world.start()
    yield world
    world.stop()


def last(world: World) -> int:
    """The number of the newest event."""
    return world.server.services.bus.last_seq


def audit(world: World, after: int, **query: str) -> list[dict[str, Any]]:
    """All audit events above a number. What is written beside is waited for by who needs it."""
    found: list[dict[str, Any]] = []
    asked = "".join(f"&{name}={value}" for name, value in query.items())
    answer = world.call("GET", f"/api/v1/events?audit=true&limit=1000&after={after}{asked}")
    assert answer.status == 200, answer.body
    found += answer.json["items"]
    assert answer.json.get("next") is None
    return found


def done(world: World, after: int) -> list[dict[str, Any]]:
    """What was done, by the audit events above a number: no refusals, which are added up and told some time later."""
    return [event for event in audit(world, after) if "reason" not in event["data"]]


def writing(world: World) -> list[Route]:
    """Every route that is no look, those that delete last and what holds the most at the very end."""
    found = [route for route in world.routes if route.method not in ("GET", "WS")]
    assert len(found) > 25
    return sorted(found, key=lambda route: (route.method == "DELETE", -route.template.count("/"), route.template))


def test_each_change_has_one_event(worlds: World) -> None:
    world, told, wrong = worlds, set(), []
    for route in writing(world):
        if route.name == "DELETE /api/v1/namespaces/{namespace}/pipelines/{pipeline}":
            assert world.call("POST", f"{BASE}/runs/cancel").status in (200, 202)
            until(lambda: all(run.get("ended_at") for run in world.call("GET", f"{BASE}/runs").json["items"]), "no run")
        before = last(world)
        answer = world.try_route(route, world.root)
        found = done(world, before)
        if answer.status >= 300 or route.name in CHANGES_NOTHING:
            if found:
                wrong.append((route.name, answer.status, found))
            continue
        told.add(route.name)
        if len(found) != 1:
            wrong.append((route.name, answer.status, found))
            continue
        (event,) = found
        revealed = route.template.endswith("/reveal")
        other = "audit.login" if route.template == SESSION else "audit.write"
        assert event["kind"] == ("audit.reveal" if revealed else other)
        assert event["data"]["what"] == route.name
        assert event["data"]["path"] == route.path(world.names)
        assert event["data"]["by"].startswith("token tok-")
        assert event["data"]["description"] == "root token"
        assert event["data"]["from"] == "127.0.0.1"
        assert event["data"]["request"] == answer.headers["x-request-id"]
        assert event.get("namespace", "") == (HERE if route.names_namespace else "")
        assert event.get("pipeline", "") == ("main" if "{pipeline}" in route.template else "")
        assert "run" not in event
    assert wrong == []
    assert {name.partition(" ")[0] for name in told} == {"POST", "PUT", "PATCH", "DELETE"}
    # What the samples do not bring about, as something is there already, or is not: nothing else may hide here.
    assert {route.name for route in writing(world)} - told - CHANGES_NOTHING - ANYBODY == {
        "PUT /api/v1/namespaces/{namespace}/pipelines/{pipeline}/objects/{key}",
        "PUT /api/v1/namespaces/{namespace}/pipelines/{pipeline}/runs/{run}/objects/{key}",
        "DELETE /api/v1/namespaces/{namespace}",
        "POST /api/v1/namespaces/{namespace}/pipelines/{pipeline}/deployments/{deployment}/promote",
        "DELETE /api/v1/namespaces/{namespace}/pipelines/{pipeline}/versions/{version}",
        "POST /api/v1/triggers/{trigger}/restart",
        "DELETE /api/v1/triggers/{trigger}",
        f"DELETE {SESSION}",
    }


def test_signing_in_and_out(world: World) -> None:
    name, token = world.make_token(["viewer"], [HERE])
    before = last(world)
    signed_in = world.server.send_json("POST", SESSION, {"token": token})
    assert signed_in.status == 201
    cookie = {"Cookie": signed_in.headers["set-cookie"].partition(";")[0], "X-Gofer-CSRF": signed_in.json["csrf"]}
    assert world.server.ask("DELETE", SESSION, headers=cookie).status == 204
    went_in, went_out = done(world, before)
    assert (went_in["kind"], went_in["data"]["what"]) == ("audit.login", f"POST {SESSION}")
    assert (went_out["kind"], went_out["data"]["what"]) == ("audit.login", f"DELETE {SESSION}")
    assert went_in["data"]["by"] == went_out["data"]["by"] == f"token {name}"
    assert went_out["data"]["session"] is True
    wrong = world.server.send_json("POST", SESSION, {"token": new_token("client")})
    assert wrong.status == 401
    (event,) = until(lambda: audit(world, went_out["seq"], kind="audit.login"), "it is told")
    assert (event["data"]["by"], event["data"]["status"], event["data"]["count"]) == ("anonymous", 401, 1)
    forged = world.server.send_json("POST", SESSION, {"token": token})
    cookie = {"Cookie": forged.headers["set-cookie"].partition(";")[0]}
    event = refusal(world, world.server.ask("DELETE", SESSION, headers=cookie))
    assert event["kind"] == "audit.refused"
    assert "X-Gofer-CSRF" in event["data"]["reason"]


def test_each_refused_attempt_has_one_event(world: World) -> None:
    """By a token that may look and do nothing else."""
    name, viewer = world.make_token(["viewer"], [HERE])
    before, expected = last(world), {}
    for route in writing(world) + [route for route in world.routes if route.is_websocket]:
        answer = world.try_route(route, viewer)
        if answer.status == 403 and route.name not in ANYBODY:
            expected[f"WEBSOCKET {route.template}" if route.is_websocket else route.name] = route.path(world.names)
    assert len(expected) > 25

    def found() -> list[dict[str, Any]]:
        events = audit(world, before, by=name, kind="audit.refused")
        events = [event for event in events if event["data"]["what"] not in ANYBODY]
        return events if len(events) >= len(expected) else []

    events = until(found, "all of them are told")
    assert {event["data"]["what"]: event["data"]["path"] for event in events} == expected
    for event in events:
        assert (event["data"]["status"], event["data"]["count"]) == (403, 1)
        dials_in = event["data"]["what"] == "WEBSOCKET /api/v1/triggers/{trigger}/session"
        why = "This is for a trigger that Gofer has started" if dials_in else "The token does not allow this ("
        assert event["data"]["reason"].startswith(why)
        assert event["data"]["by"] == f"token {name}"


def refusal(world: World, answer: Answer) -> dict[str, Any]:
    """The event of one refused request."""

    def found() -> Any:
        events = audit(world, 0, kind="audit.refused")
        return [event for event in events if event["data"]["request"] == answer.headers["x-request-id"]]

    (event,) = until(found, "it is told")
    assert event["data"]["status"] == answer.status
    return dict(event)


def test_what_is_refused_before_anybody_knows_who_asks(world: World) -> None:
    event = refusal(world, world.ask("GET", BASE, new_token("client")))
    assert event["data"]["by"] == "anonymous"
    assert event["data"]["what"] == "GET /api/v1/namespaces/{namespace}/pipelines/{pipeline}"
    assert (event["namespace"], event["pipeline"]) == (HERE, "main")
    assert event["data"]["reason"] == "This token is not known to the server, or was deleted."


def test_a_foreign_host_and_a_foreign_page(world: World) -> None:
    event = refusal(world, world.ask("GET", "/api/v1/namespaces", world.root, headers={"Host": "evil.example"}))
    assert (event["data"]["by"], event["data"]["status"]) == ("anonymous", 403)
    assert "evil.example" in event["data"]["reason"]
    foreign = {"Origin": "https://evil.example"}
    event = refusal(world, world.ask("PUT", f"{BASE}/objects/x", world.root, b"x", foreign))
    assert "web page" in event["data"]["reason"]


def test_a_path_may_be_anything(world: World) -> None:
    """It is shortened, and only what can be an id counts as one."""
    event = refusal(world, world.ask("GET", f"/api/v1/namespaces/%00{'x' * 500}/pipelines", "garbage"))
    assert len(event["data"]["path"]) == 200
    assert "namespace" not in event
    event = refusal(world, world.ask("GET", "/no/such/path?token=secret", "garbage"))
    assert event["data"]["what"] == "GET another path"
    assert event["data"]["path"] == "/no/such/path"


def test_a_backup_gives_everything_away(world: World) -> None:
    before = last(world)
    assert world.ask("GET", "/api/v1/system/backup", world.root).status == 200
    (event,) = done(world, before)
    assert (event["kind"], event["data"]["what"]) == ("audit.reveal", "GET /api/v1/system/backup")


def test_attach(world: World) -> None:
    before = last(world)
    path = f"{BASE}/runs/2/tasks/hang/attach?command=echo&command=hello%20{world.root}"
    with world.dial(path, world.root):
        (event,) = until(lambda: audit(world, before, kind="audit.attach"), "it is told")
    assert event["data"]["command"] == "echo hello gofer_management_…"
    assert (
        event["data"]["what"]
        == "WEBSOCKET /api/v1/namespaces/{namespace}/pipelines/{pipeline}/runs/{run}/tasks/{task}/attach"
    )
    assert event["data"]["path"] == f"{BASE}/runs/2/tasks/hang/attach"
    assert (event["namespace"], event["pipeline"]) == (HERE, "main")


def test_a_request_that_is_sent_again_is_done_once(world: World) -> None:
    before = last(world)
    key = {"Idempotency-Key": "audit-once", "Content-Type": "application/json"}
    first = world.ask("POST", "/api/v1/namespaces", world.root, b'{"id": "once"}', key)
    again = world.ask("POST", "/api/v1/namespaces", world.root, b'{"id": "once"}', key)
    assert (first.status, again.status, again.headers["idempotent-replayed"]) == (201, 201, "true")
    assert [event["data"]["request"] for event in done(world, before)] == [first.headers["x-request-id"]]


def test_what_changes_nothing_after_all_is_told_too(world: World) -> None:
    assert world.call("PATCH", BASE, {"enabled": True}).status == 200
    before = last(world)
    assert world.call("PATCH", BASE, {"enabled": True}).status == 200
    assert world.ask("PUT", f"{BASE}/objects/thing", world.root, OBJECT).status == 200
    assert [event["data"]["what"].partition(" ")[0] for event in done(world, before)] == ["PATCH", "PUT"]


def test_what_fails_claims_nothing(world: World) -> None:
    before = last(world)
    assert world.call("DELETE", "/api/v1/namespaces/nowhere").status == 404
    assert world.call("POST", "/api/v1/namespaces", {"id": HERE}).status == 409
    assert world.call("POST", "/api/v1/namespaces", {"id": "///"}).status == 422
    assert done(world, before) == []


def test_a_task_is_named(world: World) -> None:
    before = last(world)
    assert world.ask("PUT", f"{BASE}/objects/of-task", world.run_token, OBJECT).status == 201
    assert [event["data"]["by"] for event in done(world, before)] == ["task main/2/hang"]


def test_nothing_of_it_is_shown_unasked(world: World) -> None:
    for path in ("/api/v1/events?limit=1000", f"/api/v1/events?limit=1000&namespace={HERE}&pipeline=main"):
        assert not [e for e in world.call("GET", path).json["items"] if e["kind"].startswith("audit.")]
    named = world.call("GET", "/api/v1/events?kind=audit.write&kind=run.queued").json["items"]
    assert {event["kind"] for event in named} == {"audit.write", "run.queued"}
    assert world.call("GET", "/api/v1/events?audit=true&kind=run.queued").status == 422
    mine = world.call("GET", "/api/v1/events?by=task%20main/2/hang").json["items"]
    assert {event["data"]["by"] for event in mine} <= {"task main/2/hang"}


def test_a_flood_of_bad_tokens_makes_few_events_and_hardly_a_write(world: World) -> None:
    before, commits = last(world), world.server.services.database.commits
    connection = http.client.HTTPConnection(world.server.netloc, timeout=60)
    statuses = set()
    for _ in range(5000):
        connection.request("GET", "/api/v1/namespaces", headers={"Authorization": f"Bearer {new_token('client')}"})
        answer = connection.getresponse()
        answer.read()
        statuses.add(answer.status)
    connection.close()
    assert statuses <= {401, 429}
    until(lambda: audit(world, before), "the first is told")
    assert len(audit(world, before)) < 30
    assert world.server.services.database.commits - commits < 100


def test_no_event_has_a_token_in_it(world: World) -> None:
    guess = new_token("client")
    refusal(
        world, world.ask("GET", f"/api/v1/namespaces/{guess}/pipelines/{guess}/runs/1/tasks/t?token={guess}", guess)
    )
    refusal(world, world.ask("GET", f"/api/v1/secrets/{guess}", world.run_token))
    world.ask("GET", f"/api/v1/namespaces/{THERE}/pipelines", world.run_token)
    connection = sqlite3.connect(f"file:{world.home}/gofer.db?mode=ro", uri=True)
    text = json.dumps(connection.execute("SELECT * FROM events").fetchall())
    connection.close()
    for token in (world.root, world.run_token, guess, *world.tokens.values()):
        assert token not in text
        assert token[-20:] not in text
    assert "gofer_client_\\u2026" in text
