"""Runs all tests as two processes side by side: `python -m tests.lanes [options of pytest]`.

Most of the time a test waits for a server, an engine or a disk: one process leaves a machine of two cores half idle.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType
from typing import BinaryIO

import pytest

ROOT = Path(__file__).parents[1]

# Each folder of tests is in exactly one lane, and both take about as long. Machines of systemd change the control
# groups of their host, so that its Docker Engine does not see that a container has run out of memory, as `integration`
# wants it to: these two never run at the same time.
LANES = {
    "a": ("unit", "conformance", "integration", "scenarios", "security", "browser", "upgrade", "systemd"),
    "b": ("cli", "docs", "images", "frozen", "faults"),
}
# Beside another lane what takes a minute alone takes more.
_TIMEOUT = 240
_LOOK = 0.2


class Lane:
    """One process of pytest, with a cache of its own; what it says goes to a file."""

    def __init__(self, name: str, folders: tuple[str, ...], options: list[str], logs: Path) -> None:
        self.name = name
        self.log = logs / f"{name}.log"
        self.seconds = 0.0
        self._began = time.monotonic()
        command = [sys.executable, "-m", "pytest", "-o", f"cache_dir=.pytest_cache/lane-{name}"]
        command += ["-o", f"timeout={_TIMEOUT}", *options, *(f"tests/{folder}" for folder in folders)]
        with self.log.open("wb") as log:
            # In a group of its own: Ctrl-C reaches this process alone, which passes it on once.
            self.process = subprocess.Popen(
                command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, process_group=0
            )

    def ended(self) -> bool:
        """Whether its process is gone."""
        if self.process.poll() is None:
            return False
        self.seconds = self.seconds or time.monotonic() - self._began
        return True

    def good(self, options: list[str]) -> bool:
        """Whether all that it ran passed. That there was nothing to run is right where only some were asked for."""
        nothing = self.process.returncode == pytest.ExitCode.NO_TESTS_COLLECTED and bool(options)
        return self.process.returncode == pytest.ExitCode.OK or nothing


def main(options: list[str]) -> int:
    """Shows what the first lane says while it says it, then the second. Returns the exit code: 0 if all tests of both
    passed, 130 where somebody interrupted them."""
    logs = ROOT / "build" / "lanes"
    logs.mkdir(parents=True, exist_ok=True)
    # Where a job is ended from outside, both lanes tidy up as at Ctrl-C.
    signal.signal(signal.SIGTERM, _interrupt)
    lanes = [Lane(name, folders, options, logs) for name, folders in LANES.items()]
    interrupted = False
    try:
        for lane in lanes:
            _show(lane, lanes)
    except KeyboardInterrupt:
        interrupted = True
        _end(lanes)
    print()
    for lane in lanes:
        word = "passed" if lane.good(options) else f"FAILED (exit code {lane.process.returncode})"
        print(f"lane {lane.name} ({' '.join(LANES[lane.name])}): {word}, {lane.seconds:.0f} s")
    if interrupted:
        return 130
    return 0 if all(lane.good(options) for lane in lanes) else 1


def _show(lane: Lane, lanes: list[Lane]) -> None:
    print(f"\n=== lane {lane.name}: {' '.join(LANES[lane.name])}", flush=True)
    with lane.log.open("rb") as log:
        while not lane.ended():
            _copy(log)
            for other in lanes:
                other.ended()
            time.sleep(_LOOK)
        _copy(log)


def _copy(log: BinaryIO) -> None:
    sys.stdout.buffer.write(log.read())
    sys.stdout.buffer.flush()


def _end(lanes: list[Lane]) -> None:
    """Both lanes tidy up and end, and the end of what they say is shown. Who interrupts again does not wait for it."""
    for lane in lanes:
        if not lane.ended():
            lane.process.send_signal(signal.SIGINT)
    try:
        for lane in lanes:
            lane.process.wait()
    except KeyboardInterrupt:
        for lane in lanes:
            lane.process.kill()
    for lane in lanes:
        lane.process.wait()
        lane.ended()
        print(f"\n=== lane {lane.name} ended so:", flush=True)
        sys.stdout.buffer.write(b"\n".join(lane.log.read_bytes().splitlines()[-40:]) + b"\n")
        sys.stdout.buffer.flush()


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
