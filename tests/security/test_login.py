"""Signing in and out, and when a session ends."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from gofer.models.access import RotateToken, UpdateToken
from gofer.server.auth.sessions import MOST
from gofer.server.auth.tokens import digest_of, kind_of
from gofer.server.store.access import StoredSession
from tests.integration.api.server import ServerThread
from tests.security.browser import SESSION, Visitor
from tests.support.until import until

HOUR = 3_600_000


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("server")


@pytest.fixture(scope="module")
def server(home: Path) -> Iterator[ServerThread]:
    found = ServerThread(home, production=True, failed_auth_limit=0)
    found.start()
    found.bootstrap()
    yield found
    found.stop()


@pytest.fixture
def visitor(server: ServerThread) -> Visitor:
    return Visitor(server)


def secret(visitor: Visitor) -> str:
    return visitor.cookie.partition("=")[2]


def stored(visitor: Visitor) -> StoredSession | None:
    return visitor.server.services.registry.session(digest_of(secret(visitor)))


def shift(visitor: Visitor, **times: int) -> None:
    """Let its session have begun, or be seen last, so much earlier."""

    async def put() -> None:
        session = stored(visitor)
        assert session is not None
        changed = {name: getattr(session, name) - by for name, by in times.items()}
        visitor.server.services.registry.put_session(session._replace(**changed))
        visitor.server.services.sessions.notice()

    visitor.server.in_loop(put)


def rows(home: Path) -> list[tuple[Any, ...]]:
    connection = sqlite3.connect(home / "gofer.db")
    try:
        return connection.execute("SELECT hash, created_at, seen_at, address, agent FROM sessions").fetchall()
    finally:
        connection.close()


def test_signing_in(server: ServerThread, visitor: Visitor) -> None:
    new = server.new_token(["viewer"], ["team-*"], description="Ann's laptop", expires_in=30 * 24 * HOUR)
    session = visitor.sign_in(f"  {new.secret}\n")
    assert session["who"]["kind"] == "client"
    assert session["who"]["token"]["id"] == new.token.id
    assert session["who"]["token"]["description"] == "Ann's laptop"
    assert session["who"]["namespaces"] == ["team-*"]
    assert session["who"]["permissions"][0]["actions"] == ["read"]
    assert session["expires_at"] - session["idle_until"] == (168 - 12) * HOUR
    again = visitor.ask("GET", SESSION).json
    assert again["csrf"] == session["csrf"]
    assert visitor.ask("GET", "/api/v1/namespaces").status == 200


def test_the_cookie(server: ServerThread, visitor: Visitor) -> None:
    answer = visitor.ask("POST", SESSION, {"token": server.bootstrap()})
    port = server.netloc.rpartition(":")[2]
    ((name, morsel),) = SimpleCookie(answer.headers["set-cookie"]).items()
    assert name == f"gofer-session-{port}"
    assert kind_of(morsel.value) == "session"
    assert (morsel["httponly"], morsel["samesite"], morsel["path"], morsel["domain"]) == (True, "Strict", "/", "")
    assert not morsel["secure"]
    assert 167 * 3600 < int(morsel["max-age"]) <= 168 * 3600
    assert answer.headers["cache-control"] == "no-store"
    assert morsel.value.encode() not in answer.body
    assert server.bootstrap().encode() not in answer.body


def test_the_cookie_of_a_page_by_https(server: ServerThread, visitor: Visitor) -> None:
    """A proxy that is not trusted, but speaks https: the Origin tells so."""
    headers = {"Host": "localhost", "Origin": "https://localhost"}
    answer = visitor.ask("POST", SESSION, {"token": server.bootstrap()}, headers)
    ((name, morsel),) = SimpleCookie(answer.headers["set-cookie"]).items()
    assert (name, morsel["secure"], morsel["path"], morsel["domain"]) == ("__Host-gofer-session", True, "/", "")
    assert visitor.ask("GET", SESSION, None, {"Host": "localhost"}).status == 200


def test_two_cookies_of_a_name_are_none(visitor: Visitor, server: ServerThread) -> None:
    visitor.sign_in(server.bootstrap())
    assert visitor.ask("GET", SESSION, Cookie=f"other=1; {visitor.cookie}; more=2").status == 200
    assert visitor.ask("GET", SESSION, Cookie=f"{visitor.cookie}; {visitor.cookie}").status == 401


@pytest.mark.parametrize("text", ["", "garbage", "gofer_management_" + "0" * 49, "\ud83d\ude00", "x" * 100_000])
def test_what_is_no_token(visitor: Visitor, text: str) -> None:
    answer = visitor.ask("POST", SESSION, {"token": text})
    assert answer.status == 401
    assert "set-cookie" not in answer.headers
    assert not text or text not in answer.body.decode()


def test_tokens_that_are_not_good(server: ServerThread, visitor: Visitor) -> None:
    tokens = server.services.tokens
    disabled, deleted = server.new_token(), server.new_token()
    rotated, graced = server.new_token(), server.new_token()
    server.in_loop(lambda: tokens.update(disabled.token.id, UpdateToken(enabled=False)))
    server.in_loop(lambda: tokens.delete(deleted.token.id))
    server.in_loop(lambda: tokens.rotate(rotated.token.id, RotateToken()))
    server.in_loop(lambda: tokens.rotate(graced.token.id, RotateToken(grace=HOUR)))
    for new in (disabled, deleted, rotated, graced):
        assert visitor.ask("POST", SESSION, {"token": new.secret}).status == 401
    assert visitor.cookie == ""


def test_signing_in_again_ends_the_session_of_before(server: ServerThread, visitor: Visitor, home: Path) -> None:
    """Whoever has planted a session in a browser gains nothing by it."""
    visitor.sign_in(server.bootstrap())
    planted = visitor.cookie
    visitor.sign_in(server.token(["viewer"]))
    assert visitor.cookie != planted
    assert visitor.ask("GET", SESSION, Cookie=planted).status == 401
    assert digest_of(planted.partition("=")[2]) not in [row[0] for row in rows(home)]


def test_a_session_that_the_browser_brings_along_is_not_taken(server: ServerThread, visitor: Visitor) -> None:
    name = f"gofer-session-{server.netloc.rpartition(':')[2]}"
    visitor.cookie = f"{name}={server.bootstrap()}"
    assert not visitor.is_in()
    visitor.sign_in(server.bootstrap())
    assert secret(visitor) != server.bootstrap()


def test_a_session_is_no_token(server: ServerThread, visitor: Visitor) -> None:
    visitor.sign_in(server.bootstrap())
    assert server.ask("GET", SESSION, token=secret(visitor)).status == 401
    assert server.send_json("POST", SESSION, {"token": secret(visitor)}).status == 401


def test_a_token_goes_before_the_cookie(server: ServerThread, visitor: Visitor) -> None:
    visitor.sign_in(server.bootstrap())
    bearer = {"Authorization": f"Bearer {server.token(['viewer'])}"}
    assert visitor.ask("GET", SESSION, None, bearer).json["who"]["kind"] == "client"
    assert visitor.ask("GET", SESSION, None, {"Authorization": "Bearer bad"}).status == 401


def test_signing_out(server: ServerThread, visitor: Visitor, home: Path) -> None:
    visitor.sign_in(server.bootstrap())
    cookie = visitor.cookie
    answer = visitor.page_asks("DELETE", SESSION)
    assert answer.status == 204
    assert "max-age=0" in answer.headers["set-cookie"].lower()
    assert visitor.cookie == ""
    assert visitor.ask("GET", SESSION, Cookie=cookie).status == 401
    assert digest_of(cookie.partition("=")[2]) not in [row[0] for row in rows(home)]


def test_signing_out_without_a_session(server: ServerThread) -> None:
    assert server.ask("DELETE", SESSION, token=server.bootstrap()).status == 404
    assert server.ask("DELETE", SESSION).status == 401


def closes(socket: ClientConnection) -> None:
    """Its server closes it, and says why."""
    with suppress(ConnectionClosed):
        while socket.recv(timeout=10):
            pass
    assert socket.close_code == 1008


def test_signing_out_everywhere_closes_the_streams_of_all_browsers(server: ServerThread, home: Path) -> None:
    token, other = server.token(["admin"]), server.token(["admin"])
    first, second, stranger = Visitor(server), Visitor(server), Visitor(server)
    first.sign_in(token)
    second.sign_in(token)
    stranger.sign_in(other)
    with second.events() as stream:
        stream.ping().wait()
        assert first.page_asks("DELETE", f"{SESSION}?everywhere=true").status == 204
        closes(stream)
    assert not second.is_in()
    assert stranger.is_in()
    assert server.ask("GET", SESSION, token=token).status == 200
    assert len(rows(home)) == len(server.services.registry.sessions())


@pytest.mark.parametrize("how", ["disable", "delete", "rotate"])
def test_a_session_ends_with_its_token(server: ServerThread, visitor: Visitor, home: Path, how: str) -> None:
    new, tokens = server.new_token(), server.services.tokens
    visitor.sign_in(new.secret)
    digest = digest_of(secret(visitor))
    with visitor.events() as stream:
        stream.ping().wait()
        if how == "disable":
            server.in_loop(lambda: tokens.update(new.token.id, UpdateToken(enabled=False)))
        elif how == "delete":
            server.in_loop(lambda: tokens.delete(new.token.id))
        else:
            server.in_loop(lambda: tokens.rotate(new.token.id, RotateToken()))
        closes(stream)
    assert not visitor.is_in()
    if how == "disable":
        server.in_loop(lambda: tokens.update(new.token.id, UpdateToken(enabled=True)))
        assert not visitor.is_in(), "it has come back to life"
    until(lambda: digest not in [row[0] for row in rows(home)], "its row is gone")


def test_a_session_ends_with_the_grace_of_a_rotated_token(server: ServerThread, visitor: Visitor) -> None:
    new = server.new_token()
    session = visitor.sign_in(new.secret)
    shift(visitor, created_at=1)
    rotated = server.in_loop(lambda: server.services.tokens.rotate(new.token.id, RotateToken(grace=HOUR)))
    assert rotated.token.previous_until is not None
    assert visitor.ask("GET", SESSION).json["expires_at"] == rotated.token.previous_until < session["expires_at"]


def test_a_session_does_not_outlive_its_token(server: ServerThread, visitor: Visitor) -> None:
    new = server.new_token(expires_in=HOUR)
    session = visitor.sign_in(new.secret)
    assert session["expires_at"] == session["idle_until"] == new.token.expires_at


def test_a_session_that_is_not_used_ends(server: ServerThread, visitor: Visitor, home: Path) -> None:
    visitor.sign_in(server.bootstrap())
    digest = digest_of(secret(visitor))
    shift(visitor, seen_at=12 * HOUR - 60_000)
    assert visitor.is_in(), "a minute too early"
    shift(visitor, seen_at=12 * HOUR)
    assert not visitor.is_in()
    until(lambda: digest not in [row[0] for row in rows(home)], "its row is gone")


def test_a_session_ends_at_last_however_much_it_is_used(server: ServerThread, visitor: Visitor) -> None:
    visitor.sign_in(server.bootstrap())
    with visitor.events() as stream:
        stream.ping().wait()
        shift(visitor, created_at=168 * HOUR)
        closes(stream)
    assert not visitor.is_in()


def test_an_open_stream_is_use(server: ServerThread, visitor: Visitor) -> None:
    visitor.sign_in(server.bootstrap())
    with visitor.events() as stream:
        stream.ping().wait()
        shift(visitor, seen_at=13 * HOUR)
        stream.ping().wait()
        assert stored(visitor) is not None
    until(lambda: (session := stored(visitor)) and session.seen_at > session.created_at, "its end was noted as use")
    assert visitor.is_in()


def test_what_is_stored(server: ServerThread, visitor: Visitor, home: Path) -> None:
    visitor.ask("POST", SESSION, {"token": server.bootstrap()}, {"User-Agent": "A browser " * 100})
    text = secret(visitor)
    (row,) = [row for row in rows(home) if row[0] == digest_of(text)]
    assert row[3] == "127.0.0.1"
    assert len(row[4]) == 200
    for path in home.glob("gofer.db*"):
        assert text.encode() not in path.read_bytes()
        assert server.bootstrap().encode() not in path.read_bytes()


def test_it_is_audited_with_the_name_of_the_token(server: ServerThread, visitor: Visitor, home: Path) -> None:
    new = server.new_token(["viewer"], description="Ann's laptop")
    visitor.sign_in(new.secret)
    visitor.page_asks("DELETE", SESSION)
    with closing(sqlite3.connect(home / "gofer.db")) as connection:
        kinds = "SELECT data FROM events WHERE kind = 'audit.login' ORDER BY seq DESC LIMIT 2"
        out, entered = [json.loads(row[0]) for row in connection.execute(kinds)]
    assert entered["by"] == out["by"] == f"token {new.token.id}"
    assert entered["description"] == "Ann's laptop"
    assert (entered["what"], out["what"]) == (f"POST {SESSION}", f"DELETE {SESSION}")
    assert entered["from"] == "127.0.0.1"


def test_only_so_many_for_one_token(server: ServerThread) -> None:
    token = server.token(["viewer"])
    first = Visitor(server)
    first.sign_in(token)
    shift(first, seen_at=1)
    second = Visitor(server)
    second.sign_in(token)
    for _ in range(MOST - 2):
        Visitor(server).sign_in(token)
    assert second.is_in()
    shift(first, seen_at=HOUR)
    Visitor(server).sign_in(token)
    assert not first.is_in()
    assert second.is_in()


def test_nobody_signs_in_where_there_is_no_token(tmp_path: Path) -> None:
    server = ServerThread(tmp_path, production=True)
    server.start()
    try:
        answer = Visitor(server).ask("POST", SESSION, {"token": "x"})
        assert answer.status == 401
        assert "gofer service token bootstrap" in answer.problem["hint"]
    finally:
        server.stop()


def test_sessions_survive_a_restart_but_not_what_ended_meanwhile(tmp_path: Path) -> None:
    server = ServerThread(tmp_path, production=True)
    server.start()
    root = server.bootstrap()
    kept, disabled, idle, late = Visitor(server), Visitor(server), Visitor(server), Visitor(server)
    for one in (kept, idle, late):
        one.sign_in(root)
    client = server.new_token(["viewer"])
    disabled.sign_in(client.secret)
    server.stop()
    with sqlite3.connect(tmp_path / "gofer.db") as connection:
        connection.execute("UPDATE tokens SET disabled_at = 1 WHERE id = ?", (client.token.id,))
        change = "UPDATE sessions SET {} = {} - ? WHERE hash = ?"
        connection.execute(change.format("seen_at", "seen_at"), (12 * HOUR, digest_of(secret(idle))))
        connection.execute(change.format("created_at", "created_at"), (168 * HOUR, digest_of(secret(late))))
    connection.close()
    again = ServerThread(tmp_path, production=True)
    again.start()
    try:
        for one in (kept, disabled, idle, late):
            # The port is another one, and the cookie's name has it.
            one.server, one.cookie = again, f"gofer-session-{again.netloc.rpartition(':')[2]}={secret(one)}"
        assert [one.is_in() for one in (kept, disabled, idle, late)] == [True, False, False, False]
        until(lambda: len(rows(tmp_path)) == 1, "the rows of the others are gone")
    finally:
        again.stop()


def test_in_development_mode_a_stale_cookie_is_as_none(tmp_path: Path) -> None:
    server = ServerThread(tmp_path, failed_auth_limit=1)
    server.start()
    try:
        visitor = Visitor(server)
        assert visitor.ask("GET", SESSION).json == {
            "who": {"kind": "local", "namespaces": ["*"], "permissions": [{"resources": ["*"], "actions": ["*"]}]}
        }
        visitor.sign_in(server.token(["viewer"]))
        assert visitor.ask("GET", SESSION).json["who"]["kind"] == "client"
        assert visitor.page_asks("POST", "/api/v1/namespaces", {"id": "mine"}).status == 403
        assert visitor.page_asks("DELETE", SESSION).status == 204
        visitor.cookie = f"gofer-session-{server.netloc.rpartition(':')[2]}=gone"
        for _ in range(3):
            assert visitor.ask("GET", SESSION).json["who"]["kind"] == "local"
    finally:
        server.stop()


def test_behind_a_proxy_that_is_trusted_only_the_cookie_of_https_is_believed(tmp_path: Path) -> None:
    """Somebody on the network could plant another one in the browser, by an answer that came by http."""
    server = ServerThread(tmp_path, production=True, trusted_proxies=["127.0.0.1"], allowed_hosts=["gofer.example.org"])
    server.start()
    try:
        visitor = Visitor(server)
        secure = {"Host": "gofer.example.org", "X-Forwarded-Proto": "https"}
        answer = visitor.ask("POST", SESSION, {"token": server.bootstrap()}, secure)
        assert answer.headers["set-cookie"].startswith("__Host-gofer-session=")
        assert "; Secure" in answer.headers["set-cookie"]
        assert visitor.ask("GET", SESSION, None, secure).status == 200
        planted = visitor.cookie.removeprefix("__Host-")
        assert visitor.ask("GET", SESSION, None, {**secure, "Cookie": planted}).status == 401
        both = f"{planted[:-1]}x; {visitor.cookie}"
        assert visitor.ask("GET", SESSION, None, {**secure, "Cookie": both}).status == 200
    finally:
        server.stop()
