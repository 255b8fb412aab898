"""The processes of the one-file program: PyInstaller's bootloader, which unpacks and waits, and Python as its child."""

from __future__ import annotations

import atexit
import ctypes
import fcntl
import os
import signal
import sys
from contextlib import suppress
from typing import NoReturn

_PR_SET_PDEATHSIG = 1
MARK = "gofer.mark"
"""A file in the folder that the program was unpacked to: by it the folder is known to be Gofer's."""
AGAIN = "_GOFER_AGAIN"
"""In the environment of what `again` starts."""


def die_with_parent(expected: int | None = None) -> None:
    """End this process at once, without a word, when its parent ends, however that does.

    The bootloader passes signals on, but SIGKILL leaves it no time to; a server that its service manager believes dead
    would keep the database. `expected` is the parent's process id, None for the bootloader, whatever that has.
    """
    parent = os.getppid()
    library = ctypes.CDLL(None, use_errno=True)
    if library.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    # It may have ended before that was set, and somebody else be the parent by now.
    is_alive = _is_ours(parent) if expected is None else parent == expected
    if os.getppid() != parent or not is_alive:
        os.kill(os.getpid(), signal.SIGKILL)


def hold(folder: str) -> None:
    """Mark the folder as in use, until this process and all that were forked from it are gone.

    Who clears old files away takes a folder's lock first: systemd-tmpfiles (tmpfiles.d(5), Age), and `sweep`.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    fcntl.flock(descriptor, fcntl.LOCK_SH)


def leave(code: int) -> NoReturn:
    """End the process as `sys.exit` does, without taking apart what the kernel takes back in one go: a tenth of the
    time of a short command."""
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        # Whoever wrote has flushed already, and has dealt with a reader that went away.
        with suppress(OSError, ValueError, AttributeError):
            stream.flush()
    os._exit(code)


def again(arguments: list[str]) -> tuple[list[str], dict[str, str]]:
    """How to start this very program once more: the command, and what must be added to its environment.

    The new process shares what is unpacked already, and needs no bootloader of its own. Only where the executable has
    been replaced since (an upgrade) is everything unpacked anew, as what is there does not fit.
    """
    command = [sys.executable, *arguments]
    if not _is_still_there():
        return command, {}
    folder: str = sys._MEIPASS  # type: ignore[attr-defined]
    before = os.environ.get("LD_LIBRARY_PATH")
    added = {
        "_PYI_ARCHIVE_FILE": sys.executable,
        "_PYI_APPLICATION_HOME_DIR": folder,
        "_PYI_PARENT_PROCESS_LEVEL": "1",
        AGAIN: "1",
        "LD_LIBRARY_PATH": f"{folder}:{before}" if before else folder,
    }
    if before:
        added["LD_LIBRARY_PATH_ORIG"] = before
    return command, added


def _is_ours(process: int) -> bool:
    """Whether a process runs this same executable."""
    try:
        return os.path.samefile(f"/proc/{process}/exe", "/proc/self/exe")  # noqa: PTH121
    except OSError:
        # No /proc, or not to be looked at: who has asked for the parent's life a moment ago is believed.
        return True


def _is_still_there() -> bool:
    try:
        return os.path.samefile(sys.executable, "/proc/self/exe")  # noqa: PTH121
    except OSError:
        return False
