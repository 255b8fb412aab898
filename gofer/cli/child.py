"""Run a program that is not trusted to end, to be quiet or to be small."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Literal, NamedTuple

from gofer.frozen.process import die_with_parent

_PIECE = 64 * 1024
_GRACE = 0.5
Stopped = Literal["", "timeout", "output"]


class Limits(NamedTuple):
    """`seconds` for everything; `output` bytes on stdout before the program is stopped; of stderr the end is kept."""

    seconds: float
    output: int
    errors: int = 256 * 1024


class Ended(NamedTuple):
    """How a program ended. `stopped` says which limit it was stopped for; then `exit_code` means nothing."""

    exit_code: int
    output: bytes
    errors: bytes
    stopped: Stopped


def run_program(
    command: Sequence[str],
    *,
    folder: str | None,
    environment: Mapping[str, str],
    limits: Limits,
    on_errors: Callable[[bytes], None] | None = None,
) -> Ended:
    """Run `command` in its own process group with no input, and wait for its end or its limits.

    Whatever happens, Ctrl-C too, nothing of the group is left; not even SIGKILL of this process leaves the program
    itself. `on_errors` gets stderr as it comes. Raises OSError where the program cannot be started.
    """
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        # So that it ends with this process even if that is killed. There is one thread here, so forking is safe.
        preexec_fn=partial(die_with_parent, os.getpid()),  # noqa: PLW1509
    )
    try:
        return _Watch(process, limits, on_errors).until_end()
    finally:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()


class _Watch:
    """Reads both pipes until they end or a limit is reached."""

    def __init__(
        self, process: subprocess.Popen[bytes], limits: Limits, on_errors: Callable[[bytes], None] | None
    ) -> None:
        self._process = process
        self._limits = limits
        self._on_errors = on_errors
        self._output = bytearray()
        self._errors = bytearray()

    def until_end(self) -> Ended:
        deadline = time.monotonic() + self._limits.seconds
        stopped = self._read(deadline)
        if not stopped:
            try:
                self._process.wait(max(deadline - time.monotonic(), 0))
            except subprocess.TimeoutExpired:
                stopped = "timeout"
        exit_code = self._process.returncode if self._process.returncode is not None else -signal.SIGKILL
        return Ended(exit_code, bytes(self._output), bytes(self._errors), stopped)

    def _read(self, deadline: float) -> Stopped:
        with selectors.DefaultSelector() as selector:
            for pipe in (self._process.stdout, self._process.stderr):
                assert pipe is not None
                selector.register(pipe, selectors.EVENT_READ, data=pipe is self._process.stdout)
            exited = False
            while selector.get_map():
                if time.monotonic() >= deadline:
                    return "" if exited else "timeout"
                for key, _ in selector.select(min(deadline - time.monotonic(), _GRACE)):
                    if not self._take(key.fd, key.data):
                        selector.unregister(key.fileobj)
                if len(self._output) > self._limits.output:
                    return "output"
                if not exited and self._process.poll() is not None:
                    # Its children may hold the pipes open for ever: what it wrote itself is there already.
                    exited, deadline = True, min(deadline, time.monotonic() + _GRACE)
                if exited and not selector.select(0):
                    return ""
        return ""

    def _take(self, descriptor: int, is_output: bool) -> bool:
        piece = os.read(descriptor, _PIECE)
        if is_output:
            self._output += piece
        else:
            self._errors += piece
            del self._errors[: -self._limits.errors]
            if piece and self._on_errors is not None:
                self._on_errors(piece)
        return bool(piece)
