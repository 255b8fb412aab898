"""The secrets that triggers were told in settings of subscriptions: nothing that they say may show one."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from functools import partial

from gofer.server.logs.mask import Masks
from gofer.server.logs.mask_registry import MaskRegistry
from gofer.server.logs.thread import in_thread

# Characters. Programs cut what they tell at 40 to 100; of shorter beginnings much that is no secret is full: https://…
_BEGINNINGS = (24, 32, 40, 56, 72, 96)


class ToldSecrets:
    """Hides, from when it is told of them on, what Gofer's own log and the triggers' logs and events would show.

    A value that was told is hidden for as long as the server lives: who has it may say it at any time.
    """

    def __init__(self, in_use: MaskRegistry) -> None:
        self._in_use = in_use
        self._values: frozenset[str] = frozenset()
        self._single: list[Masks] = []
        self._whole = Masks(())

    def add(self, values: Collection[str], masks: Masks) -> None:
        """These are about to be told. `masks` hide them, and are ready."""
        if not self._values.issuperset(values):
            self._values = self._values.union(values)
            self._single.append(masks)
            self._in_use.hold(masks)

    async def settle(self) -> None:
        """One search for all in the place of many."""
        while self._single:
            single, self._single = self._single, []
            whole, before = Masks(self._values), self._whole
            if whole:
                await in_thread(partial(_compile, whole))
            self._in_use.hold(whole)
            self._whole = whole
            for masks in (*single, before):
                self._in_use.release(masks)

    def text(self, text: str) -> str:
        """`text` without anything that is hidden now."""
        return self._in_use.text(text)


def with_beginnings(values: Iterable[str]) -> set[str]:
    """The values, and the beginnings of long ones: who tells of a value often cuts it, to `'abc…`."""
    found = set(values)
    for value in tuple(found):
        found.update(value[:length] for length in _BEGINNINGS if length < len(value))
    return found


def _compile(masks: Masks) -> None:
    masks.compile()
