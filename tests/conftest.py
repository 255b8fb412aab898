"""What holds for all tests."""

from __future__ import annotations

import signal


def pytest_configure() -> None:
    """Signals that the tests send must arrive, also where the tests were started in the background: a shell then has
    its child ignore SIGINT, `nohup` has it ignore SIGHUP, and every process that a test starts would inherit that."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
