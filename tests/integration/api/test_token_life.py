"""A token that ends breaks off what it is used for at that moment: downloads and uploads too."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator

import pytest

from gofer.errors import NotAuthenticated
from gofer.models.access import CreateToken, RotateToken, Token, UpdateToken
from gofer.server.api.token_life import while_token_lives
from gofer.server.auth.tokens import digest_of, new_token
from gofer.server.store.access import StoredToken
from tests.integration.api.server import ServerThread
from tests.support.until import until

BIG = 64 * 1024 * 1024
OBJECTS = "/api/v1/namespaces/default/pipelines/p/objects"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerThread]:
    server = ServerThread(tmp_path_factory.mktemp("gofer"))
    server.start()
    server.api.register({"id": "p", "tasks": [{"id": "t", "image": "i"}]})
    assert server.ask("PUT", f"{OBJECTS}/big", bytes(BIG)).status == 201
    yield server
    server.stop()


def issue(server: ServerThread) -> tuple[StoredToken, str]:
    """A token that the server knows of, and its text."""
    text = new_token("management")
    token = Token(id="tok-" + text[-6:].lower(), kind="management", created_at=0)

    async def put() -> StoredToken:
        stored = StoredToken(len(server.services.registry.tokens()) + 1, token, digest_of(text), b"")
        server.services.registry.put_token(stored)
        return stored

    return server.in_loop(put), text


def revoke(server: ServerThread, stored: StoredToken) -> None:
    async def remove() -> None:
        server.services.registry.remove_token(stored.token.id, "This token was deleted.")

    server.in_loop(remove)


def head(method: str, path: str, token: str, more: str = "") -> bytes:
    return f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n{more}\r\n".encode()


def read_to_end(connection: socket.socket) -> int:
    found = 0
    while data := connection.recv(1 << 20):
        found += len(data)
    return found


def is_watched(server: ServerThread, stored: StoredToken) -> bool:
    async def ask() -> bool:
        return server.services.registry.lives.is_watched(stored.token.id)

    return server.in_loop(ask)


def test_a_download(server: ServerThread) -> None:
    stored, text = issue(server)
    with server.connect() as connection:
        connection.sendall(head("GET", f"{OBJECTS}/big", text))
        assert connection.recv(15) == b"HTTP/1.1 200 OK"
        revoke(server, stored)
        assert 0 < read_to_end(connection) < BIG
    assert server.ask("GET", OBJECTS, headers={"Authorization": f"Bearer {text}"}).status == 401


def test_an_upload(server: ServerThread) -> None:
    stored, text = issue(server)
    with server.connect() as connection:
        connection.sendall(head("PUT", f"{OBJECTS}/other", text, f"Content-Length: {BIG}\r\n") + bytes(1000))
        until(lambda: is_watched(server, stored), "the upload is under way")
        revoke(server, stored)
        connection.sendall(bytes(1000))
        answer = server.read_answer(connection, "PUT")
    assert (answer.status, answer.problem["detail"]) == (401, "This token was deleted.")
    assert server.ask("GET", f"{OBJECTS}/other/info").status == 404


def test_what_is_whole_before_is_not_touched(server: ServerThread) -> None:
    stored, text = issue(server)
    answer = server.ask("GET", f"{OBJECTS}/big", headers={"Authorization": f"Bearer {text}"})
    assert (answer.status, len(answer.body)) == (200, BIG)
    until(lambda: not is_watched(server, stored), "the answer has been sent off")


@pytest.mark.parametrize("end", ["deleted", "disabled", "rotated", "rotated with grace"])
def test_what_has_ended_before_it_began_does_not_begin(server: ServerThread, end: str) -> None:
    """The token was good when it was looked up, and what it is for is looked up after that."""

    async def late() -> bool:
        services = server.services
        made = await services.tokens.create(CreateToken(roles=["viewer"], namespaces=["*"]))
        caller = services.registry.caller_of_token(made.secret, services.clock.now())
        if end == "deleted":
            await services.tokens.delete(made.token.id)
        elif end == "disabled":
            await services.tokens.update(made.token.id, UpdateToken(enabled=False))
        else:
            await services.tokens.rotate(made.token.id, RotateToken(grace=50 if end == "rotated with grace" else 0))
        try:
            await while_token_lives(services, caller, asyncio.Event().wait())
        except NotAuthenticated:
            return True
        return False

    assert server.in_loop(late)
