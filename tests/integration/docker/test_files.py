"""Files in and out of containers, where the conformance suite, being for all engines, does not look."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from pathlib import Path

import pytest

from gofer.archive.entry import Entry, Member, held
from gofer.engines.scheduler.base import Bind, Exit, Files, PlaceFiles
from gofer.errors import EngineUnavailable, NotFound, StartFailed
from gofer.models.status import Reason
from tests.conformance.conftest import Engine
from tests.integration.docker.test_restart import patiently, restartable

pytestmark = [pytest.mark.docker, pytest.mark.timeout(60)]


async def files(**given: bytes) -> AsyncIterator[Member]:
    for name, data in given.items():
        yield Member(Entry(name, "file", len(data)), held(data))


def placing(*paths: str) -> PlaceFiles:
    async def place(container: Files) -> None:
        for path in paths:
            await container.put(path, files(x=b"data"))

    return place


async def says(engine: Engine, script: str, place: PlaceFiles | None = None, **changes: object) -> tuple[str, str]:
    """The container's name and what it prints."""
    spec = engine.spec(command=["sh", "-c", script], **changes)
    await engine.scheduler.start(spec, place=place)
    output = await engine.output(spec.name)
    await engine.scheduler.wait(spec.name)
    return spec.name, output["stdout"].decode()


async def collected(engine: Engine, name: str, path: str) -> dict[str, bytes]:
    found = {}
    async with aclosing(engine.scheduler.collect(name, path)) as members:
        async for entry, content in members:
            found[entry.name] = b"".join([piece async for piece in content])
    return found


async def test_folders_of_the_image_stay_as_they_are(engine: Engine) -> None:
    look = "stat -c '%n %a %u' / /tmp /root /etc"
    _, before = await says(engine, look)
    _, after = await says(engine, f"{look} /tmp/a /tmp/a/b", placing("/tmp/a/b", "/root", "/etc"), user="1234")
    assert after == f"{before}/tmp/a 755 1234\n/tmp/a/b 755 1234\n"


@pytest.mark.parametrize(
    ("user", "owner"),
    [
        ("", "0:0"),
        ("0", "0:0"),
        ("nobody", "65534:65534"),
        ("65534", "65534:65534"),
        ("1234", "1234:0"),
        ("1234:nogroup", "1234:65534"),
        ("nobody:7", "65534:7"),
    ],
)
async def test_files_belong_to_whom_the_engine_runs_the_command_as(engine: Engine, user: str, owner: str) -> None:
    who = {"user": user} if user else {}
    _, output = await says(engine, "stat -c %u:%g /in /in/x; id -u; id -g", placing("/in"), **who)
    uid, _, gid = owner.partition(":")
    assert output.split() == [owner, owner, uid, gid]


async def test_into_what_is_mounted_and_out_of_it(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    mount = Bind(source=str(tmp_path), target="/srv/host", read_only=False)
    name, output = await says(
        engine, "cat /srv/host/sub/x; echo back >/srv/host/y", placing("/srv/host/sub"), mounts=[mount]
    )
    assert output == "data"
    assert (tmp_path / "sub" / "x").read_text() == "data"
    assert await collected(engine, name, "/srv/host/y") == {"y": b"back\n"}


async def test_what_is_mounted_read_only_is_no_place(engine: Engine, tmp_path: Path) -> None:
    mount = Bind(source=str(tmp_path), target="/srv/host")
    for path in ("/srv/host", "/srv/host/deep/er"):
        with pytest.raises(StartFailed, match="read-only") as error:
            await says(engine, "true", placing(path), mounts=[mount])
        assert error.value.reason == Reason.INPUT_FAILED
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("path", ["/etc/passwd", "/etc/passwd/x", "/etc/passwd/x/y"])
async def test_where_there_is_no_place(engine: Engine, path: str) -> None:
    with pytest.raises(StartFailed, match="nothing can be placed") as error:
        await says(engine, "true", placing(path))
    assert error.value.reason == Reason.INPUT_FAILED


async def test_a_link_leads_nowhere_but_within_the_container(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("the host's")
    name, _ = await says(engine, f"ln -s {tmp_path} out; ln -s ../../../..{tmp_path} up; ln -s /etc/passwd file")
    for path in ("out/secret", "up/secret"):
        with pytest.raises(NotFound):
            await collected(engine, name, path)
    async with aclosing(engine.scheduler.collect(name, "file")) as members:
        assert [(entry.kind, entry.target) async for entry, _ in members] == [("link", "/etc/passwd")]


async def test_a_folder_that_is_on_its_way_for_long_holds_up_no_other_start(engine: Engine) -> None:
    """So many as may be started at once are all still being filled."""
    there, go = asyncio.Event(), asyncio.Event()
    waiting = 0

    async def slow(container: Files) -> None:
        nonlocal waiting
        waiting += 1
        if waiting == 8:
            there.set()
        await go.wait()
        await container.put("in", files(x=b"data"))

    specs = [engine.spec(command=["cat", "in/x"]) for _ in range(8)]
    starting = [asyncio.ensure_future(engine.scheduler.start(spec, place=slow)) for spec in specs]
    await there.wait()
    _, output = await says(engine, "echo past")
    assert output == "past\n"
    go.set()
    await asyncio.gather(*starting)
    assert [await engine.scheduler.wait(spec.name) for spec in specs] == [Exit(0)] * 8


async def test_an_engine_that_dies_while_files_are_placed() -> None:
    async with restartable(live_restore=True) as (second, engine):
        scheduler, spec = engine.scheduler, engine.spec(command=["cat", "in/x"])
        there, never = asyncio.Event(), asyncio.Event()

        async def members() -> AsyncIterator[Member]:
            async def content() -> AsyncIterator[bytes]:
                yield bytes(1_000_000)
                if not there.is_set():
                    there.set()
                    await never.wait()
                yield bytes(1_000_000)

            yield Member(Entry("x", "file", 2_000_000), content())

        def start() -> Awaitable[object]:
            return scheduler.start(spec, place=lambda container: container.put("in", members()))

        starting = asyncio.ensure_future(patiently(scheduler, start))
        await there.wait()
        await second.kill()
        await second.start()
        await starting
        assert await patiently(scheduler, lambda: scheduler.wait(spec.name)) == Exit(0)
        assert len((await engine.output(spec.name))["stdout"]) == 2_000_000


async def test_an_engine_that_dies_while_files_are_collected() -> None:
    async with restartable(live_restore=True) as (second, engine):
        name, _ = await says(engine, "mkdir out; head -c 30000000 /dev/zero >out/x")

        async def read(kill: Callable[[], Awaitable[None]] | None) -> int:
            size = 0
            async with aclosing(engine.scheduler.collect(name, "out")) as members:
                async for _, content in members:
                    async for piece in content:
                        size += len(piece)
                        if kill is not None:
                            await kill()
                            kill = None
            return size

        with pytest.raises(EngineUnavailable):
            await read(second.kill)
        await second.start()
        assert await patiently(engine.scheduler, lambda: read(None)) == 30_000_000
