"""Masks made ready outside the event loop, and the last ones kept: to make them takes longer than most tasks of a run
are apart."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Iterable

from gofer.server.logs.mask import Masks
from gofer.server.logs.thread import in_thread

_MOST = 16
# What searches takes about 2 MiB for 20 short values, and a hundred times the space of the values for long ones.
_MOST_CHARACTERS = 128 * 1024


class MaskCache:
    """Keeps at most 16 masks, and as many as have 128 Ki characters together."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, ...], Masks] = OrderedDict()
        self._one = asyncio.Lock()

    async def of(self, values: Iterable[str], *, keep: bool) -> Masks:
        """Masks that need nothing but to search. `keep`: others will want these as well."""
        key = tuple(sorted(set(values)))
        masks = self._kept.get(key) or Masks(key)
        if not masks:
            return masks
        async with self._one:
            masks = self._kept.get(key) or masks
            await in_thread(masks.compile)
            if keep:
                self._keep(key, masks)
        return masks

    def _keep(self, key: tuple[str, ...], masks: Masks) -> None:
        self._kept[key] = masks
        self._kept.move_to_end(key)
        while len(self._kept) > _MOST or self._characters() > _MOST_CHARACTERS:
            self._kept.popitem(last=False)

    def _characters(self) -> int:
        return sum(len(value) for key in self._kept for value in key)
