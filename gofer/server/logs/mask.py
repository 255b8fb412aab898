"""Hiding values in what is written: whole texts, and streams that come in pieces. See docs/masking.md."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from gofer.server.logs.mask_spans import merged

if TYPE_CHECKING:
    from gofer.server.logs.mask_search import Found, Search

HIDDEN = b"***"
"""Written in the place of each stretch that is hidden. Shorter than any form."""


class Masks:
    """The values to hide. Nothing is loaded or made before the first search; `repr` shows nothing of them.

    False if there is nothing to hide: values of fewer than 4 bytes in UTF-8, and white space, are not hidden.
    """

    def __init__(self, values: Iterable[str]) -> None:
        self._values = frozenset(values)
        self._search: Search | None = None
        self._empty: bool | None = None

    def __bool__(self) -> bool:
        if self._empty is None:
            self._empty = not self._values or not self._any_hidden()
        return not self._empty

    def text(self, text: str) -> str:
        """`text` with `***` in the place of each stretch that is hidden."""
        return hide(text, [self]) if self else text

    def look(self, data: bytes) -> Found:
        """What is to be hidden in `data`. Call only if there are any values."""
        return self.compile().look(data)

    def compile(self) -> Search:
        """Make what searches, once; some milliseconds for many values. May be called in a thread."""
        if self._search is None:
            from gofer.server.logs.mask_forms import forms
            from gofer.server.logs.mask_search import Search

            self._search = Search(forms(self._values))
        return self._search

    def _any_hidden(self) -> bool:
        from gofer.server.logs.mask_forms import is_hidden

        return any(map(is_hidden, self._values))


def hide(text: str, masks: Iterable[Masks]) -> str:
    """`text` with `***` in the place of each stretch that one or several of `masks` (none of them empty) hide."""
    data = text.encode("utf-8", "surrogatepass")
    spans = [span for one in masks for span in one.look(data).spans]
    if not spans:
        return text
    out: list[bytes] = []
    done = 0
    for begin, end in merged(spans):
        out += (data[done:begin], HIDDEN)
        done = end
    out.append(data[done:])
    return b"".join(out).decode("utf-8", "surrogatepass")


class Step(NamedTuple):
    """A place right behind a `***`, or the beginning (all zero).

    `out`: bytes that are out before it; `source`: bytes of the source with which a masker goes on there, the first
    `covered` of which belong to that `***`.
    """

    out: int = 0
    source: int = 0
    covered: int = 0


class StreamMasker:
    """Hides values in one stream, however it is cut into pieces.

    Held back is only what may be the beginning of a form. `source`: how many bytes of the source are done with; what
    goes on there, with `restart` or in another masker made of the last `Step`, gives the same as if nothing had
    happened. `out`: how many bytes were given out. `steps`: those since they were taken away, at most one a place.
    """

    def __init__(self, masks: Masks, step: Step, out: int) -> None:
        """To go on where `out` bytes are out, the last step before that being `step`."""
        self.masks = masks
        self.source = step.source + out - step.out
        self.out = out
        self.steps: list[Step] = []
        self._tail = b""
        # Bytes at the beginning of the tail for which `***` is out already; whether a `***` is the last that is out.
        self._covered = step.covered if step.out == out else 0
        self._joined = step.out == out > 0

    def feed(self, data: bytes) -> bytes:
        """What can be given out now that `data` came."""
        if self._tail:
            data = self._tail + data
        if not self.masks:
            return self._emit(data, (), len(data))
        found = self.masks.look(data)
        return self._emit(data, found.spans, found.hold)

    def flush(self) -> bytes:
        """The source has ended: what was held back was no form."""
        if not self._tail:
            return b""
        spans = self.masks.look(self._tail).spans if self.masks else ()
        return self._emit(self._tail, spans, len(self._tail))

    def restart(self) -> None:
        """Forget what was held back: it will come again, as the source goes on from `source`."""
        self._tail = b""

    def _emit(self, data: bytes, spans: Sequence[tuple[int, int]], hold: int) -> bytes:
        """Give out what is decided: everything before `hold`, and `***` for what is known to be hidden behind it."""
        self._tail = data[hold:]
        if not spans and not self._covered:
            self.source += hold
            self.out += hold
            self._joined = self._joined and not hold
            return data[:hold] if self._tail else data
        if self._covered:
            spans = merged([(0, self._covered), *spans])
        out: list[bytes] = []
        done, size = self._covered, 0
        for begin, end in spans:
            if begin > hold:
                break
            if begin > done or not self._joined:
                out += (data[done:begin], HIDDEN)
                size += begin - done + len(HIDDEN)
                self._joined = True
            done = max(done, end)
            self._note(Step(self.out + size, self.source + min(done, hold), max(0, done - hold)))
        if done < hold:
            out.append(data[done:hold])
            size += hold - done
            done = hold
            self._joined = False
        self.source += hold
        self.out += size
        self._covered = done - hold
        return b"".join(out)

    def _note(self, step: Step) -> None:
        """At one place only the last step counts: a stretch without an end must not fill the memory."""
        if self.steps and self.steps[-1].out == step.out:
            self.steps[-1] = step
        else:
            self.steps.append(step)
