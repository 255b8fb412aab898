"""One server for each file of tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.api.server import ServerThread


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerThread]:
    found = ServerThread(tmp_path_factory.mktemp("server"))
    found.start()
    yield found
    found.stop()


@pytest.fixture(scope="module")
def pipeline(server: ServerThread) -> str:
    """The path of a pipeline of one task that ends well at once."""
    server.api.register({"id": "plain", "tasks": [{"id": "one", "image": "fake", "command": ["say", "hello"]}]})
    return "/api/v1/namespaces/default/pipelines/plain"
