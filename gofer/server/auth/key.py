"""The key under which the tokens of runs are made: a file that no backup has."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from gofer.server.own_log import get_logger

FILE = "run-tokens.key"
_BYTES = 32


def open_key(storage: Path) -> bytes:
    """The key in the server's folder, made at the first start.

    One that cannot be kept holds for this life of the server: then a token that a task prints after the next start is
    not masked in its log. It is good all the same, as the database knows its digest.
    """
    path = storage / FILE
    try:
        with path.open("rb") as file:
            key = file.read(_BYTES + 1)
        if len(key) == _BYTES:
            return key
    except FileNotFoundError:
        pass
    except OSError as error:
        get_logger("gofer.auth").warning("the key of run tokens cannot be read", path=str(path), error=str(error))
    key = os.urandom(_BYTES)
    try:
        _keep(path, key)
    except OSError as error:
        get_logger("gofer.auth").warning("the key of run tokens cannot be kept", path=str(path), error=str(error))
    return key


def _keep(path: Path, key: bytes) -> None:
    """Whole or not at all, and for nobody else to read."""
    passing = path.with_name(f"{path.name}.new")
    with suppress(FileNotFoundError):
        passing.unlink()
    with os.fdopen(os.open(passing, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(key)
        file.flush()
        os.fsync(file.fileno())
    passing.replace(path)
