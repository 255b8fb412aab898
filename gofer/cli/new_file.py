"""A file that is there when all of it is on disk, and not before."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, NamedTuple

from gofer.cli.exit_codes import ExitCode
from gofer.cli.failure import CommandError


class NewFile(NamedTuple):
    """`what` is written to `target` (for messages: "backup"), with `mode`, less the umask. Not in place of what is
    there, unless `force`."""

    what: str
    target: Path
    mode: int
    force: bool

    def require_free(self) -> None:
        """Raises CommandError where the file must not be written."""
        target = self.target
        if os.path.isdir(target):
            hint = f"Name the file in it that the {self.what} shall be."
            raise CommandError(f"{target} is a folder", hint, exit_code=ExitCode.USAGE)
        if not self.force and os.path.lexists(target) and not _is_device(target):
            hint = "Choose another name, or give --force to replace it."
            raise CommandError(f"{target} exists already", hint, exit_code=ExitCode.USAGE)

    @contextmanager
    def writing(self) -> Iterator[IO[bytes]]:
        """Until the block has ended without an error it is called `target.part`; after one nothing is left.

        A device or pipe is written to as it is. Raises CommandError where it cannot be written.
        """
        self.require_free()
        if _is_device(self.target):
            with self._telling(self.target), open(self.target, "wb") as out:  # noqa: PTH123  # need not be a file
                yield out
            return
        part = self.target.with_name(self.target.name + ".part")
        with self._telling(part):
            # One that a killed command has left is no use to anybody. Made anew, so that its mode is ours.
            self._require_unused(part)
            part.unlink(missing_ok=True)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            descriptor = os.open(part, flags, self.mode)
            with suppress(OSError):  # a file system without locks
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            try:
                with os.fdopen(descriptor, "wb") as out:
                    yield out
                    out.flush()
                    os.fsync(out.fileno())
                    self.require_free()
                    part.replace(self.target)
            except BaseException:
                with suppress(OSError):
                    part.unlink(missing_ok=True)
                raise
            _sync_folder(self.target.parent)

    @contextmanager
    def _telling(self, place: Path) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            mend = "Choose a folder that is there, and that this user may write to."
            if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                mend = "Make room there, or choose another place."
            raise CommandError(
                f"the {self.what} cannot be written to {place}: {error.strerror}",
                f"{mend} Nothing was kept.",
                exit_code=ExitCode.OUTPUT_FAILED,
            ) from None

    def _require_unused(self, part: Path) -> None:
        """Raises CommandError while another command writes the file."""
        try:
            descriptor = os.open(part, os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            return
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CommandError(
                f"another {self.what} is being written to {part}",
                "Wait until that is done, or choose another name.",
                exit_code=ExitCode.REFUSED,
            ) from None
        except OSError:
            return
        finally:
            os.close(descriptor)


def _is_device(path: Path) -> bool:
    """Whether it is there and is not a file, such as /dev/null: to be written to, and never to be replaced."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
