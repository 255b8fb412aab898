"""Who shows too much that is not good is slowed down, and nobody else is."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gofer.server.auth.tokens import new_token
from tests.integration.api.server import Answer, ServerThread
from tests.security.browser import SESSION, Visitor

LIMIT = 3
NAMESPACES = "/api/v1/namespaces"


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerThread]:
    found = ServerThread(
        tmp_path_factory.mktemp("server"), production=True, failed_auth_limit=LIMIT, trusted_proxies=["127.0.0.1"]
    )
    found.start()
    found.bootstrap()
    yield found
    found.stop()


def ask(server: ServerThread, address: str, token: str = "", cookie: str = "", path: str = NAMESPACES) -> Answer:
    headers = {"X-Forwarded-For": address}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    if cookie:
        headers["Cookie"] = cookie
    return server.ask("GET", path, None, headers)


def use_up(server: ServerThread, address: str) -> None:
    for _ in range(LIMIT):
        assert ask(server, address, new_token("client")).status == 401


def refusals(server: ServerThread) -> dict[str, int]:
    return {name: count for name, count in server.services.tally.refusals.counts.items() if count}


def test_bad_tokens(server: ServerThread) -> None:
    use_up(server, "192.0.2.1")
    answer = ask(server, "192.0.2.1", new_token("client"))
    assert answer.status == 429
    assert 1 <= int(answer.headers["retry-after"]) <= 60
    assert "not known" in answer.problem["hint"]
    assert refusals(server) == {"auth_failed": LIMIT + 1, "rate_limited": 1}


def test_a_good_token_passes_at_any_time(server: ServerThread) -> None:
    use_up(server, "192.0.2.1")
    assert ask(server, "192.0.2.1", "bad").status == 429
    assert ask(server, "192.0.2.1", server.bootstrap()).status == 200
    visitor = Visitor(server)
    answer = visitor.ask("POST", SESSION, {"token": server.bootstrap()}, X_Forwarded_For="192.0.2.1")
    assert answer.status == 201
    assert ask(server, "192.0.2.1", cookie=visitor.cookie).status == 200


def test_others_are_not_slowed_down(server: ServerThread) -> None:
    use_up(server, "192.0.2.1")
    assert ask(server, "192.0.2.2", "bad").status == 401
    assert ask(server, "192.0.2.1").status == 401, "who shows nothing guesses nothing"


def test_a_session_that_has_ended_uses_up_nothing_on_open_pages(server: ServerThread) -> None:
    visitor = Visitor(server)
    visitor.ask("POST", SESSION, {"token": server.bootstrap()})
    cookie = f"{visitor.cookie.partition('=')[0]}={new_token('session')}"
    for _ in range(2 * LIMIT):
        assert ask(server, "192.0.2.1", cookie=cookie, path="/healthz").status == 200
    assert ask(server, "192.0.2.1", cookie=cookie).status == 401


def test_a_network_of_ipv6_is_one(server: ServerThread) -> None:
    for end in range(LIMIT):
        assert ask(server, f"2001:db8::{end + 1}", "bad").status == 401
    assert ask(server, "2001:db8::ffff:1", "bad").status == 429
    assert ask(server, "2001:db8:0:1::1", "bad").status == 401


def test_bad_logins(server: ServerThread) -> None:
    found = [
        server.send_json("POST", SESSION, {"token": new_token("client")}, {"X-Forwarded-For": "192.0.2.1"}).status
        for _ in range(LIMIT + 1)
    ]
    assert found == [401] * LIMIT + [429]


def test_bad_cookies(server: ServerThread) -> None:
    cookie = f"gofer-session-{server.netloc.rpartition(':')[2]}={new_token('session')}"
    assert [ask(server, "192.0.2.1", cookie=cookie).status for _ in range(LIMIT + 1)] == [401] * LIMIT + [429]
    assert ask(server, "192.0.2.1", cookie=cookie, path="/healthz").status == 200, "what is open stays open"


def test_a_client_cannot_choose_the_address_that_it_is_counted_by(tmp_path_factory: pytest.TempPathFactory) -> None:
    server = ServerThread(tmp_path_factory.mktemp("server"), production=True, failed_auth_limit=LIMIT)
    server.start()
    try:
        found = [ask(server, f"192.0.2.{number}", "bad").status for number in range(LIMIT + 1)]
        assert found == [401] * LIMIT + [429]
    finally:
        server.stop()


def test_forged_writes_are_counted(server: ServerThread) -> None:
    visitor = Visitor(server)
    visitor.sign_in(server.bootstrap())
    assert visitor.ask("POST", NAMESPACES, {"id": "forged"}).status == 403
    assert refusals(server) == {"csrf": 1}
