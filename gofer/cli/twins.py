"""Signals that come twice.

A terminal sends Ctrl-C to every process of a group, and the one-file program is two of them: the first passes on to the
second what that has got already (https://pyinstaller.org/en/stable/usage.html, --bootloader-ignore-signals). To ask
twice means "at once", so the twin must not count.
"""

from __future__ import annotations

from time import monotonic

# Longer than it takes to pass a signal on, on a busy machine too; shorter than it takes to ask again in earnest.
_TWIN = 0.5


class Twins:
    """Remembers when which signal came."""

    def __init__(self) -> None:
        self._came: dict[int, float] = {}

    def is_twin(self, number: int) -> bool:
        """Whether the signal that comes now is one that came a moment ago."""
        now = monotonic()
        if now - self._came.get(number, -_TWIN) < _TWIN:
            return True
        self._came[number] = now
        return False
