"""Gofer's end of the nursery: starts it, and hands jobs over to its shims."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
from pathlib import Path

from gofer.engines.scheduler.process_connection import Connection
from gofer.errors import EngineUnavailable
from gofer.frozen import is_frozen

_START = """
import sys
sys.path.insert(0, sys.argv[1])
from gofer.engines.scheduler.process_nursery import main
main(sys.argv[2])
"""
_AT_ONCE = 32


def nursery_command(root: str) -> tuple[list[str], dict[str, str]]:
    """How the nursery is started, and what it needs in its environment.

    Without site packages: it needs none, and starts three times as fast.
    """
    if is_frozen():
        from gofer.frozen.process import again

        return again(["process-nursery", root])
    package_parent = str(Path(__file__).resolve().parents[3])
    return [sys.executable, "-I", "-S", "-X", "utf8", "-c", _START, package_parent, root], {}


class Launcher:
    """Keeps one nursery running while it is needed, a new one should it die."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._opening = asyncio.Lock()
        self._at_once = asyncio.Semaphore(_AT_ONCE)
        self._jobs: socket.socket | None = None
        self._life = -1
        self._process: subprocess.Popen[bytes] | None = None

    async def open(self) -> None:
        """Start the nursery unless it runs. Raises EngineUnavailable."""
        async with self._opening:
            if self._jobs is not None:
                return
            await self._reap()
            try:
                self._begin()
            except OSError as error:
                raise unavailable(error) from error
            asyncio.get_running_loop().add_reader(self._life, self._died)

    async def close(self) -> None:
        """Let the nursery go; its shims go on."""
        self._died()
        await self._reap()

    async def ask(self, order: bytes) -> tuple[str | None, Connection]:
        """Give a shim its job, a line of JSON. Returns its answer, None if it died, and the connection to it.

        Raises EngineUnavailable. Cancelled, it leaves behind no shim that has not yet begun.
        """
        async with self._at_once:
            await self.open()
            try:
                ours, theirs = socket.socketpair()
            except OSError as error:
                raise unavailable(error) from error
            connection = Connection(ours)
            try:
                with theirs:
                    self._send(theirs)
                await connection.order(order)
                return await connection.answer(), connection
            except OSError:
                # Whoever took the job has died, or everybody who could.
                connection.close()
                return None, connection
            except BaseException:
                connection.close()
                raise

    def problem(self) -> str:
        """The last thing that a nursery which died has said."""
        with contextlib.suppress(OSError):
            lines = self._report.read_text(errors="replace").strip().splitlines()
            return lines[-1] if lines else ""
        return ""

    @property
    def _report(self) -> Path:
        return Path(self._root, "nursery.log")

    def _send(self, connection: socket.socket) -> None:
        assert self._jobs is not None
        try:
            socket.send_fds(self._jobs, [b"j"], [connection.fileno()])
        except BlockingIOError as error:
            raise unavailable(error) from error
        except OSError:
            self._died()
            raise

    def _begin(self) -> None:
        jobs, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            try:
                life, living = os.pipe()
            except OSError:
                jobs.close()
                raise
            try:
                self._process = self._spawn(theirs.fileno(), living)
            except OSError:
                jobs.close()
                os.close(life)
                raise
            finally:
                os.close(living)
        jobs.setblocking(False)
        self._jobs, self._life = jobs, life

    def _spawn(self, jobs: int, living: int) -> subprocess.Popen[bytes]:
        # Of Gofer's own environment a job's shim must show nothing.
        command, needed = nursery_command(self._root)
        environment = {k: v for k, v in os.environ.items() if k in ("LD_LIBRARY_PATH", "PATH")} | needed
        with self._report.open("wb") as report:
            return subprocess.Popen(
                command,
                stdin=jobs,
                stdout=living,
                stderr=report,
                cwd=self._root,
                env=environment,
                start_new_session=True,
            )

    def _died(self) -> None:
        if self._jobs is None:
            return
        # Closed, it sends away the spare shims and fails the jobs that nobody took.
        self._jobs.close()
        self._jobs = None
        asyncio.get_running_loop().remove_reader(self._life)
        os.close(self._life)

    async def _reap(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            await asyncio.to_thread(process.wait)


def unavailable(error: OSError) -> EngineUnavailable:
    """What it means for the caller that the machine refuses something now."""
    return EngineUnavailable(
        f"processes cannot be started now: {error.strerror or error}",
        "Look at the room on the disk of Gofer's storage path and at the limits of processes and open files.",
    )
