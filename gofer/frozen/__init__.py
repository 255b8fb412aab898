"""What only the one-file program needs: its payload, its process, its own Python. Standard library only."""

from __future__ import annotations

import os
import sys


def is_frozen() -> bool:
    """Whether this is the one-file program, and not Gofer in a Python of somebody's own."""
    return getattr(sys, "frozen", False)


def deleted_folder() -> str:
    """The folder that this program had unpacked itself into, if somebody deleted it; else an empty text.

    What was loaded before goes on to work; whatever else is needed from there is not found.
    """
    folder: str = getattr(sys, "_MEIPASS", "") if is_frozen() else ""
    return folder if folder and not os.path.isdir(folder) else ""  # pathlib is slow to load
