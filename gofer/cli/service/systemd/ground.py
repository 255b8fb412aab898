"""The system that is installed to: a root folder, and what its systemd can be asked."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec

from gofer.cli.exit_codes import ExitCode
from gofer.cli.failure import CommandError

_RUNNING = Path("/run/systemd/system")
_AGAIN = "Mend that, and call this again: what is done stays done."


class Step(msgspec.Struct, kw_only=True):
    """One thing that was done, or with `--dry-run` would be. `action`: write, replace, keep, remove or run."""

    action: str
    target: str
    note: str = ""


class Ground:
    """Changes nothing where `dry` is true. `root` None is this machine itself, whose systemd then hears of it."""

    def __init__(self, root: Path | None, *, dry: bool) -> None:
        self.root = root
        self.dry = dry
        self.steps: list[Step] = []

    @property
    def live(self) -> bool:
        """Whether this is the machine itself."""
        return self.root is None

    def check(self) -> None:
        """Raises CommandError where nothing can be laid down."""
        if self.root is not None:
            if not os.path.isdir(self.root):
                raise _refused(f"--root {self.root} is no folder", "Name the root of a file system that exists.")
            return
        if not _RUNNING.is_dir():
            raise _refused(
                "this machine is not run by systemd",
                "Start Gofer with `gofer service start`, or lay the files down for another system with --root DIR.",
            )
        if os.geteuid() != 0 and not self.dry:
            raise _refused("only root may do this", "Call it with sudo, or look at what it would do with --dry-run.")

    def place(self, path: Path) -> Path:
        """Where something of the installed system lies as seen from here."""
        return path if self.root is None else self.root / path.relative_to("/")

    def note(self, action: str, target: object, note: str = "") -> None:
        """Say what was done."""
        self.steps.append(Step(action=action, target=str(target), note=note))

    def write(self, path: Path, content: bytes, mode: int) -> None:
        """Put a file in place, whole or not at all. Raises CommandError."""
        if self.dry:
            return
        there = self.place(path)
        try:
            _replace(there, content, mode)
        except OSError as error:
            raise _failed("write", there, error) from error

    def make_folders(self, path: Path, mode: int = 0o755) -> list[Path]:
        """Make what is missing of a folder; returns what was made, outermost first. `mode` is for the innermost.

        Raises CommandError.
        """
        missing = [one for one in (path, *path.parents) if not self.place(one).exists()][::-1]
        for one in missing if not self.dry else []:
            try:
                self.place(one).mkdir()
                self.place(one).chmod(mode if one == path else 0o755)
            except OSError as error:
                raise _failed("make", self.place(one), error) from error
        return missing

    def remove(self, path: Path) -> None:
        """Remove a file. Raises CommandError."""
        if self.dry:
            return
        try:
            self.place(path).unlink(missing_ok=True)
        except OSError as error:
            raise _failed("remove", self.place(path), error) from error

    def remove_folder_if_empty(self, path: Path) -> bool:
        """Whether it could go."""
        if self.dry:
            return False
        try:
            self.place(path).rmdir()
        except OSError:
            return False
        return True

    def run(self, command: Sequence[str]) -> None:
        """Run a program of this machine's systemd; on another system, nothing. Raises CommandError if it fails."""
        if not self.live:
            return
        self.note("run", " ".join(command))
        if self.dry:
            return
        try:
            done = subprocess.run(command, check=False, capture_output=True, text=True)
        except OSError as error:
            raise _refused(f"{command[0]} cannot be run: {error.strerror}", "Install the package systemd.") from error
        if done.returncode != 0:
            said = done.stderr.strip() or f"it ended with {done.returncode}"
            raise _refused(f"{' '.join(command)}: {said}", _AGAIN)

    def is_active(self, unit: str) -> bool:
        """Whether systemd runs a unit at this moment."""
        if not self.live:
            return False
        return subprocess.run(["systemctl", "is-active", "--quiet", unit], check=False).returncode == 0


def _replace(path: Path, content: bytes, mode: int) -> None:
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _failed(verb: str, path: Path, error: OSError) -> CommandError:
    return _refused(
        f"cannot {verb} {path}: {error.strerror}", "Mend that, and call this again: what is done stays done."
    )


def _refused(message: str, hint: str) -> CommandError:
    return CommandError(message, hint, exit_code=ExitCode.REFUSED)
