"""A signal that comes twice in a moment counts once: the one-file program is two processes of one group."""

from __future__ import annotations

import signal

from gofer.cli.twins import Twins
from tests.cli.conftest import Gofer, Register
from tests.support.server import Api


def test_only_the_same_signal_again_is_a_twin() -> None:
    twins = Twins()
    assert not twins.is_twin(signal.SIGINT)
    assert twins.is_twin(signal.SIGINT)
    assert not twins.is_twin(signal.SIGTERM)
    assert twins.is_twin(signal.SIGTERM)


def test_a_doubled_ctrl_c_still_says_how_to_go_on(gofer: Gofer, register: Register, server: Api) -> None:
    pipeline = register({"id": "x", "script": "echo there; sleep 1000"})
    with gofer.popen("run", "start", pipeline, "-f") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        while b"x | there" not in process.stdout.readline():
            pass
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGINT)
        assert process.wait() == 130
        assert f"gofer run follow {pipeline} 1".encode() in process.stderr.read()
    gofer.ok("run", "cancel", pipeline, "1")
    server.ended(pipeline, 1)
