"""Finding the forms of hidden values in bytes, and what may be the beginning of one."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from typing import NamedTuple

from ahocorasick_rs import BytesAhoCorasick, Implementation

from gofer.server.logs.mask_probe import Hit, Probe
from gofer.server.logs.mask_spans import merged

_ANCHOR = 8
_WORTH_IT = 2048
_FEW = 64
# What is longer is compared, not hashed: most differ soon, and a run of one character matches everywhere.
_LONG = 256
# Anchors, of which a value of a few lines has about ten a line. With more of them the quickest kinds of search would
# take more memory than they are worth.
_MANY = 2048


class Found(NamedTuple):
    """`spans`: begin and end of each stretch that is to be hidden, in order, none touching another.

    `hold`: where the longest end of the data begins that is the beginning of a form, but no whole one.
    """

    spans: list[tuple[int, int]]
    hold: int


class Search:
    """Looks for `forms`, each of `SHORTEST` bytes or more; there is at least one.

    The first bytes of all forms, the anchors, are looked for at once (Aho-Corasick); where one is, the forms that begin
    with it are compared. That automaton is small, so it can be of the quickest kind. Most data has no anchor, and of
    larger pieces that is found out sooner by other means.
    """

    def __init__(self, forms: Iterable[bytes]) -> None:
        by_anchor: dict[bytes, list[bytes]] = {}
        self._longest = 0
        for form in forms:
            by_anchor.setdefault(form[:_ANCHOR], []).append(form)
            self._longest = max(self._longest, len(form))
        self._beginnings = {anchor[:size] for anchor in by_anchor for size in range(1, len(anchor))}
        self._sorted = [sorted(group) for group in by_anchor.values()]
        self._sizes = [_by_size(group) for group in by_anchor.values()]
        few = len(by_anchor) <= _MANY
        kind = Implementation.DFA if few else Implementation.ContiguousNFA
        self._find = BytesAhoCorasick(list(by_anchor), implementation=kind).find_matches_as_indexes
        self._probe = Probe([form for group in by_anchor.values() for form in group], _ANCHOR) if few else None

    def look(self, data: bytes) -> Found:
        """All forms in `data`, and whether another may begin there."""
        hits = self._hits(data)
        if not hits:
            return Found([], self._short_hold(data))
        hits.sort(key=_begin)
        return Found(self._spans(data, hits), self._hold(data, hits))

    def _hits(self, data: bytes) -> list[Hit]:
        """Every anchor in `data`: its number, begin and end."""
        if len(data) < _WORTH_IT or self._probe is None:
            return self._find(data, True)
        near = self._probe.near(data, _FEW)
        if near is None:
            return self._find(data, True)
        hits: list[Hit] = []
        for begin, end in merged(near):
            here = max(0, begin)
            hits += [(anchor, here + first, here + last) for anchor, first, last in self._find(data[here:end], True)]
        return hits

    def _spans(self, data: bytes, hits: list[Hit]) -> list[tuple[int, int]]:
        spans: list[tuple[int, int]] = []
        begin = end = -1
        for anchor, here, _ in hits:
            size = self._size(data, here, anchor, end - here)
            if not size:
                continue
            if here > end:
                if end >= 0:
                    spans.append((begin, end))
                begin = here
            end = here + size
        if end >= 0:
            spans.append((begin, end))
        return spans

    def _size(self, data: bytes, here: int, anchor: int, covered: int) -> int:
        """Of the longest form that stands `here` and is longer than `covered`; 0 if there is none."""
        left = len(data) - here
        for size, group in self._sizes[anchor]:
            if size <= covered:
                break
            if size > left:
                continue
            if size > _LONG:
                if any(data.startswith(form, here) for form in group):
                    return size
            elif data[here : here + size] in group:
                return size
        return 0

    def _hold(self, data: bytes, hits: list[Hit]) -> int:
        size = len(data)
        last = data[-1:]
        for anchor, here, _ in hits:
            left = size - here
            if left >= self._longest:
                continue
            group = self._sorted[anchor]
            rest = data[here:]
            place = bisect_left(group, rest)
            if place < len(group) and len(group[place]) == left:
                place += 1
            if place < len(group) and group[place][left - 1 : left] == last and group[place].startswith(rest):
                return here
        return self._short_hold(data)

    def _short_hold(self, data: bytes) -> int:
        size = len(data)
        for begin in range(max(0, size - _ANCHOR + 1), size):
            if data[begin:] in self._beginnings:
                return begin
        return size


def _begin(hit: Hit) -> int:
    return hit[1]


def _by_size(group: list[bytes]) -> list[tuple[int, frozenset[bytes]]]:
    """Forms by their length, longest first: the longest that matches hides the others."""
    sizes: dict[int, list[bytes]] = {}
    for form in group:
        sizes.setdefault(len(form), []).append(form)
    return [(size, frozenset(sizes[size])) for size in sorted(sizes, reverse=True)]
