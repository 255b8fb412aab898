"""Being somebody to whom a folder is closed; nothing is to root."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_NOBODY = 65_534


@contextmanager
def closed(folder: Path) -> Iterator[None]:
    """While the body runs this process may not look into `folder`."""
    folder.chmod(0)
    if os.geteuid() == 0:
        os.setresuid(_NOBODY, _NOBODY, 0)
    try:
        yield
    finally:
        if os.getresuid()[2] == 0:
            os.setresuid(0, 0, 0)
        folder.chmod(0o700)
