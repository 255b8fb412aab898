"""The program's own triggers and common tasks: which engine has them, and how they are started."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gofer.cli.builtin import PROGRAMS
from gofer.engines.scheduler.base import ContainerSpec, Exit, Position, Scheduler
from gofer.engines.scheduler.fake import FakeScheduler
from gofer.engines.scheduler.fake_world import FakeWorld
from gofer.engines.scheduler.process import ProcessScheduler
from gofer.errors import EngineUnavailable, StartFailed
from gofer.models.built_in import BUILT_INS, BuiltIn, built_in_of
from gofer.server.built_ins import MARK, BuiltIns, OwnEngine

DEBUG = BuiltIn("common-task", "debug").image
LABELS = {"test": "built-ins"}


class Both:
    """A composite whose configured engine is in `world`."""

    def __init__(self, folder: Path) -> None:
        self.world = FakeWorld()
        self.folder = folder
        self.made = 0
        self.both = self.again()

    def again(self) -> BuiltIns:
        """As after a restart of Gofer."""
        return BuiltIns(FakeScheduler(self.world), self.folder, self._make)

    def _make(self) -> OwnEngine:
        self.made += 1
        return ProcessScheduler(self.folder)


@pytest.fixture
async def both(tmp_path: Path) -> AsyncIterator[Both]:
    one = Both(tmp_path / "own")
    try:
        yield one
    finally:
        for container in await one.both.list_built_ins({}):
            await one.both.remove(container.name)
        await one.both.close()


async def output(scheduler: Scheduler, name: str) -> str:
    return b"".join([chunk.data async for chunk in scheduler.logs(name, Position())]).decode()


async def test_a_server_without_built_ins_pays_nothing(both: Both) -> None:
    await both.both.open()
    await both.both.start(ContainerSpec(name="a", image="i", labels=LABELS, command=["exit", "3"]))
    assert await both.both.wait("a") is not None
    assert [one.name for one in await both.both.list(LABELS)] == ["a"]
    assert both.made == 0
    assert not both.folder.exists()


@pytest.mark.parametrize("name", ["gofer.plain", f"{MARK}marked"])
async def test_a_built_in_is_found_again_after_a_restart_while_the_engine_is_away(both: Both, name: str) -> None:
    spec = ContainerSpec(name=name, image=DEBUG, labels=LABELS, environment={"GOFER_SETTING_X": "y"})
    await both.both.start(spec)
    await both.both.close()
    both.both = both.again()
    both.world.go_away("gone")
    assert await both.both.wait(name) == Exit(0)
    assert "GOFER_SETTING_X=y" in (await output(both.both, name)).splitlines()
    assert [one.name for one in await both.both.list_built_ins(LABELS)] == [name]
    with pytest.raises(EngineUnavailable):
        await both.both.list(LABELS)
    await both.both.remove(name)
    if name.startswith(MARK):
        assert await both.both.inspect(name) is None


async def test_what_there_is_not_is_refused_with_what_there_is(both: Both) -> None:
    for image in ("builtin:trigger/cro", "builtin:cron", "builtin:common-task/cron"):
        with pytest.raises(StartFailed) as refused:
            await both.both.start(ContainerSpec(name="x", image=image))
        assert refused.value.reason == "image_not_found"
        assert "builtin:trigger/cron" in refused.value.hint
    with pytest.raises(ValueError, match="is for built-ins"):
        await both.both.start(ContainerSpec(name=f"{MARK}x", image="busybox"))


def test_images() -> None:
    assert built_in_of("builtin:trigger/cron") == ("trigger", "cron")
    assert built_in_of("busybox") is None
    assert built_in_of("builtin:nothing") is None


def test_the_way_to_the_api_is_the_socket_itself_for_a_built_in(tmp_path: Path) -> None:
    class Remote(FakeScheduler):
        def share(self, source: str, target: str) -> str | None:
            return None

    both = BuiltIns(Remote(), tmp_path / "own", lambda: ProcessScheduler(tmp_path / "own"))
    assert both.share_for(DEBUG, "/here", "/there") == "/here"
    assert both.share_for("busybox", "/here", "/there") is None
    assert both.share("/here", "/there") is None


def test_every_program_of_the_table_is_one_that_the_server_knows() -> None:
    for kind, names in BUILT_INS.items():
        assert set(PROGRAMS[kind]) == set(names)
        for load in PROGRAMS[kind].values():
            assert callable(load())


def test_an_unknown_one_is_a_mistake_of_the_caller() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "gofer", "builtin", "common-task", "debg"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "debug" in done.stderr
