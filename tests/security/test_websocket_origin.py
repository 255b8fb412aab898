"""A websocket is not kept to its site by browsers: the server has to ask where it comes from."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.api.server import ServerThread
from tests.security.browser import Visitor
from tests.security.routes import HANDSHAKE, Route
from tests.security.world import World

FOREIGN = ["https://evil.example", "null", "http://localhost:1", "http://127.0.0.1", "", "file://", "http://localhost"]


@pytest.fixture(scope="module")
def visitor(world: World) -> Visitor:
    visitor = Visitor(world.server)
    visitor.sign_in(world.root)
    return visitor


def streams(world: World) -> list[Route]:
    found = [route for route in world.routes if route.is_websocket]
    assert len(found) >= 4
    return found


def statuses(world: World, headers: dict[str, str]) -> dict[str, int]:
    return {
        route.name: world.server.ask("GET", route.path(world.names), None, {**HANDSHAKE, **headers}).status
        for route in streams(world)
    }


@pytest.mark.parametrize("origin", FOREIGN)
def test_a_foreign_page_with_the_cookie(world: World, visitor: Visitor, origin: str) -> None:
    assert set(statuses(world, {"Cookie": visitor.cookie, "Origin": origin}).values()) == {403}


def test_a_cookie_without_an_origin(world: World, visitor: Visitor) -> None:
    assert set(statuses(world, {"Cookie": visitor.cookie}).values()) == {403}


@pytest.mark.parametrize("origin", FOREIGN)
def test_a_foreign_page_with_a_token(world: World, origin: str) -> None:
    assert set(statuses(world, {"Authorization": f"Bearer {world.root}", "Origin": origin}).values()) == {403}


def test_the_own_page_with_the_cookie(visitor: Visitor) -> None:
    with visitor.events() as stream:
        stream.ping().wait()


def test_a_program_with_a_token_says_no_origin(world: World, visitor: Visitor) -> None:
    with visitor.events(Cookie="", Origin="", Authorization=f"Bearer {world.root}") as stream:
        stream.ping().wait()


def test_a_stale_cookie_opens_nothing(world: World, visitor: Visitor) -> None:
    name = visitor.cookie.partition("=")[0]
    found = statuses(world, {"Cookie": f"{name}=gone", "Origin": visitor.origin})
    assert set(found.values()) == {401}


@pytest.fixture(scope="module")
def dev(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerThread]:
    """Nobody needs a token here."""
    server = ServerThread(tmp_path_factory.mktemp("dev"))
    server.start()
    yield server
    server.stop()


@pytest.mark.parametrize("origin", FOREIGN)
def test_in_development_mode_a_foreign_page(dev: ServerThread, origin: str) -> None:
    given = {**HANDSHAKE, "Origin": origin}
    assert dev.ask("GET", "/api/v1/events/stream", None, given).status == 403


def test_in_development_mode_the_own_page(dev: ServerThread) -> None:
    with Visitor(dev).events() as stream:
        stream.ping().wait()
