"""Namespaces are walls, and so are the names that a role is narrowed down to."""

from __future__ import annotations

import base64
import hashlib
import json
from functools import partial
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus

from tests.integration.api.server import Answer
from tests.security.routes import Route
from tests.security.world import HERE, OBJECT, SECRET_GLOBAL, SECRET_HERE, SECRET_THERE, THERE, World
from tests.support.until import until

EVERYTHING = [{"resources": ["*"], "actions": ["*"]}]
NIGHTLY = {
    "id": "nightly",
    "permissions": [
        {
            "resources": ["pipelines", "deployments", "runs", "logs", "objects", "secrets", "attach", "events"],
            "actions": ["*"],
            "names": ["nightly-*"],
        }
    ],
}
OF_HERE = f"/api/v1/namespaces/{HERE}"
MANIFEST = {"tasks": [{"id": "t", "image": "fake", "command": ["say", "hello"]}]}
OTHER_NAMES = {"pipeline": "none", "version": 9, "run": 99, "task": "none", "key": "none"}
_FORGOTTEN = ("request_id",)


@pytest.fixture(scope="module")
def token(world: World) -> str:
    """A token for `here`, where it may do everything."""
    return world.tokens["admin"]


@pytest.fixture(scope="module")
def nightly(world: World) -> str:
    """A token for pipelines in `here` whose names begin with `nightly-`, of which there are two, each with a run that
    has ended: `nightly-a` and `nightly-b`."""
    assert world.call("POST", "/api/v1/roles", NIGHTLY).status == 201
    for name in ("nightly-a", "nightly-b", "nightlyish"):
        assert world.call("POST", f"{OF_HERE}/pipelines", {"id": name, **MANIFEST}).status == 201
        run = world.call("POST", f"{OF_HERE}/pipelines/{name}/runs", {})
        assert run.status == 201
    return world.make_token(["nightly"], [HERE])[1]


def in_namespaces(world: World) -> list[Route]:
    return [route for route in world.routes if route.names_namespace]


def told(answer: Answer, *names: str) -> dict[str, Any]:
    """A refusal, but for what each request has of its own and the names that were asked for."""
    assert answer.status == 403, (answer.status, answer.body)
    problem = {key: value for key, value in answer.problem.items() if key not in _FORGOTTEN}
    text = json.dumps(problem, sort_keys=True)
    for name in names:
        text = text.replace(f'"{name}\\"', '"…').replace(f'\\"{name}\\"', "…")
    found: dict[str, Any] = json.loads(text)
    return found


def test_whoever_is_not_let_in_learns_nothing_of_what_is_there(world: World, token: str) -> None:
    """Not by the answer's status, nor by its text, nor by a header."""
    before = world.digest(without=frozenset({"tokens", "events"}))
    for route in in_namespaces(world):
        answers = [
            (world.try_route(route, token, {"namespace": namespace, **names}), namespace)
            for namespace in (THERE, "nowhere")
            for names in ({}, OTHER_NAMES)
        ]
        seen = {json.dumps(told(answer, namespace)) for answer, namespace in answers}
        assert len(seen) == 1, (route.name, seen)
        heads = {tuple(sorted(set(answer.headers) - {"content-length"})) for answer, _ in answers}
        assert len(heads) == 1, route.name
        for answer, _ in answers:
            for value in (SECRET_HERE, SECRET_THERE, SECRET_GLOBAL, OBJECT.decode(), "The main one"):
                assert value.encode() not in answer.body, route.name
    assert world.digest(without=frozenset({"tokens", "events"})) == before


def test_nor_does_head_or_a_condition_tell(world: World, token: str) -> None:
    etag = world.ask("GET", f"{OF_HERE}/pipelines/main/objects/thing", token).headers["etag"]
    for namespace in (THERE, "nowhere"):
        path = f"/api/v1/namespaces/{namespace}/pipelines/main/objects/thing"
        for headers in ({}, {"If-None-Match": etag}, {"If-None-Match": "*"}, {"Range": "bytes=0-1"}):
            assert world.ask("GET", path, token, headers=headers).status == 403
            answer = world.ask("HEAD", path, token, headers=headers)
            assert (answer.status, "etag" in answer.headers) == (403, False)


def test_pages_of_namespaces(world: World, token: str) -> None:
    assert items(world, "/api/v1/namespaces", token) == [HERE]
    both = world.make_token(["viewer"], ["*here"])[1]
    assert items(world, "/api/v1/namespaces", both) == [HERE, THERE]
    assert items(world, "/api/v1/namespaces", world.root) == ["default", HERE, THERE]
    assert items(world, "/api/v1/namespaces", world.run_token) == [HERE]


def items(world: World, path: str, token: str, limit: int = 1) -> list[str]:
    """The ids of a list; each page but the last must be full."""
    found: list[str] = []
    cursor = ""
    while True:
        answer = world.ask("GET", f"{path}{'&' if '?' in path else '?'}limit={limit}{cursor}", token)
        assert answer.status == 200, answer.body
        page = answer.json
        found += [one.get("pipeline", one["id"]) for one in page["items"]]
        if page["next"] is None:
            return found
        assert len(page["items"]) == limit
        cursor = f"&cursor={page['next']}"


def test_pages_of_what_a_role_is_narrowed_to(world: World, nightly: str) -> None:
    for limit in (1, 2, 50):
        assert items(world, f"{OF_HERE}/pipelines", nightly, limit) == ["nightly-a", "nightly-b"]
        assert items(world, f"{OF_HERE}/overview", nightly, limit) == ["nightly-a", "nightly-b"]
        assert sorted(set(items(world, f"{OF_HERE}/runs", nightly, limit))) == ["nightly-a", "nightly-b"]
    for status in ("running", "cancelled", "failed", "queued"):
        assert set(items(world, f"{OF_HERE}/runs?status={status}", nightly)) <= {"nightly-a", "nightly-b"}
    for some, expected in (("pipeline=main&pipeline=nightly-b", ["nightly-b"]), ("pipeline=main", [])):
        assert items(world, f"{OF_HERE}/overview?{some}", nightly) == expected
    assert len(items(world, f"{OF_HERE}/pipelines", world.root)) >= 4


def test_the_last_run_of_a_pipeline_is_for_who_may_look_at_runs(world: World) -> None:
    permissions = [{"resources": ["pipelines", "deployments"], "actions": ["read", "write"]}]
    role = {"id": "catalogue", "permissions": permissions}
    assert world.call("POST", "/api/v1/roles", role).status == 201
    path, one = f"/api/v1/namespaces/{HERE}/pipelines", f"/api/v1/namespaces/{HERE}/pipelines/shown"
    manifest = {"id": "shown", "tasks": [{"id": "talk", "image": "fake", "command": ["say", "hello"]}]}
    assert world.call("POST", path, manifest).status == 201
    assert world.call("POST", f"{one}/runs", {}).status == 201
    without, both = (world.make_token(roles, [HERE])[1] for roles in (["catalogue"], ["catalogue", "viewer"]))
    headers = {"Content-Type": "application/json", "Idempotency-Key": "the-same"}
    for text, is_seen in ((without, False), (both, True)):
        seen = [found for found in world.call("GET", path, token=text).json["items"] if found["id"] == "shown"]
        seen += [world.call("GET", one, token=text).json, world.call("PATCH", one, {"enabled": True}, text).json]
        for _ in range(2):
            seen.append(world.ask("POST", path, text, json.dumps(manifest).encode(), headers).json["pipeline"])
        assert [pipeline.get("last_run") is not None for pipeline in seen] == [is_seen] * 5
        [glance] = world.call("GET", f"/api/v1/namespaces/{HERE}/overview?pipeline=shown", token=text).json["items"]
        assert bool(glance["last_runs"]) == is_seen
        if not is_seen:
            assert (glance["success_rate"], glance["running"], glance["queued"]) == (None, 0, 0)


def test_what_changed_is_for_who_may_look_at_the_version_before(world: World) -> None:
    permissions = [{"resources": ["pipelines", "deployments"], "actions": ["write"]}]
    assert world.call("POST", "/api/v1/roles", {"id": "writer", "permissions": permissions}).status == 201
    path = f"/api/v1/namespaces/{HERE}/pipelines"
    task = {"id": "talk", "image": "fake", "command": ["say", "hello"]}
    manifests = [{"id": "kept", "description": f"word {number}", "tasks": [task]} for number in range(3)]
    assert world.call("POST", path, manifests[0]).status == 201
    blind, both = (world.make_token(roles, [HERE])[1] for roles in (["writer"], ["writer", "viewer"]))
    for number, text, is_seen in ((1, blind, False), (2, both, True)):
        headers = {"Content-Type": "application/json", "Idempotency-Key": f"changes-{number}"}
        body = json.dumps(manifests[number]).encode()
        for _ in range(2):
            answer = world.ask("POST", path, text, body, headers)
            assert answer.status == 200, answer.body
            assert (f"word {number - 1}" in answer.body.decode()) is is_seen
            assert answer.json["compared_with"] == (number if is_seen else 0)
        assert (world.call("POST", f"{path}/kept/diff", manifests[0], text).status == 200) is is_seen
        assert (world.call("GET", f"{path}/kept/versions/1/diff", token=text).status == 200) is is_seen


def test_what_one_request_has_started(world: World, nightly: str) -> None:
    """The id of a request is the caller's own, and may be another's too."""
    headers = {"X-Request-Id": "shared", "Content-Type": "application/json"}
    for namespace, pipeline in ((HERE, "nightly-a"), (HERE, "nightlyish"), (THERE, "main")):
        path = f"/api/v1/namespaces/{namespace}/pipelines/{pipeline}/runs"
        assert world.ask("POST", path, world.root, b"{}", headers).status == 201
    assert items(world, f"{OF_HERE}/runs?correlation_id=shared", nightly) == ["nightly-a"]
    assert sorted(items(world, f"{OF_HERE}/runs?correlation_id=shared", world.tokens["viewer"])) == [
        "nightly-a",
        "nightlyish",
    ]


def test_events_of_what_a_role_is_narrowed_to(world: World, nightly: str, token: str) -> None:
    assert world.call("POST", f"{OF_HERE}/pipelines/nightly-a/runs", {}).status == 201
    for narrowed, expected in ((nightly, {"nightly-a", "nightly-b"}), (token, None)):
        seen = world.ask("GET", "/api/v1/events?limit=200", narrowed).json["items"]
        assert {event["namespace"] for event in seen} == {HERE}
        assert expected is None or {event["pipeline"] for event in seen} <= expected
        with world.dial("/api/v1/events/stream?after=0", narrowed) as stream:
            frame = json.loads(stream.recv(timeout=20))
        assert len(seen) > 10
        assert [event["seq"] for event in frame["events"]][:10] == [event["seq"] for event in seen][:10]
    for query in (f"?namespace={THERE}", f"?namespace={THERE}&pipeline=main", "?namespace=nowhere"):
        assert world.ask("GET", f"/api/v1/events{query}", nightly).status == 403
    for query in ("?pipeline=main", f"?namespace={HERE}&pipeline=main", f"?namespace={HERE}&pipeline=none"):
        answer = world.ask("GET", f"/api/v1/events{query}", nightly)
        assert answer.status == 403 or answer.json["items"] == []


def test_a_cursor_from_elsewhere_shows_nothing_of_it(world: World, token: str) -> None:
    for path, name in (("runs", "namespace"), ("pipelines", "namespace"), ("pipelines/main/runs", "namespace")):
        cursor = world.ask("GET", f"/api/v1/namespaces/{THERE}/{path}?limit=1", world.root).json["next"]
        if cursor is None:
            continue
        answer = world.ask("GET", f"{OF_HERE}/{path}?cursor={cursor}", token)
        assert answer.status == 200
        assert {one[name] for one in answer.json["items"]} <= {HERE}


def let_in(world: World, nightly: str, route: Route, pipeline: str) -> bool:
    names = {**OTHER_NAMES, "pipeline": pipeline}
    return world.try_route(route, nightly, names).status not in (401, 403)


def test_names_hold_on_every_route(world: World, nightly: str) -> None:
    routes = [route for route in in_namespaces(world) if "{pipeline}" in route.template]
    assert len(routes) > 30
    for route in routes:
        # `none` in place of what the names below it are: that is only looked up once it is let in.
        assert let_in(world, nightly, route, "nightly-none"), route.name
        for pipeline in ("main", "nightly", "nightlyish", "Nightly-a", "x-nightly-a", "none"):
            assert not let_in(world, nightly, route, pipeline), (route.name, pipeline)


@pytest.mark.parametrize(
    "pipeline",
    [
        "nightly-a%2F..%2Fmain", "nightly-a/../main", "nightly-a%2f%2e%2e%2fmain", "nightly-a/./../main",
        "nightly-a;/main", "nightly-%2E%2E%2Fmain", "%6dain", "mai%6e", "nightly-a%00", "main%00nightly-",
        "nightly-a%0amain", "main%20", "%2A", "*", "nightly-*", "nightly-%2A", "nightly-%3F", "nightly-[ab]",
        "main?x=nightly-a", "main#nightly-a",
    ],
)  # fmt: skip
def test_no_way_of_writing_a_path_leads_around_names(world: World, nightly: str, pipeline: str) -> None:
    for rest in ("", "/objects/thing", "/runs/2/tasks/talk/log/raw", "/secrets/thing/reveal"):
        method = "POST" if rest.endswith("reveal") else "GET"
        request = f"{method} {OF_HERE}/pipelines/{pipeline}{rest} HTTP/1.1\r\nHost: {world.server.netloc}\r\n"
        request += f"Authorization: Bearer {nightly}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        answer = world.server.send_raw(request.encode("latin-1"), method)
        assert answer.status in (400, 403, 404, 405, 422), (pipeline, rest, answer.status, answer.body)
        for value in (b"The main one", SECRET_HERE.encode(), OBJECT, b"hello"):
            assert value not in answer.body


def test_a_body_does_not_lead_around_names(world: World, nightly: str) -> None:
    for name, status in (("main", 403), ("nightlyish", 403), ("fresh", 403), ("nightly-fresh", 201)):
        answer = world.call("POST", f"{OF_HERE}/pipelines", {"id": name, **MANIFEST}, nightly)
        assert answer.status == status, name
    # A manifest names no namespace, and nothing else that the path has said.
    for more in ({"namespace": THERE}, {"pipeline": "main"}):
        answer = world.call("POST", f"{OF_HERE}/pipelines", {"id": "nightly-fresh", **MANIFEST, **more}, nightly)
        assert answer.status == 422
    for body in ({"namespace": THERE}, {"pipeline": "main"}, {"run": 1}):
        assert world.call("POST", f"{OF_HERE}/pipelines/nightly-a/runs", body, nightly).status in (400, 422)
    assert world.call("GET", f"{OF_HERE}/pipelines/nightly-a?namespace={THERE}", None, nightly).status == 422


def test_no_websocket_leads_around_names(world: World, nightly: str) -> None:
    for path in ("log/stream", "attach?command=sh"):
        for pipeline in ("main", "none"):
            address = f"{OF_HERE}/pipelines/{pipeline}/runs/2/tasks/hang/{path}"
            with pytest.raises(InvalidStatus) as caught, world.dial(address, nightly):
                pass
            assert caught.value.response.status_code == 403


def test_an_old_answer_is_for_who_may_still_ask(world: World) -> None:
    role = {"id": "shrinking", "permissions": EVERYTHING}
    assert world.call("POST", "/api/v1/roles", role).status == 201
    token = world.make_token(["shrinking"], [HERE])[1]
    headers = {"Content-Type": "application/json", "Idempotency-Key": "once"}
    body = json.dumps({"id": "shrunk", **MANIFEST}).encode()
    first = world.ask("POST", f"{OF_HERE}/pipelines", token, body, headers)
    again = world.ask("POST", f"{OF_HERE}/pipelines", token, body, headers)
    assert (first.status, again.status, again.headers["idempotent-replayed"]) == (201, 201, "true")
    smaller = {"permissions": [{"resources": ["pipelines"], "actions": ["*"], "names": ["nightly-*"]}]}
    assert world.call("PUT", "/api/v1/roles/shrinking", smaller).status == 200
    last = world.ask("POST", f"{OF_HERE}/pipelines", token, body, headers)
    assert (last.status, "idempotent-replayed" in last.headers) == (403, False)


def test_the_keys_of_one_token_are_not_those_of_another(world: World) -> None:
    headers = {"Content-Type": "application/json", "Idempotency-Key": "the-same"}
    tokens = [world.root, *(world.make_token(["admin"], [HERE])[1] for _ in range(2)), world.run_token]
    runs = [world.ask("POST", f"{OF_HERE}/pipelines/main/runs", token, b"{}", headers) for token in tokens]
    assert [run.status for run in runs] == [201] * 4
    assert len({run.json["id"] for run in runs}) == 4
    # The same key for another namespace is another request, also where that is refused.
    elsewhere = f"/api/v1/namespaces/{THERE}/pipelines/main/runs"
    assert world.ask("POST", elsewhere, tokens[1], b"{}", headers).status == 403
    assert world.ask("POST", elsewhere, tokens[0], b"{}", headers).status == 422
    for run in runs:
        world.end_run(run.json["id"])


def has_ended(world: World, path: str) -> bool:
    return world.call("GET", path).json.get("ended_at") is not None


def test_global_secrets_of_others_are_as_if_they_were_not_there(world: World, token: str) -> None:
    body = {"value": "for those over there", "namespaces": [THERE]}
    assert world.call("PUT", "/api/v1/secrets/theirs", body).status == 201
    warnings = []
    for key in ("theirs", "nobodys"):
        variables = {"X": f"global_secret{{{{{key}}}}}"}
        task = {"id": "t", "image": "fake", "command": ["say", "hello"], "variables": variables}
        manifest = {"id": "curious", "tasks": [task]}
        answer = world.call("POST", f"{OF_HERE}/pipelines", manifest, token)
        assert answer.status in (200, 201)
        warnings.append([warning.replace(key, "…") for warning in answer.json["warnings"]])
        run = world.call("POST", f"{OF_HERE}/pipelines/curious/runs", {}, token).json["id"]
        path = f"{OF_HERE}/pipelines/curious/runs/{run}"
        until(partial(has_ended, world, path), "the run has ended")
        task_run = world.call("GET", f"{path}/tasks/t", None, token).json
        warnings.append([task_run["reason"], task_run["detail"].replace(key, "…")])
    assert warnings[:2] == warnings[2:]
    for path in ("/api/v1/secrets", "/api/v1/secrets/theirs", "/api/v1/secrets/nobodys"):
        assert world.call("GET", path, None, token).status == 403


def test_the_same_bytes_elsewhere_make_no_difference(world: World, token: str) -> None:
    """The object store keeps them once. Whoever puts them sends them whole, and is answered as if they were new."""
    known = b"a content that is there already"
    there = f"/api/v1/namespaces/{THERE}/pipelines/main/objects/known"
    assert world.ask("PUT", there, world.root, known).status == 201
    answers = []
    for key, content in (("guess", known), ("fresh", b"a content that nobody has had  ")):
        digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
        path, headers = f"{OF_HERE}/pipelines/main/objects/{key}", {"Content-Digest": f"sha-256=:{digest}:"}
        # To know the digest is not enough: what it is the digest of has to be sent.
        without = world.ask("PUT", path, token, b"", headers)
        whole = world.ask("PUT", path, token, content, headers)
        assert (without.status, whole.status) == (422, 201)
        assert world.ask("GET", path, token).body == content
        answers.append((sorted(without.headers), sorted(whole.headers), sorted(whole.json), whole.json["created"]))
    assert answers[0] == answers[1]


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_health_names_nothing_to_strangers(world: World, path: str) -> None:
    assert world.call("PUT", "/api/v1/system/ingress", {"open": False}).status == 200
    try:
        for token in (None, world.tokens["admin"], world.run_token):
            answer = world.ask("GET", path, token)
            assert answer.json["problems"] == []
            assert answer.status == (503 if path == "/readyz" else 200)
        answer = world.ask("GET", path, world.root)
        assert bool(answer.json["problems"]) == (path == "/readyz")
    finally:
        assert world.call("PUT", "/api/v1/system/ingress", {"open": True}).status == 200
