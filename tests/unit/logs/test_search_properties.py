"""Searches of logs of every make, block by block and as they grow, beside what the obvious way finds."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gofer.server.logs import find as finding
from gofer.server.logs import scan
from gofer.server.logs.encode import Encoder
from gofer.server.logs.file import LogFile
from gofer.server.logs.find import Budget, Search, find
from gofer.server.logs.pattern import compiled
from gofer.server.logs.record import NEITHER, STDERR, STDOUT, STREAMS, DamagedLog, Mark
from gofer.server.logs.scan import Scan
from tests.unit.logs.reading import AT, shown

PATTERNS = ["a", "^a", "b$", "ab", "^$", "a.*b", "é", "^(a|b)+$", "nowhere"]
WORDS = [b"a", b"b", b"ab", "é".encode(), b"\n", b"\n\n", b"\x1b[1m", b"\r", b"a" * 90, b"ba" * 9_000]
PRINTED = st.lists(
    st.tuples(
        st.sampled_from([STDOUT, STDERR]), st.lists(st.sampled_from(WORDS), max_size=5).map(b"".join), st.booleans()
    ),
    max_size=25,
)
ESCAPES = re.compile("\x1b\\[1m")
EASY = settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def printed(path: Path, given: list[tuple[int, bytes, bool]]) -> list[int]:
    """Write it; returns the ends of what was written at once. True: what is unterminated is written as it is then."""
    encoder, content, ends = Encoder(Mark()), b"", []
    for stream, text, is_released in given:
        content += encoder.add(stream, text, AT, 0.0) + (encoder.release_all() if is_released else b"")
        ends.append(len(content))
    content += encoder.release_all()
    path.write_bytes(content)
    return [*ends, len(content)]


def naive(path: Path, pattern: str, stream: int) -> list[int]:
    lines = [line for line in shown(path.read_bytes()) if stream == NEITHER or line.stream == STREAMS[stream]]
    return [line.number for line in lines if re.search(pattern, ESCAPES.sub("", line.text).replace("\r", "\v"))]


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan, "BLOCK", 300)
    monkeypatch.setattr(finding, "_WINDOW", 500)


@given(PRINTED, st.sampled_from(PATTERNS), st.sampled_from([NEITHER, STDOUT, STDERR]), st.integers(-9, 40))
@EASY
@pytest.mark.usefixtures("small_blocks")
def test_from_any_line_in_both_directions(
    tmp_path: Path, given: list[tuple[int, bytes, bool]], pattern: str, stream: int, first: int
) -> None:
    path = tmp_path / "1.log"
    printed(path, given)
    expected = naive(path, pattern, stream)
    file = LogFile(path)
    file.open()
    mine = [
        line.number for line in shown(path.read_bytes()) if stream == NEITHER or line.stream == STREAMS[stream]
    ] or [1]
    # Forward and from the end, lines of the stream alone are counted; backward all are.
    begin = first if first > 0 else mine[max(0, len(mine) + first)] if first else 1
    search = Search(compiled(pattern), stream, first or 1, 1_000)
    ahead = find(file, search, Budget(1 << 40, 1e9))
    assert [match.number for match in ahead.matches] == [one for one in expected if one >= begin]
    last = first if first > 0 else file.end.lines + first + 1 if first else 1
    back = find(file, search._replace(backward=True), Budget(1 << 40, 1e9))
    assert [match.number for match in back.matches] == [one for one in expected[::-1] if one <= last]
    file.close()


@given(PRINTED, st.sampled_from(PATTERNS), st.sampled_from([NEITHER, STDOUT, STDERR]))
@EASY
@pytest.mark.usefixtures("small_blocks")
def test_while_it_grows(tmp_path: Path, given: list[tuple[int, bytes, bool]], pattern: str, stream: int) -> None:
    path = tmp_path / "1.log"
    ends = printed(path, given)
    file = LogFile(path)
    file.open()
    searching, found = Scan(compiled(pattern), stream), []
    for end, is_last in [*((end, False) for end in ends), (ends[-1], True)]:
        while (hits := searching.step(file, end, final=is_last)) is not None:
            found += [hit.number for hit in hits]
    assert found == naive(path, pattern, stream)
    assert searching.place.lines == file.end.lines
    file.close()


@pytest.mark.parametrize("backward", [False, True])
def test_a_file_that_was_cut_off_ends_its_search(tmp_path: Path, backward: bool) -> None:
    path = tmp_path / "1.log"
    printed(path, [(STDOUT, b"some line\n" * 20_000, False)])
    file = LogFile(path)
    file.open()
    os.truncate(path, 1_000)
    search = Search(compiled("nothing"), NEITHER, -1 if backward else 1, 10, backward)
    with pytest.raises(DamagedLog):
        find(file, search, Budget(1 << 40, 1e9))
    file.close()
