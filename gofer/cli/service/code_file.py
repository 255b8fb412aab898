"""The file that proves to the server that somebody may write to its folder."""

from __future__ import annotations

import base64
import os
import stat
from pathlib import Path
from types import TracebackType

from gofer.cli.exit_codes import ExitCode
from gofer.cli.failure import CommandError
from gofer.models.bootstrap_code import CODE_FILE

_AS_WHOM = "Run it as root or as the user that Gofer runs as, such as: sudo gofer service token bootstrap."


class CodeFile:
    """A file with a one-time code at `place`, for as long as the context lasts; entering it gives the code.

    Nobody but its owner may read it, and that is the folder's owner where root makes it. Raises CommandError.
    """

    def __init__(self, place: str) -> None:
        self._path = Path(place)

    def __enter__(self) -> str:
        path = self._path
        # The server names it, and whoever listens there may not be Gofer.
        if path.name != CODE_FILE or not path.is_absolute():
            raise _refused("the server names no place for the proof", "Is that a Gofer server of this version?")
        code = base64.urlsafe_b64encode(os.urandom(48)).decode()
        try:
            owner = path.parent.stat()
            self._remove_stale(owner.st_uid)
            opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        except FileExistsError:
            raise _refused(f"{path} is there already", "Is this command running twice? Try again.") from None
        except (FileNotFoundError, NotADirectoryError):
            hint = "Call this on the server's own machine; of a container, inside it: docker exec."
            raise _refused(f"the server's folder {path.parent} is not on this machine", hint) from None
        except OSError as error:
            raise _refused(f"{path} cannot be written: {error.strerror}", _AS_WHOM) from None
        try:
            with os.fdopen(opened, "w", encoding="ascii") as file:
                if os.geteuid() == 0:
                    os.fchown(file.fileno(), owner.st_uid, owner.st_gid)
                file.write(code)
        except OSError as error:
            path.unlink(missing_ok=True)
            raise _refused(f"{path} cannot be written: {error.strerror}", "Make room on the disk.") from None
        return code

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # The server removes it; where it was not even asked, it is still there.
        self._path.unlink(missing_ok=True)

    def _remove_stale(self, folder_owner: int) -> None:
        """What a call that was killed has left."""
        try:
            found = self._path.lstat()
        except FileNotFoundError:
            return
        if not stat.S_ISREG(found.st_mode) or found.st_uid not in (os.geteuid(), folder_owner):
            raise _refused(f"{self._path} is not of this command's making", "Find out whose it is, and remove it.")
        self._path.unlink()


def _refused(message: str, hint: str) -> CommandError:
    return CommandError(message, hint, exit_code=ExitCode.REFUSED)
