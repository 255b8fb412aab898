"""One suite for all engines: `engine` is a fixture that every test here gets once for each of them."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from gofer.config.settings import SchedulerSettings
from gofer.engines.registry import scheduler
from gofer.engines.scheduler.base import Chunk, ContainerSpec, Position, Scheduler
from gofer.engines.scheduler.fake import FakeScheduler
from gofer.engines.scheduler.fake_world import FakeWorld
from gofer.engines.scheduler.process import ProcessScheduler
from gofer.models.built_in import BuiltIn
from gofer.models.log import Stream
from gofer.server.built_ins import BuiltIns
from tests.conformance.fake_steps import in_words
from tests.conformance.steps import Step, Translate, in_shell

IMAGE = "busybox:stable"


class Engine:
    """An engine under test. `scheduler` is the living instance of it."""

    def __init__(self, name: str, translate: Translate, open_one: Callable[[], Any], extra: Mapping[str, Any]) -> None:
        self.name = name
        self.label = {"gofer.test": uuid.uuid4().hex}
        self._translate = translate
        self._open_one = open_one
        self._extra = extra
        self._opened: list[Scheduler] = []
        self.scheduler: Scheduler

    async def open(self) -> None:
        self.scheduler = await self._open_one()
        self._opened.append(self.scheduler)

    async def die(self) -> None:
        """The process dies: what it had in memory and its connections are gone. A new one takes its place."""
        await self.scheduler.close()
        self._opened.remove(self.scheduler)
        await self.open()

    async def another(self) -> Scheduler:
        """A second instance beside the first."""
        other: Scheduler = await self._open_one()
        self._opened.append(other)
        return other

    async def clear(self) -> None:
        """Remove every container that was started here."""
        for container in await self.scheduler.list(self.label):
            await self.scheduler.remove(container.name)

    async def close(self) -> None:
        await self.clear()
        for opened in self._opened:
            await opened.close()

    def spec(self, *steps: Step, **changes: Any) -> ContainerSpec:
        """A container of a new name that does these steps."""
        fields: dict[str, Any] = {
            "name": f"gofer.test.{uuid.uuid4().hex}",
            "image": IMAGE,
            "labels": self.label,
            "command": self._translate(steps),
            **self._extra,
        }
        return ContainerSpec(**fields | changes)

    def share(self, source: str, target: str) -> str | None:
        """Where its containers find that folder."""
        if isinstance(self.scheduler, BuiltIns):
            return self.scheduler.share_for(self.spec().image, source, target)
        return self.scheduler.share(source, target)

    async def start(self, *steps: Step, **changes: Any) -> str:
        """Start a container that does these steps; its name."""
        spec = self.spec(*steps, **changes)
        await self.scheduler.start(spec)
        return spec.name

    async def output(self, name: str, since: Position = Position()) -> dict[Stream, bytes]:  # noqa: B008
        """Everything it prints, until its end."""
        return together([chunk async for chunk in self.scheduler.logs(name, since)])

    async def printed(self, name: str, stream: Stream, expected: bytes) -> Position:
        """Returns, with the position after it, once the container has printed exactly that much on the stream."""
        position, got = Position(), {"stdout": b"", "stderr": b""}
        chunks = self.scheduler.logs(name)
        async for chunk in chunks:
            got[chunk.stream] += chunk.data
            position = Position(len(got["stdout"]), len(got["stderr"]))
            if len(got[stream]) >= len(expected):
                break
        await chunks.aclose()  # type: ignore[attr-defined]
        assert got[stream] == expected
        return position


def together(chunks: Sequence[Chunk]) -> dict[Stream, bytes]:
    """Each stream as a whole."""
    return {
        "stdout": b"".join(chunk.data for chunk in chunks if chunk.stream == "stdout"),
        "stderr": b"".join(chunk.data for chunk in chunks if chunk.stream == "stderr"),
    }


def _extra(name: str) -> Mapping[str, Any]:
    # Setting up a bridge is a third of what a container costs, and nothing here needs one.
    extra = {"docker": {"network": "none"}, "built-in": {"image": BuiltIn("common-task", "debug").image}}
    return extra.get(name, {})


def _built_ins(folder: Path) -> Scheduler:
    """Built-ins that run the command of their spec, beside an engine that must not hear of them."""
    own = folder / "built-ins"
    return BuiltIns(FakeScheduler(), own, lambda: ProcessScheduler(own), command=lambda _: ())


@pytest.fixture(params=[pytest.param("docker", marks=pytest.mark.docker), "process", "fake", "built-in"])
async def engine(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Engine]:
    name: str = request.param
    world = FakeWorld()

    async def open_one() -> Scheduler:
        if name == "built-in":
            one = _built_ins(tmp_path)
        else:
            one = FakeScheduler(world) if name == "fake" else scheduler(name, SchedulerSettings(), tmp_path)
        await one.open()
        return one

    engine = Engine(name, in_words if name == "fake" else in_shell, open_one, _extra(name))
    await engine.open()
    try:
        yield engine
    finally:
        await engine.close()


@pytest.fixture
def shell(engine: Engine) -> None:
    """For tests of what only a real shell can show."""
    if engine.name == "fake":
        pytest.skip("the fake engine runs no programs")
