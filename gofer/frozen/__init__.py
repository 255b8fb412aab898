"""What only the one-file program needs: its payload, its process, its own Python. Standard library only."""

from __future__ import annotations

import sys


def is_frozen() -> bool:
    """Whether this is the one-file program, and not Gofer in a Python of somebody's own."""
    return getattr(sys, "frozen", False)
