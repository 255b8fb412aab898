"""Lines that come in pieces and through lost connections: each character once."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from gofer.cli.follow.log_pump import LONGEST, LineReader
from gofer.cli.logs import ExactLines, LogRequest
from gofer.models.log import Line


def line(number: int, text: str, partial: bool = False, stream: str = "stdout") -> Line:
    return Line(number, "2031-01-01T00:00:00.000000000Z", "stderr" if stream == "stderr" else "stdout", text, partial)


class Whole:
    """What a LineReader hands over."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.reader = LineReader(self.take)

    def take(self, lines: Sequence[Line]) -> None:
        self.lines += [one.text for one in lines]


def test_pieces_of_a_line_are_put_together() -> None:
    seen = Whole()
    seen.reader.add([line(1, "a"), line(2, "be", partial=True)])
    assert seen.lines == ["a"]
    assert seen.reader.next_line == 2
    seen.reader.add([line(2, "gi", partial=True)])
    seen.reader.add([line(2, "n"), line(3, "c")])
    assert seen.lines == ["a", "begin", "c"]
    assert seen.reader.next_line == 4


def test_a_line_that_the_other_stream_broke_off_is_whole() -> None:
    seen = Whole()
    seen.reader.add([line(1, "out", partial=True), line(2, "err", stream="stderr")])
    assert seen.lines == ["out", "err"]


def test_a_last_line_without_an_end_is_shown_at_the_end() -> None:
    seen = Whole()
    seen.reader.add([line(1, "prompt> ", partial=True)])
    seen.reader.end()
    seen.reader.end()
    assert seen.lines == ["prompt> "]


def test_a_lost_connection_begins_the_open_line_again() -> None:
    seen = Whole()
    seen.reader.add([line(1, "a"), line(2, "half", partial=True)])
    seen.reader.forget_open()
    assert seen.reader.next_line == 2
    seen.reader.add([line(2, "half a line")])
    assert seen.lines == ["a", "half a line"]


def test_a_line_without_end_does_not_grow_for_ever() -> None:
    seen = Whole()
    for _ in range(100):
        seen.reader.add([line(1, "x" * 10_000, partial=True)])
    seen.reader.add([line(1, "end"), line(2, "y" * 10**6)])
    assert seen.lines == ["x" * LONGEST + "…", "y" * LONGEST + "…"]


LOG = ["", "first", "a longer line", "ü" * 30, "x", "last"]


@given(st.integers(0, 2**32))
def test_exact_lines_show_each_character_once(seed: int) -> None:
    """A log is sent in random pieces, the connection breaks at random places: what is shown is the log."""
    chance = Random(seed)
    shown: list[str] = []
    exact = ExactLines(
        LogRequest("/x"), lambda piece, begins: shown.append(piece.text + ("" if piece.partial else "\n"))
    )
    number, offset = 1, 0
    while number <= len(LOG):
        text = LOG[number - 1]
        until = chance.randint(offset, len(text))
        if until < len(text):
            if until > offset:
                exact.add([line(number, text[offset:until], partial=True)])
            offset = until
        else:
            exact.add([line(number, text[offset:])])
            number, offset = number + 1, 0
        if chance.random() < 0.5:
            exact.reconnect()
            number, offset = exact.next_line, 0
    assert "".join(shown) == "".join(f"{text}\n" for text in LOG)


def test_exact_lines_know_where_a_line_begins() -> None:
    begun: list[tuple[int, bool]] = []
    exact = ExactLines(LogRequest("/x"), lambda piece, begins: begun.append((piece.number, begins)))
    exact.add([line(1, "a", partial=True)])
    exact.add([line(1, "b", partial=True)])
    exact.add([line(1, "c"), line(2, "d")])
    assert begun == [(1, True), (1, False), (1, False), (2, True)]
