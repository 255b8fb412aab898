"""Bytes as they come from a container, made into records."""

from __future__ import annotations

from gofer.server.logs.record import HEADER, MAX_TEXT, STDERR, Mark, Stamps, Tally

HOLD = 0.04
"""Seconds for which text without a newline is held back, in the hope of its newline."""


class Encoder:
    """Turns what came into records, in order for each stream, and keeps count of them.

    Text after the last newline is held back, at most `MAX_TEXT` bytes a stream: `release` makes records of it when
    it is old enough, `release_all` at the end. Whole lines never wait.
    """

    def __init__(self, mark: Mark) -> None:
        self._tally = Tally(mark)
        self._stamps = Stamps()
        self._tails = [b"", b""]
        self._ages = [0.0, 0.0]
        self._times = [0, 0]

    def mark(self) -> Mark:
        """The place behind every record that was made so far."""
        return self._tally.mark()

    def add(self, stream: int, data: bytes, at: int, now: float) -> bytes:
        """Records for `data` of a stream, written at `at` (ns since the epoch); `now` is monotonic, in seconds."""
        tail = self._tails[stream]
        if tail:
            data = tail + data
        cut = data.rfind(b"\n") + 1
        out: list[bytes] = []
        if cut:
            self._lines(out, stream, data[:cut] if cut < len(data) else data, at)
        rest = data[cut:]
        if len(rest) > MAX_TEXT:
            rest = self._parts(out, stream, rest, at)
        if cut or not tail:
            self._ages[stream] = now
        self._tails[stream] = rest
        self._times[stream] = at
        return out[0] if len(out) == 1 else b"".join(out)

    def note(self, text: str, at: int) -> bytes:
        """A record of Gofer's own; line breaks in `text` become spaces, and what is too long is cut."""
        line = " ".join(text.splitlines()).encode("utf-8", "replace")
        line = line[: character_end(line, MAX_TEXT)] if len(line) > MAX_TEXT else line
        self._tally.note(len(line))
        return self._stamps.header(at, STDERR, "N") + line + b"\n"

    def due(self) -> float | None:
        """When (monotonic) the oldest held text is to be released, None if there is none."""
        ages = [age for tail, age in zip(self._tails, self._ages, strict=True) if whole_characters(tail)]
        return min(ages) + HOLD if ages else None

    def release(self, now: float) -> bytes:
        """Records for the text that was held for long enough. A character that is not whole yet stays behind."""
        out: list[bytes] = []
        for stream, tail in enumerate(self._tails):
            size = whole_characters(tail)
            if size and self._ages[stream] + HOLD <= now:
                self._part(out, stream, tail[:size], self._times[stream])
                self._tails[stream] = tail[size:]
        return b"".join(out)

    def release_all(self) -> bytes:
        """Records for everything that was held."""
        out: list[bytes] = []
        for stream, tail in enumerate(self._tails):
            if tail:
                self._part(out, stream, tail, self._times[stream])
                self._tails[stream] = b""
        return b"".join(out)

    def _lines(self, out: list[bytes], stream: int, data: bytes, at: int) -> None:
        """Records for whole lines. Only where a line is too long for one record is anything done line by line."""
        begin = here = 0
        while len(data) - here > MAX_TEXT + 1:
            newline = data.rfind(b"\n", here, here + MAX_TEXT + 1)
            if newline >= 0:
                here = newline + 1
                continue
            if begin < here:
                self._full(out, stream, data[begin:here], at)
            newline = data.find(b"\n", here)
            rest = self._parts(out, stream, data[here:newline], at)
            begin = here = newline - len(rest)
        self._full(out, stream, data[begin:] if begin else data, at)

    def _full(self, out: list[bytes], stream: int, lines: bytes, at: int) -> None:
        header = self._stamps.header(at, stream, "F")
        records = (header + lines).replace(b"\n", b"\n" + header)[:-HEADER]
        count = (len(records) - len(lines)) // HEADER
        self._tally.full(stream, count, len(lines) - count)
        out.append(records)

    def _parts(self, out: list[bytes], stream: int, text: bytes, at: int) -> bytes:
        """`P` records for all of `text` (which has no newline) but what fits into one more record."""
        here = 0
        while len(text) - here > MAX_TEXT:
            end = character_end(text, here + MAX_TEXT)
            self._part(out, stream, text[here:end], at)
            here = end
        return text[here:]

    def _part(self, out: list[bytes], stream: int, text: bytes, at: int) -> None:
        self._tally.part(stream, len(text))
        out += (self._stamps.header(at, stream, "P"), text, b"\n")


def character_end(data: bytes, end: int) -> int:
    """The last place at or up to three bytes before `end` that does not stand within a UTF-8 character.

    `end` itself if there is none, as data need not be text.
    """
    for place in range(end, max(end - 4, 0), -1):
        if data[place] & 0xC0 != 0x80:
            return place
    return end


def whole_characters(data: bytes) -> int:
    """The length of `data` without the beginning of a UTF-8 character that its end cuts off."""
    for back in range(1, min(len(data), 3) + 1):
        byte = data[-back]
        if byte & 0xC0 == 0x80:
            continue
        needed = 1 if byte < 0xC0 else 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
        return len(data) - back if needed > back else len(data)
    return len(data)
