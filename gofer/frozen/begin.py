"""The first thing that the one-file program does."""

from __future__ import annotations

import os
import sys

from gofer.frozen.payload import Finder, Payload

# The executable itself, and still the same one after an upgrade has put another file in its place.
_SELF = "/proc/self/exe"
_LEVEL = "_PYI_PARENT_PROCESS_LEVEL"
_OWN = (_LEVEL, "_PYI_ARCHIVE_FILE", "_PYI_APPLICATION_HOME_DIR", "_PYI_LINUX_PROCESS_NAME")


def begin() -> None:
    """Make the payload importable, and take from the environment what was meant for this process alone."""
    program = _SELF if os.path.exists(_SELF) else sys.executable
    _read_modules_from(program)
    payload = Payload(program, sys._MEIPASS)  # type: ignore[attr-defined]
    payload.open()
    sys.meta_path.insert(0, Finder(payload))


def begin_living() -> None:
    """Say that the unpacked files are in use, end with the bootloader, and clean the environment."""
    from gofer.frozen.process import AGAIN, die_with_parent, hold

    hold(sys._MEIPASS)  # type: ignore[attr-defined]
    again = os.environ.pop(AGAIN, None)
    # The bootloader has put a level there: 1 is what it started itself and only waits for. `again` starts such a 1 too.
    if os.environ.get(_LEVEL) == "1" and again is None:
        die_with_parent()
    _clean_environment()


def _read_modules_from(program: str) -> None:
    import pyimod02_importers  # type: ignore[import-not-found]

    pyimod02_importers.pyz_archive._filename = program


def _clean_environment() -> None:
    """The bootloader points LD_LIBRARY_PATH at what it unpacked: no other program may load its libraries there."""
    for name in _OWN:
        os.environ.pop(name, None)
    before = os.environ.pop("LD_LIBRARY_PATH_ORIG", None)
    if before is None:
        os.environ.pop("LD_LIBRARY_PATH", None)
    else:
        os.environ["LD_LIBRARY_PATH"] = before
