"""The groups of a log: where each begins and ends, in the forms that build servers know."""

from __future__ import annotations

import asyncio

import pytest

from gofer.models.log import Stream
from gofer.models.log_search import GroupPage, GroupsFrame, LogGroup, SearchEnd
from gofer.server.logs import groups, search
from gofer.server.logs.logs import Logs
from gofer.server.logs.search import LogSearch
from tests.unit.logs.reading import LOG, still_open, write
from tests.unit.logs.test_follow import Source


async def page(logs: Logs, text: str) -> GroupPage:
    await write(logs, [("stdout", text.encode())])
    return await LogSearch(logs).groups(LOG, complete=True)


async def of(logs: Logs, text: str) -> list[tuple[str, int, int | None, int]]:
    """Name, first line, last line and depth of each group."""
    return [(one.name, one.first, one.last, one.depth) for one in (await page(logs, text)).groups]


async def test_groups_end_where_they_say(logs: Logs) -> None:
    text = "a\n::group::Set up\nb\n::group::Inner\nc\n::endgroup::\n::endgroup::\n::endgroup::\n::group:: Open \nd\n"
    assert await of(logs, text) == [("Set up", 2, 7, 0), ("Inner", 4, 6, 1), ("Open", 9, None, 0)]


async def test_sections_end_where_the_next_begins(logs: Logs) -> None:
    found = await page(logs, "--- Build\na\n~~~ Cache\n+++ Test\nb\n--- Upload\nc\n^^^ +++\n")
    assert [(one.name, one.first, one.last, one.expanded) for one in found.groups] == [
        ("Build", 1, 2, False),
        ("Cache", 3, 3, False),
        ("Test", 4, 5, True),
        ("Upload", 6, None, True),
    ]
    assert {one.kind for one in found.groups} == {"section"}


async def test_a_section_within_a_group_ends_with_it(logs: Logs) -> None:
    assert await of(logs, "::group::A\n--- one\n--- two\n::endgroup::\n--- three\n") == [
        ("A", 1, 4, 0),
        ("one", 2, 2, 1),
        ("two", 3, 3, 1),
        ("three", 5, None, 0),
    ]


async def test_what_only_looks_like_a_section(logs: Logs) -> None:
    """The head of a diff, rulers, the beginning of YAML."""
    text = (
        "--- Change\ndiff --git a/x b/x\n--- a/x\n+++ b/x\n-old\n+new\n---\n----- rule -----\n+++\nx --- y\n--- Next\n"
    )
    assert await of(logs, text) == [("Change", 1, 10, 0), ("Next", 11, None, 0)]


async def test_marks_in_colour_and_with_carriage_returns(logs: Logs) -> None:
    assert await of(logs, "\x1b[1m--- Build\x1b[0m\r\n\x1b[32m::group::A\x1b[0m\r\n") == [
        ("Build", 1, None, 0),
        ("A", 2, None, 1),
    ]


async def test_errors_count_for_all_groups_around_them(logs: Logs) -> None:
    text = "::error::x\n::group::A\n::group::B\n::error file=a.c,line=3::bad\n::endgroup::\n::error::worse\n::errors\n"
    assert [one.errors for one in (await page(logs, text)).groups] == [2, 1]


async def test_times_are_those_of_the_lines(logs: Logs) -> None:
    source: list[tuple[Stream, bytes]] = [
        ("stdout", b"::group::A\n"),
        ("stdout", b"x\n"),
        ("stdout", b"::endgroup::\n"),
    ]
    await write(logs, source)
    (found,) = (await LogSearch(logs).groups(LOG, complete=True)).groups
    assert (found.began_at[-4:], (found.ended_at or "")[-4:]) == ("789Z", "791Z")


async def test_too_many(logs: Logs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(groups, "MAX_GROUPS", 3)
    found = await page(logs, "".join(f"--- {number}\n" for number in range(10)))
    assert ([one.name for one in found.groups], found.more) == (["0", "1", "2"], True)
    deep = await of(logs, "::group::x\n" * 20)
    assert len(deep) == 3


async def test_as_they_come(logs: Logs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "_PAUSE", 0)
    source = Source()
    capturing = asyncio.create_task(logs.capture(LOG, source.chunks()))
    frames = LogSearch(logs).follow_groups(LOG, still_open)

    async def coming() -> list[LogGroup]:
        frame = await anext(frames)
        assert isinstance(frame, GroupsFrame)
        return frame.groups

    source.put(b"::group::A\nx\n")
    assert [(one.name, one.last) for one in await coming()] == [("A", None)]
    source.put(b"::endgroup::\n")
    assert [(one.name, one.last) for one in await coming()] == [("A", 3)]
    source.put(b"--- last")
    source.end()
    await capturing
    await logs.finish(LOG)
    assert [(one.name, one.first) for one in await coming()] == [("last", 4)]
    assert [frame async for frame in frames] == [SearchEnd(state="complete")]
