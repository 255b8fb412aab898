"""Bytes into records and back: nothing may be lost, whatever comes in whatever pieces."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gofer.server.logs import frames
from gofer.server.logs.encode import HOLD, Encoder, character_end, whole_characters
from gofer.server.logs.record import HEADER, MAX_TEXT, STDERR, STDOUT, STREAMS, Mark, advance, walk
from tests.unit.logs.reading import AT, printed, records, shown

junk = st.binary(max_size=200)
lines = st.lists(
    st.sampled_from([b"", b"a line\n", b"\n", b"half", b"\r50%", b"\r\n", b"\x00", b"\xe2\x82\xac", b"\xe2"])
)
long = st.builds(lambda byte, size: bytes([byte]) * size, st.integers(0, 255), st.integers(0, 3 * MAX_TEXT))
piece = st.one_of(junk, lines.map(b"".join), long)
step = st.tuples(st.sampled_from([STDOUT, STDERR]), piece, st.sampled_from(["", "release", "note"]))


def run(steps: list[tuple[int, bytes, str]]) -> tuple[bytes, Encoder]:
    encoder, content, now = Encoder(Mark()), b"", 0.0
    for stream, data, then in steps:
        content += encoder.add(stream, data, AT, now)
        if then == "note":
            content += encoder.note("gofer: a note", AT)
        elif then == "release":
            now += 2 * HOLD
            content += encoder.release(now)
    return content + encoder.release_all(), encoder


@given(st.lists(step, max_size=12))
def test_what_came_can_be_read_back_exactly(steps: list[tuple[int, bytes, str]]) -> None:
    content, _ = run(steps)
    for number, stream in enumerate(STREAMS):
        assert printed(content, stream) == b"".join(data for at, data, _ in steps if at == number)


@given(st.lists(step, max_size=12))
def test_no_record_is_too_long_and_no_text_is_empty_but_of_a_whole_line(steps: list[tuple[int, bytes, str]]) -> None:
    content, _ = run(steps)
    for record in records(content):
        assert len(record.text) <= MAX_TEXT
        assert record.text or record.tag == "F"


@given(st.lists(step, max_size=12))
def test_the_count_agrees_with_the_file(steps: list[tuple[int, bytes, str]]) -> None:
    content, encoder = run(steps)
    mark, all_lines = encoder.mark(), shown(content)
    assert mark == advance(Mark(), content)
    assert mark.offset == len(content)
    assert mark.lines == len(all_lines)
    assert mark.stdout_lines == sum(line.stream == "stdout" for line in all_lines)
    assert (mark.stdout_bytes, mark.stderr_bytes) == (len(printed(content, "stdout")), len(printed(content, "stderr")))


@given(st.lists(step, max_size=8), st.data())
def test_counting_may_stop_and_go_on_at_any_record(steps: list[tuple[int, bytes, str]], data: st.DataObject) -> None:
    content, encoder = run(steps)
    marks = [mark for mark, _ in walk(Mark(), content)]
    if marks:
        here = data.draw(st.sampled_from(marks))
        assert advance(Mark(), content[: here.offset]) == here
        assert advance(here, content[here.offset :]) == encoder.mark()


@given(st.lists(step, max_size=8))
def test_lines_are_shown_as_they_were_printed(steps: list[tuple[int, bytes, str]]) -> None:
    content, _ = run(steps)
    expected = shown(content)
    for stream in (None, STDOUT, STDERR):
        found = frames.lines(content, Mark(), *([] if stream is None else [stream]))
        wanted = [line for line in expected if stream is None or line.stream == STREAMS[stream]]
        assert [(line.number, line.stream, line.partial) for line in found] == [
            (line.number, line.stream, line.partial) for line in wanted
        ]


def test_a_record_looks_as_container_runtimes_write_it() -> None:
    encoder = Encoder(Mark())
    assert encoder.add(STDOUT, b"hello\n", AT, 0.0) == b"2026-09-21T14:13:20.123456789Z stdout F hello\n"
    assert encoder.add(STDERR, b"", AT, 0.0) == b""


@pytest.mark.parametrize(
    ("at", "time"),
    [
        (0, b"1970-01-01T00:00:00.000000000Z"),
        (-5, b"1970-01-01T00:00:00.999999995Z"),
        (10**30, b"9999-12-31T23:59:59.000000000Z"),
    ],
)
def test_a_time_out_of_range_does_not_break_the_format(at: int, time: bytes) -> None:
    record = Encoder(Mark()).add(STDOUT, b"x\n", at, 0.0)
    assert record == time + b" stdout F x\n"


def test_text_without_a_newline_is_held_back_for_a_while() -> None:
    encoder = Encoder(Mark())
    assert encoder.add(STDOUT, b"one\ntwo", AT, 10.0).endswith(b" F one\n")
    assert encoder.due() == 10.0 + HOLD
    assert encoder.release(10.0 + HOLD / 2) == b""
    assert encoder.add(STDOUT, b"!\n", AT, 10.01).endswith(b" F two!\n")
    assert encoder.due() is None


def test_held_text_is_as_old_as_its_first_byte() -> None:
    encoder = Encoder(Mark())
    encoder.add(STDOUT, b".", AT, 10.0)
    encoder.add(STDOUT, b".", AT, 10.0 + HOLD * 0.9)
    assert encoder.release(10.0 + HOLD).endswith(b" P ..\n")


def test_one_stream_does_not_release_the_others_text() -> None:
    encoder = Encoder(Mark())
    encoder.add(STDOUT, b"asked", AT, 10.0)
    content = encoder.add(STDERR, b"a warning\n", AT, 10.01) + encoder.add(STDOUT, b" and answered\n", AT, 10.02)
    assert [line.text for line in shown(content)] == ["a warning", "asked and answered"]


def test_a_line_that_another_stream_breaks_into_is_shown_as_two() -> None:
    content, _ = run([(STDOUT, b"asked", "release"), (STDERR, b"a warning\n", ""), (STDOUT, b" and answered\n", "")])
    assert [(line.number, line.text, line.partial) for line in shown(content)] == [
        (1, "asked", True),
        (2, "a warning", False),
        (3, " and answered", False),
    ]


def test_a_long_line_is_cut_between_characters() -> None:
    content, _ = run([(STDOUT, b"x" + "€".encode() * MAX_TEXT + b"\n", "")])
    parts = records(content)
    assert len(parts) == 4
    assert [record.tag for record in parts] == ["P", "P", "P", "F"]
    assert all(record.text.decode() for record in parts)


def test_a_character_that_is_not_whole_is_not_released() -> None:
    encoder = Encoder(Mark())
    encoder.add(STDOUT, b"5 \xe2\x82", AT, 0.0)
    assert encoder.release(1.0).endswith(b" P 5 \n")
    assert encoder.due() is None
    assert encoder.add(STDOUT, b"\xac", AT, 1.0) == b""
    assert encoder.release(2.0).endswith(" P €\n".encode())


def test_a_note_is_one_line_and_none_of_the_printed_bytes() -> None:
    encoder = Encoder(Mark())
    content = encoder.note("could not\nbe\r\nstarted \ud800", AT)
    assert content.endswith(b" stderr N could not be started ?\n")
    assert encoder.mark() == Mark(len(content), 0, 1, 0, 0)
    assert len(encoder.note("€" * MAX_TEXT, AT)) <= HEADER + MAX_TEXT + 1


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40), st.integers(4, 160))
def test_text_is_never_cut_within_a_character(text: str, end: int) -> None:
    data = text.encode()
    if end < len(data):
        place = character_end(data, end)
        assert end - 4 < place <= end
        assert data[:place].decode()
    size = whole_characters(data[:end])
    assert data[:size].decode() == text[: len(data[:size].decode())]
    assert len(data[:end]) - size < 4
