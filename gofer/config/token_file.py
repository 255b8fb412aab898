"""A token that stands in a file of its own: not in the process list, nor in what the shell writes down."""

from __future__ import annotations

import codecs
import os
import stat
import sys
from pathlib import Path
from typing import NamedTuple

from gofer.errors import ConfigError

_STDIN = "-"
_MOST_BYTES = 4096


class Read(NamedTuple):
    """`exposed`: others may read it."""

    token: str
    exposed: bool


def read_token(name: str) -> Read:
    """What stands in the file; `-` is stdin. Raises ConfigError."""
    path = Path(name).expanduser()
    if name == _STDIN:
        if sys.stdin is None:
            raise ConfigError("the token was to come from stdin, which is closed", "Name a file: --token-file FILE.")
        return Read(_text(sys.stdin.buffer.read(_MOST_BYTES + 1), path), exposed=False)
    try:
        with path.open("rb") as file:
            found = os.fstat(file.fileno())
            raw = file.read(_MOST_BYTES + 1)
    except OSError as error:
        hint = "Name a file that you may read: --token-file, GOFER_CLI_TOKEN_FILE, or token_file in ~/.gofer.hcl."
        raise ConfigError(f"the token file {path} cannot be read: {error.strerror}", hint) from None
    is_open = stat.S_ISREG(found.st_mode) and bool(found.st_mode & (stat.S_IRGRP | stat.S_IROTH))
    return Read(_text(raw, path), is_open)


def _text(raw: bytes, path: Path) -> str:
    # Editors of other systems begin a file with a mark.
    text = raw.removeprefix(codecs.BOM_UTF8).decode("latin-1").strip()
    if not text or len(raw) > _MOST_BYTES:
        what = "is empty" if not text else f"has more than {_MOST_BYTES} bytes"
        raise ConfigError(f"the token file {path} {what}", "It has to hold one token, and nothing else.")
    return text
