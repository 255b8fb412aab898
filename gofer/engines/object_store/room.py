"""Room on the disk of an object store."""

from __future__ import annotations

import os
from pathlib import Path

from gofer.errors import StoreFull
from gofer.models.units import format_size

RESERVE_BYTES = 64 * 1024 * 1024
"""So much an upload leaves free, or a quarter of a disk that is small: for the database that may be there too, and for
the removal of objects, which must be written down itself."""


def require_room(folder: Path, size: int) -> None:
    """Raises StoreFull if `size` more bytes in `folder` would leave too little. OSError if the disk cannot be asked."""
    disk = os.statvfs(folder)
    reserve = min(RESERVE_BYTES, disk.f_blocks * disk.f_frsize // 4)
    free = disk.f_bavail * disk.f_frsize
    if free < size + reserve:
        raise StoreFull(
            f"The disk that holds the object store in {folder} is full: {format_size(free)} are free, and"
            f" {format_size(reserve)} must stay free for the server",
            "Free some space on that disk, by deleting objects too. Gofer goes on by itself.",
        )
