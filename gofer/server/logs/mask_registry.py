"""The masks that are in use now, for what concerns no single run: Gofer's own log."""

from __future__ import annotations

from collections import Counter

from gofer.server.logs.mask import Masks, hide


class MaskRegistry:
    """Counts who uses which masks. Change it in the event loop only; `text` may be called in any thread."""

    def __init__(self) -> None:
        self._users: Counter[Masks] = Counter()
        self._held: tuple[Masks, ...] = ()

    def hold(self, masks: Masks) -> None:
        """Hide these until `release` was called as often. Without values: nothing happens."""
        if masks:
            self._users[masks] += 1
            self._held = tuple(self._users)

    def release(self, masks: Masks) -> None:
        """One user less, as a run has ended. Does nothing for masks that nobody holds.

        Do not call it because the server stops: the trace of a crash is printed after everything else.
        """
        if masks not in self._users:
            return
        self._users[masks] -= 1
        if not self._users[masks]:
            del self._users[masks]
            self._held = tuple(self._users)

    def text(self, text: str) -> str:
        """`text` with `***` in the place of all that is hidden now."""
        held = self._held
        return hide(text, held) if held else text
