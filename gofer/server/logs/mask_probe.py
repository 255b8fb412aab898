"""Finding out quickly where in large pieces of data a form may begin: nowhere, in most."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ahocorasick_rs import BytesAhoCorasick, Implementation, MatchKind

Hit = tuple[int, int, int]
"""The number of a pattern, and where it begins and ends in what was searched."""

_STRIDE = 6
_SAMPLES = 4
# The library looks for up to 64 patterns with vector instructions (Teddy, aho-corasick 1.1 `packed`), though not for
# overlapping ones: many times as quick as any automaton, if only to learn that there are none.
_AT_ONCE = 64
_MOST_GROUPS = 12

_Find = Callable[[bytes], list[Hit]]


class Probe:
    """For `forms`, of which the first `anchor` bytes (or all, of a shorter one) are to be found.

    Of long forms only every 6th byte is looked at: wherever one stands, four of those it has are among every 6th byte
    of the data. Short ones are looked for by their anchors.
    """

    def __init__(self, forms: Iterable[bytes], anchor: int) -> None:
        samples: set[bytes] = set()
        anchors: set[bytes] = set()
        for form in forms:
            if len(form) >= _STRIDE * _SAMPLES:
                samples.update(form[first::_STRIDE][:_SAMPLES] for first in range(_STRIDE))
            else:
                anchors.add(form[:anchor])
        self._anchor = anchor
        self._sampled: _Find | None = _automaton(samples) if samples else None
        self._short = _groups(sorted(anchors))

    def near(self, data: bytes, most: int) -> list[tuple[int, int]] | None:
        """Stretches of `data` (they may reach over its ends) outside of which no anchor stands as a whole.

        None if there are more than `most`, or it is not worth the while to look.
        """
        if self._short is None:
            return None
        # What is found tells of others that overlap it, which are not.
        found: list[tuple[int, int]] = []
        if self._sampled is not None:
            reach = _STRIDE * _SAMPLES + self._anchor
            hits = self._sampled(data[::_STRIDE])
            found = [(begin * _STRIDE - reach, end * _STRIDE + reach) for _, begin, end in hits]
            # A form of which only the beginning is there has not all its samples.
            found.append((len(data) - reach, len(data)))
        for find in self._short:
            if len(found) > most:
                return None
            found += [(begin - self._anchor, end + self._anchor) for _, begin, end in find(data)]
        return found if len(found) <= most else None


def _automaton(patterns: Iterable[bytes]) -> _Find:
    return BytesAhoCorasick(sorted(patterns), implementation=Implementation.DFA).find_matches_as_indexes


def _groups(anchors: list[bytes]) -> list[_Find] | None:
    """None: so many that one search for all of them is quicker."""
    groups = [anchors[begin : begin + _AT_ONCE] for begin in range(0, len(anchors), _AT_ONCE)]
    if len(groups) > _MOST_GROUPS:
        return None
    kinds = (MatchKind.LeftmostFirst, Implementation.ContiguousNFA)
    return [BytesAhoCorasick(group, *kinds).find_matches_as_indexes for group in groups]
