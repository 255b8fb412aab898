"""The small parts that a trigger's life is made of: pauses, pace, settings, its output, its log."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from gofer.engines.scheduler.base import Chunk, Position
from gofer.errors import InvalidInput, NotFound
from gofer.models.trigger import Field, TriggerOptions
from gofer.server.triggers import logbook as logbooks
from gofer.server.triggers import settings
from gofer.server.triggers.backoff import Backoff
from gofer.server.triggers.capture import LINES_AT_ONCE, LONGEST_LINE, Capture
from gofer.server.triggers.logbook import Logbook
from gofer.server.triggers.pace import Pace
from gofer.server.triggers.start import fits, full_image, new_uid, short_image
from gofer.server.triggers.times import Times


def test_pauses_double_up_to_the_longest_and_begin_anew() -> None:
    backoff = Backoff(Times(pause=1, longest_pause=10, well=60), lambda low, high: high)
    assert [round(backoff.next(0), 3) for _ in range(6)] == [1.2, 2.4, 4.8, 9.6, 12, 12]
    assert backoff.failures == 6
    assert backoff.next(59.9) == pytest.approx(12)
    assert backoff.next(60) == pytest.approx(1.2)
    assert backoff.next(0) == pytest.approx(2.4)
    backoff.reset()
    assert backoff.next(0) == pytest.approx(1.2)


def test_pauses_are_spread() -> None:
    backoff = Backoff(Times(pause=10, longest_pause=10))
    found = [backoff.next(0) for _ in range(200)]
    assert all(8 <= pause <= 12 for pause in found)
    assert len(set(found)) > 100


def test_a_pace() -> None:
    pace = Pace(10, 3, 0)
    assert [pace.take(0) for _ in range(4)] == [True, True, True, False]
    assert not pace.take(0.05)
    assert pace.take(0.1)
    assert [pace.take(100) for _ in range(4)] == [True, True, True, False]
    slow = Pace(10, 2, 0)
    assert [slow.wait(0) for _ in range(4)] == [0, 0, pytest.approx(0.1), pytest.approx(0.2)]
    assert slow.wait(-5) == pytest.approx(0.3)


FIELDS = [
    Field(name="word"),
    Field(name="count", type="integer"),
    Field(name="every", type="duration"),
    Field(name="ok", type="boolean"),
    Field(name="list", type="list"),
    Field(name="map", type="map"),
    Field(name="one", choices=["a", "b"]),
    Field(name="key", secret=True),
]


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"word": "x", "count": 3, "every": "1m30s", "ok": True, "list": [1], "map": {"a": 1}, "one": "a", "key": "k"},
        {"count": "3", "ok": "true", "list": "[1]", "map": '{"a": 1}', "every": 1500},
        {"count": "global_secret{{n}}", "one": "global_secret{{n}}", "every": "global_secret{{n}}"},
    ],
)
def test_settings_that_fit(given: dict[str, Any]) -> None:
    settings.check(given, FIELDS, "it")


@pytest.mark.parametrize(
    ("given", "said", "hint"),
    [
        ({"wrod": "x"}, 'it has no setting "wrod"', 'Did you mean "word"?'),
        ({"word": 3}, 'the setting "word": expected string, got "3"', ""),
        ({"count": "x"}, 'the setting "count": expected integer', ""),
        ({"count": True}, 'the setting "count": expected integer', ""),
        ({"every": "soon"}, 'the setting "every": expected duration, such as 1m30s', ""),
        ({"ok": "perhaps"}, 'the setting "ok"', ""),
        ({"list": "x"}, 'the setting "list"', ""),
        ({"map": []}, 'the setting "map"', ""),
        ({"one": "c"}, 'the setting "one": "c" is none of its choices', "Choose one of: a, b."),
        ({"key": 17_000_000}, 'the setting "key": expected string, got ***', ""),
    ],
)
def test_settings_that_do_not_fit(given: dict[str, Any], said: str, hint: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        settings.check(given, FIELDS, "it")
    assert said in raised.value.message
    assert hint in raised.value.hint


def test_what_must_be_set_is_named() -> None:
    needed = [Field(name="a", required=True, description="what it is"), Field(name="b", required=True)]
    with pytest.raises(InvalidInput) as raised:
        settings.check({}, needed, "it")
    assert (raised.value.message, raised.value.hint) == ('it needs "a", "b"', "a: what it is; b: string.")


def test_what_is_secret_is_hidden_unless_it_is_a_reference() -> None:
    for value, shown in (
        ("in clear", "***"),
        ("global_secret{{key}}", "global_secret{{key}}"),
        ("Bearer global_secret{{key}}", "***"),
        (3, "***"),
    ):
        assert settings.hidden({"key": value, "word": "x"}, FIELDS) == {"key": shown, "word": "x"}
    assert settings.in_clear({"key": "in clear"}, FIELDS) == ["key"]
    assert settings.in_clear({"key": "global_secret{{key}}"}, FIELDS) == []
    assert settings.secret_texts({"key": "in clear", "word": "x"}, FIELDS) == {"in clear"}


async def test_references_are_replaced_everywhere() -> None:
    async def look(key: str) -> str | None:
        return {"a": "one", "b": "two"}.get(key)

    given = {"x": "global_secret{{a}}!", "y": ["global_secret{{b}}", {"z": "global_secret{{a}}"}], "n": 3}
    found = await settings.resolve(given, look)
    assert found.value == {"x": "one!", "y": ["two", {"z": "one"}], "n": 3}
    assert found.secrets == {"one", "two"}
    assert given["x"] == "global_secret{{a}}!"
    with pytest.raises(NotFound, match='no global secret "c"'):
        await settings.resolve(["global_secret{{c}}"], look)
    with pytest.raises(InvalidInput, match="belongs to no pipeline"):
        await settings.resolve("secret{{a}}", look)
    with pytest.raises(InvalidInput, match="not closed"):
        await settings.resolve("global_secret{{a", look)


def test_what_runs_is_told_from_what_is_to_run() -> None:
    first = fits("key", "builtin:cron", TriggerOptions(), {"a": 1, "b": 2})
    assert first == fits("key", "builtin:trigger/cron", TriggerOptions(), {"b": 2, "a": 1})
    others = [
        fits("other", "builtin:cron", TriggerOptions(), {"a": 1, "b": 2}),
        fits("key", "builtin:interval", TriggerOptions(), {"a": 1, "b": 2}),
        fits("key", "builtin:cron", TriggerOptions(user="1"), {"a": 1, "b": 2}),
        fits("key", "builtin:cron", TriggerOptions(), {"a": 1}),
    ]
    assert first not in others


def test_images() -> None:
    assert (full_image("builtin:cron"), short_image("builtin:trigger/cron")) == ("builtin:trigger/cron", "builtin:cron")
    assert full_image("acme/cron") == short_image("acme/cron") == "acme/cron"
    assert new_uid("abc", 1, "x") != new_uid("abc", 1, "x")


async def lines_of(logbook: Logbook) -> list[tuple[str, str]]:
    return [(line.source, line.text) for line in await logbook.read(100_000)]


async def test_output_becomes_lines_however_it_is_cut(tmp_path: Path) -> None:
    logbook = Logbook(tmp_path / "logs" / "t.log")
    capture = Capture(logbook, await logbook.begin("u1"), lambda: 0.0)
    for data in (b"one\ntw", b"o\r\n\xff", b"\n", b"x" * (LONGEST_LINE + 5), b"\nend"):
        capture.feed(Chunk("stdout", data, 1_000_000_000))
    capture.feed(Chunk("stderr", b"err\n", 1_000_000_000))
    assert capture.position == Position(11 + LONGEST_LINE + 6, 4)
    before = capture.size
    capture.finish()
    assert capture.size == before
    assert await lines_of(logbook) == [
        ("stdout", "one"),
        ("stdout", "two"),
        ("stdout", "\ufffd"),
        ("stdout", "x" * LONGEST_LINE),
        ("stdout", "xxxxx"),
        ("stderr", "err"),
        ("stdout", "end"),
    ]
    # Another life of Gofer goes on where this one was; another start begins.
    again = Logbook(tmp_path / "logs" / "t.log")
    assert await again.begin("u1") == capture.position
    again.add("gofer", 5, "more")
    assert [line.number for line in await again.read(2)] == [7, 8]
    assert await again.begin("u2") == Position()
    assert await again.last_words("u1") == "err"
    assert await again.last_words("u2") == ""


async def test_a_flood_of_lines_is_counted_not_kept(tmp_path: Path) -> None:
    logbook = Logbook(tmp_path / "t.log")
    capture = Capture(logbook, await logbook.begin("u"), lambda: 0.0)
    capture.feed(Chunk("stdout", b"line\n" * (LINES_AT_ONCE + 100), 1))
    capture.finish()
    found = await lines_of(logbook)
    assert len(found) == LINES_AT_ONCE + 1
    assert found[-1] == ("gofer", "Gofer left out 100 lines that came too fast.")


async def test_a_log_stays_small_and_keeps_the_newest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logbooks, "FILE_BYTES", 2_000)
    logbook = Logbook(tmp_path / "t.log")
    logbook.mask = lambda text: text.replace("secret", "***")
    for number in range(200):
        logbook.add("log", number, f"a secret line {number}", "info")
        await logbook.settle()
    found = await logbook.read(1000)
    assert [line.number for line in found] == list(range(found[0].number, 201))
    assert found[-1].text == "a *** line 199"
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 4_000
    assert [line.number for line in await logbook.read(1000, after=198)] == [199, 200]
    assert (tmp_path / "t.log").stat().st_mode & 0o777 == 0o600
    await logbook.delete()
    assert list(tmp_path.iterdir()) == []


async def test_a_damaged_log_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    logbook = Logbook(tmp_path / "t.log")
    logbook.add("gofer", 1, "first")
    await logbook.settle()
    with (tmp_path / "t.log").open("ab") as file:
        file.write(b'{"number": 2, "at"')
    again = Logbook(tmp_path / "t.log")
    assert await lines_of(again) == [("gofer", "first")]
    again.add("gofer", 2, "second")
    assert await lines_of(again) == [("gofer", "first"), ("gofer", "second")]


async def test_a_log_is_followed(tmp_path: Path) -> None:
    logbook = Logbook(tmp_path / "t.log")
    logbook.add("gofer", 1, "first")
    course = logbook.follow(0)
    assert [line.text for line in await anext(course)] == ["first"]
    waiting = asyncio.ensure_future(anext(course))
    logbook.add("gofer", 2, "second")
    assert [line.text for line in await waiting] == ["second"]


async def test_what_cannot_be_written_harms_nobody(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    logbook = Logbook(tmp_path / "file" / "t.log")
    logbook.add("gofer", 1, "lost")
    assert await lines_of(logbook) == []
