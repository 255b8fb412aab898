"""Files into a container before its start, and out of it after its end."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing

import pytest

from gofer.archive.entry import Entry, Member, encoded, held
from gofer.engines.scheduler.base import Exit, Files, PlaceFiles
from gofer.errors import Conflict, NotFound, StartFailed, TooLarge
from gofer.models.status import Reason
from tests.conformance import steps
from tests.conformance.conftest import Engine
from tests.conformance.steps import Folder, Hang, Say, Show, UntilStopped, Write

pytestmark = pytest.mark.timeout(60)

AT = 1_700_000_000


Given = tuple[Entry, bytes]
"""An entry with its bytes in memory."""


def file(name: str, data: bytes = b"", mode: int = 0o644) -> Given:
    return Entry(name, "file", len(data), mode, AT), data


def folder(name: str, mode: int = 0o755) -> Given:
    return Entry(name, "folder", 0, mode, AT), b""


def link(name: str, target: str) -> Given:
    return Entry(name, "link", 0, 0o777, AT, target), b""


def same(name: str, target: str, mode: int) -> Given:
    return Entry(name, "hard_link", 0, mode, AT, target), b""


async def members(*given: Given) -> AsyncIterator[Member]:
    for entry, data in given:
        yield Member(entry, held(data))


def placing(path: str, *given: Given) -> PlaceFiles:
    async def place(files: Files) -> None:
        await files.put(path, members(*given))

    return place


async def collected(engine: Engine, name: str, path: str) -> list[tuple[str, str, bytes]]:
    """Name, kind, and bytes or target."""
    found: list[tuple[str, str, bytes]] = []
    async with aclosing(engine.scheduler.collect(name, path)) as all_of_it:
        async for entry, content in all_of_it:
            data = b"".join([piece async for piece in content])
            found.append((entry.name, entry.kind, data or encoded(entry.target)))
    return found


async def ended(engine: Engine, *what: steps.Step, place: PlaceFiles | None = None, **changes: object) -> str:
    spec = engine.spec(*what, **changes)
    await engine.scheduler.start(spec, place=place)
    await engine.scheduler.wait(spec.name)
    return spec.name


async def output(engine: Engine, name: str) -> str:
    return (await engine.output(name))["stdout"].decode()


async def test_what_is_placed_is_there_before_the_command_begins(engine: Engine) -> None:
    place = placing("in/deep", file("a", b"first"), folder("b"), file("b/c", b" second"))
    name = await ended(engine, Show("in/deep/a"), Show("in/deep/b/c"), place=place)
    assert await output(engine, name) == "first second"


async def test_a_relative_path_is_below_the_working_directory(engine: Engine) -> None:
    where = "/srv/place" if engine.name == "docker" else "srv/place"
    name = await ended(
        engine, Show("a"), Write("b", "back"), place=placing(".", file("a", b"there")), working_directory=where
    )
    assert await output(engine, name) == "there"
    assert await collected(engine, name, "b") == [("b", "file", b"back")]


async def test_several_are_placed_and_the_last_wins(engine: Engine) -> None:
    async def place(files: Files) -> None:
        await files.put("in", members(file("a", b"old"), file("b", b"kept "), folder("c"), file("c/d", b"x ")))
        await files.put("in", members(file("a", b"new "), folder("c"), file("c/e", b"y")))

    name = await ended(engine, Show("in/a"), Show("in/b"), Show("in/c/d"), Show("in/c/e"), place=place)
    assert await output(engine, name) == "new kept x y"


async def test_a_large_file_passes_both_ways(engine: Engine) -> None:
    data = bytes(range(256)) * 4096 * 3 + b"end"
    name = await ended(engine, Say(b"x"), place=placing("in", file("large", data)))
    assert await collected(engine, name, "in/large") == [("large", "file", data)]


async def test_a_folder_is_given_by_name_itself_first(engine: Engine) -> None:
    what = [Write("out/b/x", "1"), Write("out/a", "2"), Write("out/b/w", "3"), Write("out/c", "4"), Write("o", "5")]
    name = await ended(engine, *what)
    found = await collected(engine, name, "out")
    assert [entry[0] for entry in found] == ["out", "out/a", "out/b", "out/b/w", "out/b/x", "out/c"]
    assert [entry[2] for entry in found] == [b"", b"2", b"", b"3", b"1", b"4"]
    assert await collected(engine, name, "out") == found


async def test_what_a_failed_container_left_can_be_collected(engine: Engine) -> None:
    name = await ended(engine, Write("out", "all I had"), steps.Exit(3))
    assert await collected(engine, name, "out") == [("out", "file", b"all I had")]


async def test_another_instance_collects_too(engine: Engine) -> None:
    name = await ended(engine, Write("out/x", "kept"))
    await engine.die()
    assert await collected(engine, name, "out/x") == [("x", "file", b"kept")]


@pytest.mark.parametrize("path", ["nothing", "nothing/below", "file/below"])
async def test_what_is_not_there_is_not_found(engine: Engine, path: str) -> None:
    name = await ended(engine, Write("file", "x"))
    with pytest.raises(NotFound):
        await collected(engine, name, path)


async def test_a_container_that_is_gone_has_nothing(engine: Engine) -> None:
    with pytest.raises(NotFound):
        await collected(engine, "gofer.test.nobody", "out")


async def test_what_placing_raises_is_raised_and_nothing_has_started(engine: Engine) -> None:
    async def place(files: Files) -> None:
        await files.put("in", members(file("a", b"x")))
        raise TooLarge("as it was told")

    spec = engine.spec(Say(b"never\n"))
    with pytest.raises(TooLarge, match="as it was told"):
        await engine.scheduler.start(spec, place=place)
    found = await engine.scheduler.inspect(spec.name)
    assert found is None or found.status == "created"


@pytest.mark.parametrize("after", [0, 1, 40])
async def test_what_a_stream_raises_half_way_is_raised_as_it_is(engine: Engine, after: int) -> None:
    async def broken() -> AsyncIterator[Member]:
        async def content() -> AsyncIterator[bytes]:
            for _ in range(after):
                yield bytes(100_000)
            raise Conflict("broken off")

        yield Member(Entry("a", "file", 100_000 * 50), content())

    spec = engine.spec(Say(b"never\n"))
    with pytest.raises(Conflict, match="broken off"):
        await engine.scheduler.start(spec, place=lambda files: files.put("in", broken()))
    found = await engine.scheduler.inspect(spec.name)
    assert found is None or found.status == "created"


async def test_after_a_failed_placing_the_start_may_be_made_again(engine: Engine) -> None:
    spec = engine.spec(Show("in/a"))

    async def fails(files: Files) -> None:
        await files.put("in", members(file("a", b"half")))
        raise TooLarge("as it was told")

    with pytest.raises(TooLarge):
        await engine.scheduler.start(spec, place=fails)
    await engine.die()
    await engine.scheduler.start(spec, place=placing("in", file("a", b"whole")))
    assert await engine.scheduler.wait(spec.name) == Exit(0)
    assert await output(engine, spec.name) == "whole"


async def test_cancelled_while_it_places_nothing_starts_and_it_may_be_made_again(engine: Engine) -> None:
    spec = engine.spec(Show("in/a"))
    there, never = asyncio.Event(), asyncio.Event()

    async def stuck() -> AsyncIterator[Member]:
        async def content() -> AsyncIterator[bytes]:
            yield bytes(2_000_000)
            there.set()
            await never.wait()

        yield Member(Entry("a", "file", 4_000_000), content())

    starting = asyncio.ensure_future(engine.scheduler.start(spec, place=lambda files: files.put("in", stuck())))
    await there.wait()
    starting.cancel()
    await asyncio.wait([starting])
    assert starting.cancelled()
    found = await engine.scheduler.inspect(spec.name)
    assert found is None or found.status == "created"
    await engine.scheduler.start(spec, place=placing("in", file("a", b"whole")))
    assert await engine.scheduler.wait(spec.name) == Exit(0)
    assert await output(engine, spec.name) == "whole"


async def test_what_runs_or_has_run_is_not_touched(engine: Engine) -> None:
    async def place(files: Files) -> None:
        raise AssertionError("it was started before")

    spec = engine.spec(Say(b"once\n"), UntilStopped())
    await engine.scheduler.start(spec)
    await engine.printed(spec.name, "stdout", b"once\n")
    assert (await engine.scheduler.start(spec, place=place)).status == "running"
    await engine.die()
    assert (await engine.scheduler.start(spec, place=place)).status == "running"
    await engine.scheduler.stop(spec.name, 30)
    assert (await engine.scheduler.start(spec, place=place)).status == "exited"


async def test_placed_by_many_at_once_it_runs_once(engine: Engine) -> None:
    spec = engine.spec(Show("in/a"))
    place = placing("in", file("a", b"once\n"))
    await asyncio.gather(*(engine.scheduler.start(spec, place=place) for _ in range(5)))
    await engine.scheduler.wait(spec.name)
    assert await output(engine, spec.name) == "once\n"
    assert len(await engine.scheduler.list(engine.label)) == 1


async def test_there_is_no_place_where_a_file_stands(engine: Engine) -> None:
    async def place(files: Files) -> None:
        await files.put("in", members(file("a", b"x")))
        await files.put("in/a", members(file("b", b"y")))

    with pytest.raises(StartFailed) as error:
        await engine.scheduler.start(engine.spec(Hang()), place=place)
    assert error.value.reason == Reason.INPUT_FAILED
    assert error.value.hint


@pytest.mark.parametrize("folder_first", [False, True])
async def test_a_file_never_replaces_a_folder_nor_the_other_way_round(engine: Engine, folder_first: bool) -> None:
    both: Sequence[Given] = [folder("x"), file("x", b"data")]

    async def place(files: Files) -> None:
        await files.put("in", members(both[not folder_first]))
        await files.put("in", members(both[folder_first], file("y", bytes(3_000_000))))

    with pytest.raises(StartFailed) as error:
        await engine.scheduler.start(engine.spec(Hang()), place=place)
    assert error.value.reason == Reason.INPUT_FAILED


async def test_permissions_times_and_links_come_through(engine: Engine, shell: None) -> None:
    given = [
        folder("d", 0o750), file("d/run", b"#!/bin/sh\necho ran\n", 0o755), link("l", "d/run"),
        same("h", "d/run", 0o755),
        file("quiet", b"q", 0o600),
    ]  # fmt: skip
    script = "in/l; in/h; stat -c %a in/d in/quiet in/h; stat -c %Y in/quiet; readlink in/l"
    name = await ended(engine, command=["sh", "-c", script], place=placing("in", *given))
    assert await output(engine, name) == f"ran\nran\n750\n600\n755\n{AT}\nd/run\n"
    found = await collected(engine, name, "in")
    assert found == [
        ("in", "folder", b""),
        ("in/d", "folder", b""),
        ("in/d/run", "file", b"#!/bin/sh\necho ran\n"),
        ("in/h", "hard_link", b"in/d/run"),
        ("in/l", "link", b"d/run"),
        ("in/quiet", "file", b"q"),
    ]


async def test_odd_names_come_through(engine: Engine, shell: None) -> None:
    odd = ["é" * 100, "a b\n\t'\"\\", "-rf", "\udcff\udcfe", "x" * 255]
    name = await ended(engine, Folder(), place=placing("in", *(file(each, encoded(each)) for each in odd)))
    found = await collected(engine, name, "in")
    assert {(entry[0], entry[2]) for entry in found[1:]} == {(f"in/{each}", encoded(each)) for each in odd}


async def test_what_is_no_file_is_called_special(engine: Engine, shell: None) -> None:
    name = await ended(engine, command=["sh", "-c", "mkdir out && mkfifo out/pipe && ln -s pipe out/link"])
    assert [entry[:2] for entry in await collected(engine, name, "out")] == [
        ("out", "folder"), ("out/link", "link"), ("out/pipe", "special"),
    ]  # fmt: skip


async def test_a_link_is_given_as_a_link(engine: Engine, shell: None) -> None:
    name = await ended(engine, command=["sh", "-c", "echo x >real; ln -s real out"])
    assert await collected(engine, name, "out") == [("out", "link", b"real")]


async def test_everything_belongs_to_the_user_of_the_command(engine: Engine, shell: None) -> None:
    if engine.name in ("process", "built-in") and os.geteuid() != 0:
        pytest.skip("only root runs processes as others")
    script = "echo more >>in/deep/a && touch in/deep/b made && stat -c %u:%g in in/deep in/deep/a in/deep/d"
    place = placing("in/deep", file("a", b"x"), folder("d"))
    name = await ended(engine, command=["sh", "-c", script], user="1234:5678", place=place, **_own_folder(engine))
    assert await output(engine, name) == "1234:5678\n" * 4
    assert await engine.scheduler.wait(name) == Exit(0)


def _own_folder(engine: Engine) -> dict[str, str]:
    """A working directory in which anybody may write."""
    return {"working_directory": "/tmp"} if engine.name == "docker" else {}
