"""What holds for all tests."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from tests.support.triggers import end_orphans


def pytest_configure() -> None:
    """Signals that the tests send must arrive, also where the tests were started in the background: a shell then has
    its child ignore SIGINT, `nohup` has it ignore SIGHUP, and every process that a test starts would inherit that."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.fixture(autouse=True, scope="module")
def _no_trigger_is_left(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A new server has triggers, and its end does not end them."""
    yield
    end_orphans(tmp_path_factory.getbasetemp())
