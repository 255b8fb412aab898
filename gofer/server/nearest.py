"""The name that was probably meant."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property

from gofer.models.ids import shown

_LENGTH = 64
_LISTED = 8
# Comparing one by one is slow: after this many characters only the index of one-letter mistakes is asked.
_BUDGET = 60_000


class Nearest:
    """Finds, among known names, the one nearest to a wrong one; stays fast for thousands of either."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = list(dict.fromkeys(name[:_LENGTH] for name in names))
        self._budget = _BUDGET

    def find(self, name: str) -> str | None:
        """The nearest known name; None when none is near."""
        name = name[:_LENGTH]
        for variant in _variants(_folded(name)):
            if (near := self._index.get(variant)) is not None:
                return near
        cost = sum(map(len, self._names))
        if cost > self._budget:
            return None
        self._budget -= cost
        beginning = name[: max(3, len(name) * 4 // 5)]
        begins_alike = [known for known in self._names if known.startswith(beginning)]
        if len(begins_alike) == 1:
            return begins_alike[0]
        # Only who makes mistakes needs it.
        import difflib

        close = difflib.get_close_matches(name, self._names, n=1, cutoff=0.6)
        return close[0] if close else None

    def hint(self, name: str) -> str:
        """A sentence that names the nearest one, or all where there are few; empty when nothing helps."""
        if (near := self.find(name)) is not None:
            return f"Did you mean {shown(near)}?"
        if 0 < len(self._names) <= _LISTED:
            return f"Known: {', '.join(shown(known) for known in self._names)}."
        return ""

    @cached_property
    def _index(self) -> dict[str, str]:
        index: dict[str, str] = {}
        for name in self._names:
            for variant in _variants(_folded(name)):
                index.setdefault(variant, name)
        return index


def _folded(name: str) -> str:
    return name.lower().replace("-", "_")


def _variants(name: str) -> Iterator[str]:
    """The name itself and with one letter missing: two names share one if they are one mistake apart."""
    yield name
    for i in range(len(name)):
        yield name[:i] + name[i + 1 :]
