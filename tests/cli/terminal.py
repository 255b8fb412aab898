"""A program in a pseudo-terminal."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import termios
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.support.until import until


class Terminal:
    """What a person at a terminal sees and types. `seen` is everything that was printed so far."""

    def __init__(self, pid: int, descriptor: int) -> None:
        self.pid = pid
        self._descriptor = descriptor
        self._exit_code: int | None = None
        self.seen = b""

    def until(self, text: bytes, after: int = 0) -> int:
        """Wait until `text` was printed, after position `after`; returns the position behind it."""
        while text not in self.seen[after:]:
            assert self._read(), f"ended without {text!r}:\n{self.seen.decode(errors='replace')}"
        return self.seen.index(text, after) + len(text)

    def until_it_asks(self, text: bytes) -> None:
        """Wait until `text` was printed and the program reads: a Ctrl-C between the two would wait for the next key."""
        self.until(text)
        call = Path(f"/proc/{self.pid}/syscall")
        until(lambda: call.read_text().split()[1:2] == ["0x0"], "it reads file 0")

    def type(self, keys: bytes) -> None:
        os.write(self._descriptor, keys)

    def resize(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self._descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def settings(self) -> list[object]:
        """The terminal's modes, as `termios` tells them."""
        return list(termios.tcgetattr(self._descriptor))

    def wait(self) -> int:
        """Read to the end; the exit code."""
        while self._read():
            pass
        if self._exit_code is None:
            self._exit_code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self._exit_code

    def end(self) -> None:
        if self._exit_code is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self._descriptor)

    def _read(self) -> bool:
        assert select.select([self._descriptor], [], [], 60)[0], f"nothing came:\n{self.seen.decode(errors='replace')}"
        try:
            piece = os.read(self._descriptor, 65536)
        except OSError:
            return False
        self.seen += piece
        return bool(piece)


@contextmanager
def in_terminal(command: Sequence[str], environ: Mapping[str, str], folder: Path) -> Iterator[Terminal]:
    """Run `command` in a terminal of 100 columns and 30 rows."""
    pid, descriptor = pty.fork()
    if pid == 0:
        os.chdir(folder)
        os.execvpe(command[0], list(command), dict(environ))
    terminal = Terminal(pid, descriptor)
    terminal.resize(100, 30)
    try:
        yield terminal
    finally:
        terminal.end()
