"""What `gofer service install` lays down, and where."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

PREFIX = Path("/usr/local")
PROGRAM = PREFIX / "bin" / "gofer"
CONFIGURATION = Path("/etc/gofer/gofer.hcl")
ENCRYPTION_KEY = Path("/etc/credstore/gofer.encryption-key")
RECEIPT = PREFIX / "lib" / "gofer" / "installed.json"
SYSUSERS = PREFIX / "lib" / "sysusers.d" / "gofer.conf"
TMPFILES = PREFIX / "lib" / "tmpfiles.d" / "gofer.conf"
UNITS = PREFIX / "lib" / "systemd" / "system"
MANUAL = PREFIX / "share" / "man" / "man1" / "gofer.1"

DATA = (Path("/var/lib/gofer"), Path("/var/log/gofer"))
"""What the server writes, and nothing here ever touches."""

OF_PACKAGE = (Path("/usr/lib/systemd/system/gofer.service"), Path("/lib/systemd/system/gofer.service"))
"""Where a unit lies that the Debian package brought."""

_UNIT_PROGRAM = "/usr/bin/gofer"


class Piece(NamedTuple):
    """A file to lay down: its place on the installed system, its permissions, and what makes its content.

    `once`: a file that is there already is left as it is, and stays when everything else is removed. `folder_mode`: the
    permissions of its folder, if that is made for it.
    """

    path: Path
    mode: int
    content: Callable[[], bytes]
    once: bool = False
    folder_mode: int = 0o755


def pieces(program: Path, source: Path | None) -> Iterator[Piece]:
    """Everything, in the order in which it is laid down. `program` is what the unit starts; `source`: the file that is
    copied there, None if it stays where it is."""
    if source is not None:
        yield Piece(program, 0o755, source.read_bytes)
    yield Piece(SYSUSERS, 0o644, lambda: data_file("gofer.sysusers"))
    yield Piece(TMPFILES, 0o644, lambda: data_file("gofer.tmpfiles"))
    yield Piece(UNITS / "gofer.service", 0o644, lambda: unit(program))
    yield Piece(UNITS / "gofer.socket", 0o644, lambda: data_file("gofer.socket"))
    yield Piece(MANUAL, 0o644, _manual)
    yield Piece(CONFIGURATION, 0o644, _sample, once=True)
    yield Piece(ENCRYPTION_KEY, 0o600, _new_key, once=True, folder_mode=0o700)


def data_file(name: str) -> bytes:
    """One of the files beside this module."""
    return (Path(__file__).parent / name).read_bytes()


def unit(program: Path) -> bytes:
    """The service's unit, starting that program."""
    text = data_file("gofer.service").decode()
    return text.replace(f"ExecStart={_UNIT_PROGRAM} ", f"ExecStart={program} ").encode()


def _manual() -> bytes:
    from gofer.cli.manual import manual

    return manual().encode()


def _sample() -> bytes:
    from gofer.config.sample import sample

    return sample("production").encode()


def _new_key() -> bytes:
    import base64
    import os

    from gofer.models.encryption_keys import KEY_BYTES

    return base64.b64encode(os.urandom(KEY_BYTES)) + b"\n"
