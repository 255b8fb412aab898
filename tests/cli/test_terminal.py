"""What reaches a terminal: nothing that moves its cursor, changes its title or hides a link."""

from __future__ import annotations

import pytest

from gofer.cli.table import fields, table, width_of
from gofer.cli.terminal import clean, log_line, plain

HARMFUL = {
    "cursor up": "\x1b[2Aup",
    "clear screen": "\x1b[2J\x1b[Hx",
    "title by BEL": "\x1b]0;evil title\x07x",
    "title by ST": "\x1b]0;evil title\x1b\\x",
    "title without end": "\x1b]0;evil title",
    "link": "\x1b]8;;https://evil.example\x1b\\click\x1b]8;;\x1b\\",
    "clipboard": "\x1b]52;c;ZXZpbA==\x07x",
    "device control": "\x1bP+q544e\x1b\\x",
    "8-bit CSI": "\x9b2Jx",
    "8-bit OSC": "\x9d0;evil title\x9cx",
    "alternate screen": "\x1b[?1049hx",
    "reset": "\x1bcx",
    "charset": "\x1b(0x",
    "backspace": "good\b\b\b\bevil",
    "bell and null": "\x07\x00x",
    "lone escape": "x\x1b",
    "split escape": "\x1b[12",
}


@pytest.mark.parametrize("text", HARMFUL.values(), ids=HARMFUL.keys())
@pytest.mark.parametrize("colors", [True, False])
def test_control_sequences_are_removed(text: str, colors: bool) -> None:
    cleaned = clean(text, colors=colors)
    assert cleaned.isprintable()
    assert "evil title" not in cleaned


def test_what_follows_a_sequence_is_kept() -> None:
    assert clean("\x1b[2Jafter", colors=True) == "after"
    assert clean("\x1b]8;;https://evil.example\x1b\\click\x1b]8;;\x1b\\", colors=True) == "click"


def test_colors_stay_and_are_ended() -> None:
    assert clean("\x1b[31mred", colors=True) == "\x1b[31mred\x1b[0m"
    assert clean("\x1b[38;2;1;2;3mrgb\x1b[0m", colors=True) == "\x1b[38;2;1;2;3mrgb\x1b[0m\x1b[0m"
    assert clean("\x1b[31mred", colors=False) == "red"


def test_tabs_stay_and_line_ends_only_where_they_may_move() -> None:
    assert clean("a\tb\r\nc", colors=False) == "a\tbc"
    assert clean("a\tb\r\nc", colors=False, motion=True) == "a\tb\r\nc"


def test_of_a_progress_bar_the_last_state_is_shown() -> None:
    assert log_line("10%\r50%\r100%", colors=False) == "100%"
    assert log_line("10%\r50%\r", colors=False) == "50%"


def test_a_name_shows_its_control_characters_escaped() -> None:
    assert plain("a\x1b[31mb\n") == "a\\x1b[31mb\\n"
    assert plain("grüße 🚀") == "grüße 🚀"
    assert "\u202e" not in plain("abc\u202edef")


def test_columns_line_up_with_wide_letters_and_colors() -> None:
    lines = table(("A", "B"), [["日本", ("x", "red")], ["ab", "y"]], color=False)
    assert [width_of(line.rpartition("  ")[0]) for line in lines] == [4, 4, 4]
    colored = table(("A", "B"), [["日本", ("x", "red")], ["ab", "y"]], color=True)
    assert clean(colored[1], colors=False) == lines[1]


def test_an_empty_column_is_left_out() -> None:
    assert table(("A", "B", "C"), [["1", "", "3"], ["4", "", "6"]], color=False) == ["A  C", "1  3", "4  6"]


def test_fields_leave_out_what_is_empty() -> None:
    assert fields([("name", "x"), ("empty", ""), ("longer", "y")], color=False) == ["name    x", "longer  y"]
