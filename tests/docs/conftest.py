"""A real server that serves the built site."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gofer.server.site.serve import ARCHIVE
from tests.support.server import Api, ServerProcess

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def archive() -> Path:
    """The site as it is served."""
    assert ARCHIVE.exists(), "the documentation is not built: make docs"
    return ARCHIVE


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """One server for all tests here, on the process engine."""
    process = ServerProcess(tmp_path_factory.mktemp("server"), "process")
    try:
        yield process.start()
    finally:
        assert process.stop() == 0, process.log_text()
