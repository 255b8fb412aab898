"""Tokens, against a server that lets nobody in without one."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from gofer.models.access import CreateToken, NewToken, RotateToken
from tests.integration.api.server import Answer, ServerThread

PIPELINES = "/api/v1/namespaces/default/pipelines"
TOKENS = "/api/v1/tokens"
DAY = 86_400_000


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerThread]:
    found = ServerThread(tmp_path_factory.mktemp("server"), production=True)
    found.start()
    yield found
    found.stop()


def create(server: ServerThread, token: str, **fields: object) -> Answer:
    return server.send_json("POST", TOKENS, {"roles": ["viewer"], "namespaces": ["default"], **fields}, token=token)


def patch(server: ServerThread, token: str, **fields: object) -> Answer:
    return server.send_json("PATCH", f"{TOKENS}/{token}", fields, token=server.bootstrap())


def events(server: ServerThread, token: str) -> list[dict[str, Any]]:
    """What was told of a token."""
    found = server.api.get("events", kind="token.*", limit=200)["items"]
    return [event for event in found if event["data"]["token"] == token]


def test_nobody_is_served_before_there_is_a_token(server: ServerThread) -> None:
    answer = server.ask("GET", PIPELINES)
    assert (answer.status, answer.problem["detail"]) == (
        401,
        "No token was made yet for this server, so it serves nobody.",
    )
    assert "gofer service token bootstrap" in answer.problem["hint"]
    server.bootstrap()
    answer = server.ask("GET", PIPELINES)
    assert "the request brings none" in answer.problem["detail"]
    assert "--token-file" in answer.problem["hint"]
    assert server.ask("GET", PIPELINES, token=server.bootstrap()).status == 200
    assert server.api.get("namespaces/default/pipelines")["items"] == []


def test_a_client_has_its_roles_in_its_namespaces(server: ServerThread) -> None:
    viewer = server.token(["viewer"], ["default"])
    assert server.ask("GET", PIPELINES, token=viewer).status == 200
    assert server.send_json("POST", PIPELINES, {"id": "p"}, token=viewer).status == 403
    assert server.ask("GET", PIPELINES.replace("default", "other"), token=viewer).status == 403


def test_the_life_of_a_token(server: ServerThread) -> None:
    root = server.bootstrap()
    author = "token " + server.api.get("whoami")["token"]["id"]
    made = create(server, root, description="for the tests", expires_in=90 * DAY)
    assert made.status == 201
    token, text = made.json["token"], made.json["secret"]
    assert text.startswith("gofer_client_")
    assert (token["created_by"], token["expires_at"]) == (author, token["created_at"] + 90 * DAY)
    assert server.api.get(f"tokens/{token['id']}") == token
    assert token in server.api.get("tokens", limit=200)["items"]
    assert server.ask("GET", PIPELINES, token=text).status == 200
    assert server.api.get(f"tokens/{token['id']}")["last_used_from"] == "127.0.0.1"
    assert patch(server, token["id"], enabled=False).json["disabled_at"] > 0
    refused = server.ask("GET", PIPELINES, token=text)
    assert (refused.status, refused.problem["detail"]) == (401, "This token is disabled.")
    assert "disabled_at" not in patch(server, token["id"], enabled=True, description="other").json
    assert server.ask("GET", PIPELINES, token=text).status == 200
    assert patch(server, token["id"]).json["description"] == "other"
    again = server.send_json("POST", f"{TOKENS}/{token['id']}/rotate", {}, token=root).json
    assert (again["token"]["id"], again["token"]["expires_at"]) == (token["id"], token["expires_at"])
    assert server.ask("GET", PIPELINES, token=text).status == 401
    assert server.ask("GET", PIPELINES, token=again["secret"]).status == 200
    assert server.ask("DELETE", f"{TOKENS}/{token['id']}", token=root).status == 204
    assert server.ask("GET", PIPELINES, token=again["secret"]).status == 401
    assert server.ask("GET", f"{TOKENS}/{token['id']}", token=root).status == 404
    told = events(server, token["id"])
    assert [event["kind"].removeprefix("token.") for event in told] == [
        "created", "disabled", "changed", "enabled", "rotated", "deleted",
    ]  # fmt: skip
    for event in told:
        assert (event["data"]["by"], event["data"]["kind"]) == (author, "client")
        assert event["data"]["correlation_id"]


def test_pages(server: ServerThread) -> None:
    made = [server.new_token(["viewer"]).token.id for _ in range(5)]
    found: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = server.api.get("tokens", limit=2, **({"cursor": cursor} if cursor else {}))
        assert len(page["items"]) <= 2
        found += [one["id"] for one in page["items"]]
        cursor = page["next"]
    assert found[-5:] == made
    assert len(found) == len(set(found))


def test_whoami(server: ServerThread) -> None:
    root = server.ask("GET", "/api/v1/whoami", token=server.bootstrap()).json
    assert (root["kind"], root["token"]["root"], root["namespaces"]) == ("management", True, ["*"])
    made = server.new_token(["viewer", "operator"], ["team-*", "default"])
    who = server.ask("GET", "/api/v1/whoami", token=made.secret).json
    assert (who["kind"], who["token"]["id"], who["namespaces"]) == ("client", made.token.id, ["team-*", "default"])
    assert {action for grant in who["permissions"] for action in grant["actions"]} == {"read", "run", "write"}
    assert server.ask("GET", "/api/v1/whoami").status == 401


def test_the_last_management_token_stays(tmp_path_factory: pytest.TempPathFactory) -> None:
    server = ServerThread(tmp_path_factory.mktemp("other"), production=True)
    server.start()
    try:
        root = server.bootstrap()
        own = server.ask("GET", "/api/v1/whoami", token=root).json["token"]["id"]
        server.token(["admin"])
        disabled = server.new_token().token.id
        assert server.send_json("PATCH", f"{TOKENS}/{disabled}", {"enabled": False}, token=root).status == 200
        for answer in (
            server.ask("DELETE", f"{TOKENS}/{own}", token=root),
            server.send_json("PATCH", f"{TOKENS}/{own}", {"enabled": False}, token=root),
        ):
            assert answer.status == 409
            assert "bootstrap --again" in answer.problem["hint"]
        assert server.ask("DELETE", f"{TOKENS}/{disabled}", token=root).status == 204
        other = server.token()
        # With another one there, a token may give itself back.
        assert server.ask("DELETE", f"{TOKENS}/{own}", token=root).status == 204
        assert server.ask("GET", PIPELINES, token=root).status == 401
        assert server.ask("GET", PIPELINES, token=other).status == 200
    finally:
        server.stop()


def test_nobody_gets_more_than_they_have(server: ServerThread) -> None:
    admin = server.new_token(["admin"], ["*"])
    small = server.new_token(["viewer"], ["default"])
    root = server.ask("GET", "/api/v1/whoami", token=server.bootstrap()).json["token"]["id"]
    assert create(server, admin.secret, kind="management", roles=[], namespaces=[]).status == 403
    assert create(server, admin.secret, roles=["admin"], namespaces=["*"]).status == 201
    assert create(server, small.secret).status == 403
    for token in (root, server.new_token().token.id):
        path = f"{TOKENS}/{token}"
        assert server.send_json("POST", f"{path}/rotate", {}, token=admin.secret).status == 403
        assert server.send_json("PATCH", path, {"enabled": False}, token=admin.secret).status == 403
        assert server.ask("DELETE", path, token=admin.secret).status == 403
    path = f"{TOKENS}/{small.token.id}"
    assert server.send_json("POST", f"{path}/rotate", {}, token=small.secret).status == 403
    assert server.send_json("PATCH", path, {"enabled": False}, token=admin.secret).status == 200
    assert server.ask("DELETE", f"{TOKENS}/{admin.token.id}", token=admin.secret).status == 204


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({"roles": ["viewer"]}, 422, "namespaces"),
        ({"roles": ["run"], "namespaces": ["*"]}, 422, "roles[0]"),
        ({"kind": "run"}, 422, "kind"),
        ({"kind": "management", "roles": ["viewer"]}, 422, "roles"),
        ({"kind": "management", "expires_in": "90d"}, 422, "expires_in"),
        ({"kind": "management", "expires_in": 2**63}, 422, "expires_in"),
        ({"kind": "management", "root": True}, 422, "root"),
        ([], 422, "object"),
    ],
)
def test_what_is_no_token(server: ServerThread, body: object, status: int, words: str) -> None:
    answer = server.send_json("POST", TOKENS, body, token=server.bootstrap())
    assert answer.status in (400, status)
    assert words in answer.body.decode()


def test_a_namespace_may_come_later(server: ServerThread) -> None:
    made = create(server, server.bootstrap(), namespaces=["default", "typo", "team-*"]).json
    assert made["warnings"] == ['There is no namespace "typo" yet.']
    assert "warnings" not in create(server, server.bootstrap()).json


@pytest.mark.parametrize("grace", [-1, 31 * DAY, "1h", 1.5])
def test_what_is_no_grace(server: ServerThread, grace: object) -> None:
    token = server.new_token(["viewer"]).token.id
    answer = server.send_json("POST", f"{TOKENS}/{token}/rotate", {"grace": grace}, token=server.bootstrap())
    assert answer.status in (400, 422)


def test_grace(server: ServerThread) -> None:
    made = server.new_token(["viewer"])
    path = f"{TOKENS}/{made.token.id}/rotate"
    second = server.send_json("POST", path, {"grace": 60_000}, token=server.bootstrap()).json
    for text in (made.secret, second["secret"]):
        assert server.ask("GET", PIPELINES, token=text).status == 200
    third = server.send_json("POST", path, {"grace": 60_000}, token=server.bootstrap()).json
    for text, status in ((made.secret, 401), (second["secret"], 200), (third["secret"], 200)):
        assert server.ask("GET", PIPELINES, token=text).status == status


def test_one_that_has_expired_cannot_be_rotated(server: ServerThread) -> None:
    made = server.new_token(["viewer"], expires_in=1)
    answer = server.send_json("POST", f"{TOKENS}/{made.token.id}/rotate", {}, token=server.bootstrap())
    assert (answer.status, answer.problem["hint"]) == (409, "Create a new one.")
    assert server.ask("GET", PIPELINES, token=made.secret).problem["detail"] == "This token has expired."


def test_no_answer_is_kept_where_a_text_is_in_it(server: ServerThread) -> None:
    headers = {"Idempotency-Key": "the same"}
    body = {"roles": ["viewer"], "namespaces": ["default"]}
    made = [server.send_json("POST", TOKENS, body, headers, server.bootstrap()) for _ in range(2)]
    assert len({answer.json["secret"] for answer in made}) == 2
    assert all("idempotent-replayed" not in answer.headers for answer in made)


def test_changes_at_the_same_time_are_all_done(server: ServerThread) -> None:
    """What is in memory then is what is on the disk."""

    async def change() -> list[NewToken]:
        tokens = server.services.tokens
        made = await asyncio.gather(*(tokens.create(CreateToken(roles=["viewer"], namespaces=["*"])) for _ in range(5)))
        one = made[0].token.id
        rotated = await asyncio.gather(
            *(tokens.rotate(one, RotateToken()) for _ in range(5)), tokens.delete(made[1].token.id)
        )
        return [found for found in rotated if isinstance(found, NewToken)]

    rotated = server.in_loop(change)
    good = [found for found in rotated if server.ask("GET", PIPELINES, token=found.secret).status == 200]
    assert good == [rotated[-1]]


def test_who_started_a_run(server: ServerThread) -> None:
    server.api.register({"id": "mine", "tasks": [{"id": "one", "image": "fake"}]})
    made = server.new_token(["operator"], ["default"])
    run = server.api_of(made.secret).start("mine")
    assert server.api.run("mine", run)["initiator"] == {"kind": "token", "name": made.token.id}
    server.api.ended("mine", run)
    queued = server.api.get("events", kind="run.queued")["items"][-1]
    assert queued["data"]["initiator"] == f"token {made.token.id}"
    assert (
        server.api_of(server.token(["developer"], ["default"]))
        .call("PUT", "namespaces/default/pipelines/mine/secrets/key", {"value": "hidden value"})[1]["secret"][
            "created_by"
        ]
        .startswith("token tok-")
    )


def test_metrics_and_doctor(server: ServerThread) -> None:
    server.token(["viewer"], expires_in=1)
    server.new_token(["viewer"], expires_in=DAY, description="for tonight")
    text = server.ask("GET", "/metrics", token=server.bootstrap()).body.decode()
    assert 'gofer_tokens{kind="management",state="active"}' in text
    assert 'gofer_tokens{kind="client",state="expired"} 0.0' not in text
    checks = server.api.get("system/checks")
    found = next(check for check in checks if check["name"] == "tokens")
    assert found["level"] == "warning"
    assert "(for tonight) in 23h59m" in found["message"] or "(for tonight) in 1d0h" in found["message"]


def test_nothing_of_it_is_a_web_pages(server: ServerThread) -> None:
    answer = server.ask("GET", TOKENS, headers={"Origin": "https://evil.example"}, token=server.bootstrap())
    assert answer.status == 403


def test_the_last_use_outlives_the_server(tmp_path_factory: pytest.TempPathFactory) -> None:
    home = tmp_path_factory.mktemp("restarted")
    server = ServerThread(home, production=True)
    server.start()
    made = server.new_token(["viewer"])
    server.ask("GET", PIPELINES, token=made.secret)
    noted = server.api.get(f"tokens/{made.token.id}")["last_used_at"]
    root = server.bootstrap()
    server.stop()
    later = ServerThread(home, production=True)
    later.start()
    try:
        assert later.api_of(root).get(f"tokens/{made.token.id}")["last_used_at"] == noted
    finally:
        later.stop()
