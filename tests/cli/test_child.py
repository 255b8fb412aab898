"""Programs that are not trusted: nothing of them outlives the call, whatever they do."""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
from pathlib import Path

import pytest

from gofer.cli.child import Ended, Limits, run_program

LIMITS = Limits(seconds=20, output=100_000)


def run(code: str, limits: Limits = LIMITS) -> Ended:
    return run_program([sys.executable, "-c", code], folder=None, environment=dict(os.environ), limits=limits)


def ends(pid: int) -> bool:
    """Whether a process that is not our child has ended, or does so soon."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([descriptor], [], [], 30)[0])
    finally:
        os.close(descriptor)


def test_output_errors_and_exit_code() -> None:
    ended = run("import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)")
    assert ended == Ended(3, b"out\n", b"err\n", "")


def test_it_gets_no_input() -> None:
    assert run("import sys; print(repr(sys.stdin.read()))").output == b"''\n"


def test_a_loop_is_stopped_with_its_children(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    code = f"""
import os, subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"])
open({str(pid_file)!r}, "w").write(str(child.pid))
while True: pass
"""
    ended = run(code, Limits(seconds=3, output=1000))
    assert ended.stopped == "timeout"
    assert ends(int(pid_file.read_text()))


def test_a_flood_is_stopped_soon_after_its_limit() -> None:
    ended = run("while True: print('x' * 1000)", Limits(seconds=60, output=100_000))
    assert ended.stopped == "output"
    assert 100_000 < len(ended.output) <= 100_000 + 64 * 1024


def test_of_many_errors_the_end_is_kept() -> None:
    ended = run("import sys\nfor i in range(100000): print(i, file=sys.stderr)", Limits(20, 1000, errors=1000))
    assert ended.stopped == ""
    assert ended.errors.endswith(b"99999\n")
    assert len(ended.errors) == 1000


def test_a_child_that_keeps_the_pipes_open_does_not_hold_it_up() -> None:
    ended = run("import subprocess; print(subprocess.Popen(['sleep', '1000']).pid)")
    assert ended.stopped == ""
    assert ended.exit_code == 0
    assert ends(int(ended.output))


def test_a_program_that_closes_its_pipes_and_lives_on_is_stopped() -> None:
    ended = run("import os, time; os.close(1); os.close(2); time.sleep(1000)", Limits(seconds=2, output=1000))
    assert ended.stopped == "timeout"


def test_an_ended_by_signal_is_told_as_python_does() -> None:
    assert run("import os; os.kill(os.getpid(), 11)").exit_code == -signal.SIGSEGV


def test_an_interruption_leaves_nothing(tmp_path: Path) -> None:
    told = tmp_path / "pid"
    os.mkfifo(told)
    pids: list[int] = []

    def interrupt() -> None:
        pids.append(int(told.read_text()))
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    code = f"import os, time; open({str(told)!r}, 'w').write(str(os.getpid())); time.sleep(1000)"
    with pytest.raises(KeyboardInterrupt):
        run(code)
    thread.join()
    assert ends(pids[0])


def test_what_cannot_be_started_is_an_os_error() -> None:
    with pytest.raises(FileNotFoundError):
        run_program(["/nowhere/at/all"], folder=None, environment={}, limits=LIMITS)
