"""Searching a log: every line that matches, once, whatever it is made of, from anywhere, and while it grows."""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from gofer.errors import InvalidInput, NotFound
from gofer.models.log import Stream
from gofer.models.log_search import MatchesFrame, SearchEnd
from gofer.models.run import LogState
from gofer.server.logs import find as finding
from gofer.server.logs import scan, search
from gofer.server.logs.file import LogFile, stream_number
from gofer.server.logs.find import Budget, Search, find
from gofer.server.logs.folder import log_path
from gofer.server.logs.logs import Logs
from gofer.server.logs.mask import Masks
from gofer.server.logs.pattern import compiled
from gofer.server.logs.record import NEITHER
from gofer.server.logs.search import LogSearch, Wanted
from tests.unit.logs.reading import LOG, as_chunks, shown, still_open, write
from tests.unit.logs.test_follow import Source

Printed = list[tuple[Stream, bytes]]


def many(count: int = 6_000) -> Printed:
    """Lines of both streams, broken ones among them, over several blocks."""
    dice = random.Random(3)
    found: Printed = []
    for number in range(count):
        stream: Stream = "stderr" if dice.random() < 0.3 else "stdout"
        end = b"" if dice.random() < 0.05 else b"\n"
        found.append((stream, b"line %d of batch %d%s" % (number, number // 100, b"x" * dice.randrange(60)) + end))
    return found


def naive(path: Path, pattern: str, stream: Stream | None = None) -> list[int]:
    """Numbers of the lines that match, found the slow and obvious way."""
    lines = shown(path.read_bytes())
    return [line.number for line in lines if stream in (None, line.stream) and re.search(pattern, line.text)]


def found(
    path: Path,
    pattern: str,
    budget: Budget | None = None,
    *,
    stream: int = NEITHER,
    first: int = 1,
    limit: int = 1_000_000,
    backward: bool = False,
    last: int | None = None,
) -> finding.Finding:
    file = LogFile(path)
    file.open()
    wanted = Search(compiled(pattern), stream, first, limit, backward, last)
    try:
        return find(file, wanted, budget or Budget(1 << 40, 1e9))
    finally:
        file.close()


def numbers(found: finding.Finding) -> list[int]:
    return [match.number for match in found.matches]


async def complete() -> LogState:
    return "complete"


async def everything(
    logs: Logs, wanted: Wanted, state: Callable[[], Awaitable[LogState]] = complete
) -> tuple[list[MatchesFrame], SearchEnd]:
    frames = [frame async for frame in LogSearch(logs).follow(LOG, wanted, state)]
    last = frames.pop()
    assert isinstance(last, SearchEnd)
    matches = [frame for frame in frames if isinstance(frame, MatchesFrame)]
    assert len(matches) == len(frames)
    return matches, last


@pytest.mark.parametrize(
    "pattern", ["7 of", "^line 10", r"x$", r"batch (1|22)\b", "", "x*", "nowhere", r"[^a]1$", r"\s1"]
)
@pytest.mark.parametrize("stream", [None, "stdout", "stderr"])
async def test_every_match_once_and_in_order(logs: Logs, pattern: str, stream: Stream | None) -> None:
    path = await write(logs, many())
    expected = naive(path, pattern, stream)
    assert numbers(found(path, pattern, stream=stream_number(stream))) == expected
    back = found(path, pattern, stream=stream_number(stream), first=-1, backward=True)
    assert numbers(back) == expected[::-1]
    matches, end = await everything(logs, Wanted(compiled(pattern), stream))
    assert [line for frame in matches for line in frame.lines] == expected
    assert (matches[-1].count, matches[-1].searched, end.state) == (len(expected), matches[-1].total, "complete")


async def test_pages_put_together_are_the_whole(logs: Logs) -> None:
    path = await write(logs, many())
    expected = naive(path, "3")
    for backward in (False, True):
        got: list[int] = []
        at: int | None = -1 if backward else 1
        while at is not None:
            # A budget that ends each request after a block or a window.
            page = found(path, "3", Budget(1, 1e9), first=at, limit=70, backward=backward)
            got += numbers(page)
            assert page.next_line is None or (page.next_line > 0 and len(page.matches) <= 70)
            at = page.next_line
        assert got == (expected[::-1] if backward else expected)


async def test_from_a_line_to_a_line(logs: Logs) -> None:
    path = await write(logs, many(500))
    expected = naive(path, "7")
    within = [number for number in expected if 100 <= number <= 300]
    assert numbers(found(path, "7", first=100, last=300)) == within
    assert found(path, "7", first=100, last=300).next_line is None
    assert numbers(found(path, "7", first=300, backward=True)) == [one for one in expected[::-1] if one <= 300]
    assert numbers(found(path, "7", first=10**9)) == []
    assert numbers(found(path, "7", first=10**9, backward=True)) == expected[::-1]


async def test_what_matches_is_told_as_a_reader_sees_it(logs: Logs) -> None:
    text = "\x1b[1m\x1b[31merr\x1b[0mor\x1b[K: \U0001f600 \u00e4 error \x1b]8;;http://x\x07link\x1b]8;;\x07 \xff"
    path = await write(logs, [("stderr", text.encode() + b"\n")])
    (match,) = found(path, "error|link").matches
    assert match.text == "error: \U0001f600 \u00e4 error link \xff"
    units = match.text.encode("utf-16-le")
    assert [units[2 * a : 2 * b].decode("utf-16-le") for a, b in match.spans] == ["error", "error", "link"]
    assert (match.number, match.stream, match.start) == (1, "stderr", 0)


async def test_a_long_line_is_shown_in_part(logs: Logs) -> None:
    path = await write(logs, [("stdout", "ä".encode() * 50_000 + b"needle" + b"y" * 50_000 + b"\n")])
    (match,) = found(path, "needle").matches
    assert len(match.text.encode()) <= 2_010
    assert match.start == 50_000 - 100
    assert [match.text[a:b] for a, b in match.spans] == ["needle"]


async def test_a_line_that_is_longer_than_what_is_searched_at_once(logs: Logs) -> None:
    printed: Printed = [("stdout", b"z" * (3 * scan.LONGEST) + b"end"), ("stdout", b"\nbehind\n")]
    path = await write(logs, printed)
    assert numbers(found(path, "z")) == [1]
    assert numbers(found(path, "end$|behind")) == [1, 2]
    assert numbers(found(path, "z|behind", first=-1, backward=True)) == [2, 1]


async def test_searched_while_it_grows(logs: Logs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "_PAUSE", 0)
    source = Source()
    capturing = asyncio.create_task(logs.capture(LOG, source.chunks()))
    frames = LogSearch(logs).follow(LOG, Wanted(compiled("one$"), shown=1), still_open)
    source.put(b"one\ntwo\nnot yet: o")
    first = await anext(frames)
    assert isinstance(first, MatchesFrame)
    assert (first.lines, first.count, [match.text for match in first.matches]) == ([1], 1, ["one"])
    source.put(b"ne\nlast one")
    second = await anext(frames)
    assert isinstance(second, MatchesFrame)
    assert (second.lines, second.count, second.matches) == ([3], 2, [])
    source.end()
    await capturing
    await logs.finish(LOG)
    rest = [frame async for frame in frames]
    assert [line for frame in rest if isinstance(frame, MatchesFrame) for line in frame.lines] == [4]
    assert rest[-1] == SearchEnd(state="complete")


async def test_a_log_without_a_file(logs: Logs) -> None:
    matches, end = await everything(logs, Wanted(compiled("x")))
    assert ([(frame.count, frame.searched, frame.total) for frame in matches], end.state) == ([(0, 0, 0)], "complete")
    page = LogSearch(logs).page(LOG, Search(compiled("x"), NEITHER, 1, 1), complete=True)
    with pytest.raises(NotFound):
        await page


async def test_a_search_ends_at_its_limit(logs: Logs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "MAX_MATCHES", 10)
    await write(logs, [("stdout", b"x\n" * 11)])
    matches, end = await everything(logs, Wanted(compiled("x")))
    assert (matches[-1].count, end.state) == (10, "limit")
    await logs.delete_runs(LOG.namespace, LOG.pipeline, [LOG.run])
    await write(logs, [("stdout", b"x\n" * 10)])
    assert (await everything(logs, Wanted(compiled("x"))))[1].state == "complete"


async def test_no_pattern_takes_long(logs: Logs) -> None:
    """For a backtracking engine this is 2 to the power of 5,000."""
    path = await write(logs, [("stdout", b"x" * 10_000 + b"\n")])
    assert numbers(found(path, "(x+x+)+y")) == []


def test_of_a_slow_pattern_fewer_matches_in_a_line_are_told() -> None:
    """To find each `a`, all that follows would have to be looked at, in hundreds of places at once."""
    line = bytes(random.Random(1).choice(b"ab") for _ in range(50_000))
    quick, slow = compiled("a|b"), compiled("(a|b)*a(a|b){500}c|a|b")
    hit = scan.Hit(1, b"2026-01-01T00:00:00.000000000Z stdout F ", line, 0, 1)
    assert scan.shown(hit, quick).spans == [(at, at + 1) for at in range(100)]
    few = scan.shown(hit, slow).spans
    assert few == [(at, at + 1) for at in range(len(few))]
    assert 1 <= len(few) < 10


@pytest.mark.parametrize(
    ("pattern", "word"),
    [
        ("(", "missing )"),
        ("a(?=b)", "(?="),
        (r"\1", r"\1"),
        ("[z-a]", "z-a"),
        (r"\Ax", r"\A"),
        (".{900}.{900}" * 9, ""),
    ],
)
def test_what_cannot_be_searched_for(pattern: str, word: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        compiled(pattern)
    assert word in refused.value.message
    assert "(?m)" not in refused.value.message
    assert refused.value.hint


def test_plain_text_and_case() -> None:
    assert compiled("a.(b", literal=True).find(b"A.(b a.(b", 0) == (5, 9)
    assert compiled("A.(B", literal=True, ignore_case=True).find(b"a.(b", 0) == (0, 4)
    assert compiled("straße", ignore_case=True).find("STRAßE".encode(), 0) == (0, 7)
    assert compiled(r"\\A").find(rb"\A", 0) == (0, 2)


async def test_what_is_hidden_cannot_be_found_while_it_comes_nor_later(logs: Logs) -> None:
    """Neither whole nor letter by letter: no pattern tells more of it than that something is hidden."""
    logs.protect(LOG, Masks(["swordfish"]))
    source = Source()
    capturing = asyncio.create_task(logs.capture(LOG, source.chunks()))
    frames = LogSearch(logs).follow(LOG, Wanted(compiled("sw|fish|[sword]{4}"), shown=9), still_open)
    source.put(b"code=sword")
    source.put(b"fish\n")
    source.put(b"a sw\x1b[1m and a fish\n")
    first = await anext(frames)
    source.end()
    await capturing
    await logs.finish(LOG)
    matches = [one for frame in [first, *[frame async for frame in frames]] for one in getattr(frame, "matches", [])]
    assert [(match.number, match.text) for match in matches] == [(2, "a sw and a fish")]
    path = log_path(logs.root, LOG)
    for pattern in ("sword", "s.*h$", "^code=s", "[^*]{9}$"):
        assert 1 not in numbers(found(path, pattern)), pattern
    (match,) = found(path, "^code").matches
    assert match.text == "code=***"


def test_that_all_was_searched_is_told_once_though_nothing_was_found() -> None:
    """Of a log that goes on, too, and however many turns it took."""
    reader = search._Matches(LOG, Wanted(compiled("nowhere")))
    progress = [scan.Progress(searched, 10, searched < 10, False) for searched in (5, 10, 10)]
    told = [reader.frame(one) for one in progress]
    assert [frame and frame.searched for frame in told] == [5, 10, None]


async def test_a_log_that_is_deleted_ends_its_searches(logs: Logs) -> None:
    """Both that which waits for more, and that which has much to look at still."""
    await logs.capture(LOG, as_chunks([("stdout", b"some text\n" * 80_000)]))
    waits, reads = (LogSearch(logs).follow(LOG, Wanted(compiled(word)), still_open) for word in ("nowhere", "text"))
    first = await anext(waits)
    while isinstance(first, MatchesFrame) and first.searched < first.total:
        first = await anext(waits)
    await anext(reads)
    await logs.delete_runs(LOG.namespace, LOG.pipeline, [LOG.run])
    assert [frame async for frame in waits][-1] == SearchEnd(state="expired")
    assert [frame async for frame in reads][-1] == SearchEnd(state="expired")
