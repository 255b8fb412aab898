"""The first token, for whoever can write to the server's folder.

The command line lays a file with a one-time code there, and shows the code to the server. So a reverse proxy on the
same machine, whose requests come from a loopback address too, cannot be used to claim a server from elsewhere.
"""

from __future__ import annotations

import errno
import hmac
import os
import re
import stat
from collections.abc import Callable
from functools import partial
from pathlib import Path

from gofer.errors import Refused
from gofer.models.access import BootstrapInfo, NewToken
from gofer.models.bootstrap_code import CODE_FILE, MAX_BYTES, PATTERN
from gofer.server.auth.manage import Tokens
from gofer.server.logs.thread import in_thread

_HOW = "On the server's machine, as root or Gofer's own user: gofer service token bootstrap."


class Bootstrapper:
    """`storage` is the server's folder. `reached` is told how far it is."""

    def __init__(self, tokens: Tokens, storage: Path, reached: Callable[[str], None]) -> None:
        self._tokens = tokens
        self._reached = reached
        self._file = storage.absolute() / CODE_FILE

    @property
    def info(self) -> BootstrapInfo:
        return BootstrapInfo(done=self._tokens.has_root, code_file=str(self._file))

    async def bootstrap(self, code: str, *, again: bool, by: str) -> NewToken:
        """The root token. A code is good for one try.

        Raises Refused where the code is not that of the file, Conflict if there is a root token, and not `again`.
        """
        await in_thread(partial(take, self._file, code))
        self._reached("bootstrap_code_taken")
        made = await self._tokens.create_root(again=again, by=by)
        self._reached("bootstrap_committed")
        return made


def take(file: Path, code: str) -> None:
    """Remove the code file, if `code` is what it holds. Raises Refused where it is not, or the file is no proof."""
    expected = _read(file)
    if not re.fullmatch(PATTERN, expected):
        raise Refused(f"There is no code in {file}.", _HOW)
    if not hmac.compare_digest(expected.encode(), code.encode(errors="replace")):
        raise Refused(f"This is not the code in {file}.", f"Was it made twice at the same time? {_HOW}")
    try:
        file.unlink()
    except FileNotFoundError:
        raise Refused("The code was used by another request.", _HOW) from None
    except OSError as error:
        raise Refused(f"{file} cannot be removed: {error.strerror}.", "Look at the folder's owner and mode.") from None


def _read(file: Path) -> str:
    try:
        opened = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise Refused(f"There is no file {file}: this proves that the caller may write there.", _HOW) from None
    except OSError as error:
        why = "it is a symbolic link" if error.errno == errno.ELOOP else error.strerror
        raise Refused(f"{file} is not taken as a proof: {why}.", f"Remove it. {_HOW}") from None
    try:
        fault = _fault(os.fstat(opened), file.parent)
        if fault:
            raise Refused(f"{file} is not taken as a proof: {fault}.", f"Remove it. {_HOW}")
        return os.read(opened, MAX_BYTES).decode("ascii", errors="replace").strip()
    finally:
        os.close(opened)


def _fault(found: os.stat_result, folder: Path) -> str:
    if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1:
        return "it is no plain file"
    if found.st_uid not in (os.geteuid(), 0, folder.stat().st_uid):
        return "it belongs to another user"
    if found.st_mode & 0o077:
        return "others may read or write it"
    return "" if found.st_size <= MAX_BYTES else "it is too large"
