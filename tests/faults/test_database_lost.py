"""The database was moved away, and the server is started on what is left: nothing that the stores have may go."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.server import Api, ServerProcess

PLACE = "namespaces/default/pipelines/p"
OBJECT, SECRET = f"{PLACE}/objects/object", f"{PLACE}/secrets/secret"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    made = ServerProcess(tmp_path, "process")
    yield made
    assert made.stop() == 0, made.log_text()


def register(api: Api) -> None:
    api.register({"id": "p", "tasks": [{"id": "t", "image": "i", "script": "true"}]})


def keep(api: Api, which: str) -> None:
    body = b"content" if which == OBJECT else b'{"value": "some value"}'
    assert api.raw("PUT", which, body)[0] == 201


def kept(api: Api, which: str) -> bytes:
    status, answer = api.raw("GET", which) if which == OBJECT else api.raw("POST", f"{which}/reveal", b"{}")
    assert status == 200, answer
    return answer


def move(server: ServerProcess, pattern: str, to: str) -> None:
    (server.home / to).mkdir(exist_ok=True)
    for path in (server.home / "data").glob(pattern):
        path.rename(server.home / to / path.name)


@pytest.mark.parametrize("engine", ["sqlite", "filesystem"])
@pytest.mark.parametrize("which", [OBJECT, SECRET])
def test_what_another_database_names_stays(server: ServerProcess, which: str, engine: str) -> None:
    server.environ["GOFER_OBJECT_STORE__ENGINE"] = engine
    api = server.start()
    register(api)
    keep(api, which)
    before = kept(api, which)
    assert server.stop() == 0
    move(server, "gofer.db*", "aside")

    for _ in range(2):
        with pytest.raises(AssertionError, match="did not start"):
            server.start()
        assert server.stop() == 2
        assert "store belongs to another database than" in server.log_text()
        assert "Put that database back in its place" in server.log_text()

    move(server, "gofer.db*", "new")
    for path in (server.home / "aside").iterdir():
        path.rename(server.home / "data" / path.name)
    assert kept(server.start(), which) == before


def test_to_begin_anew_the_stores_are_put_aside(server: ServerProcess) -> None:
    api = server.start()
    register(api)
    keep(api, OBJECT)
    keep(api, SECRET)
    assert server.stop() == 0
    for pattern in ("gofer.db*", "objects.db*", "secrets.db*"):
        move(server, pattern, "aside")
    register(server.start())


def test_a_server_without_pipelines_starts_again(server: ServerProcess) -> None:
    api = server.start()
    assert api.raw("PUT", "secrets/global", b'{"value": "some value", "namespaces": ["*"]}')[0] == 201
    register(api)
    keep(api, OBJECT)
    keep(api, SECRET)
    assert api.raw("DELETE", PLACE)[0] == 204
    server.kill()
    server.start()
