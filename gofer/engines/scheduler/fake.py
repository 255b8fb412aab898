"""The fake engine: containers in memory that do as their commands tell them. For tests and benchmarks."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence

from gofer.archive.entry import Member
from gofer.engines.scheduler.base import Chunk, Container, ContainerSpec, Exit, OnPull, PlaceFiles, Position
from gofer.engines.scheduler.fake_container import FakeContainer
from gofer.engines.scheduler.fake_script import parse
from gofer.engines.scheduler.fake_session import FakeSession
from gofer.engines.scheduler.fake_world import FakeWorld
from gofer.errors import Conflict
from gofer.models.system import EngineInfo


class FakeScheduler:
    """See `base.Scheduler`. What it starts lives on in its world, for other instances that have the same one."""

    def __init__(self, world: FakeWorld | None = None) -> None:
        self.world = world if world is not None else FakeWorld()

    @property
    def name(self) -> str:
        return "fake"

    async def open(self) -> None:
        """See `base.Scheduler.open`."""

    async def close(self) -> None:
        """See `base.Scheduler.close`."""

    def share(self, source: str, target: str) -> str | None:
        """See `base.Scheduler.share`."""
        return target if self.world.is_near else None

    async def check(self) -> EngineInfo:
        """See `base.Scheduler.check`."""
        self.world.check()
        return EngineInfo(name=self.name, address="memory", isolates=False)

    async def start(
        self, spec: ContainerSpec, on_pull: OnPull | None = None, place: PlaceFiles | None = None
    ) -> Container:
        """See `base.Scheduler.start`."""
        self.world.check()
        return (await self.world.start(spec, on_pull, place)).shown()

    async def inspect(self, name: str) -> Container | None:
        """See `base.Scheduler.inspect`."""
        self.world.check()
        container = self.world.look(name)
        return None if container is None else container.shown()

    async def wait(self, name: str) -> Exit | None:
        """See `base.Scheduler.wait`."""
        self.world.check()
        container = self.world.look(name)
        if container is None:
            return None
        while not container.over:
            await container.changed()
        return container.end

    async def logs(self, name: str, since: Position = Position()) -> AsyncIterator[Chunk]:  # noqa: B008
        """See `base.Scheduler.logs`."""
        self.world.check()
        container = self.world.look(name)
        skip = {"stdout": since.stdout, "stderr": since.stderr}
        position = 0
        while container is not None:
            while position < len(container.output):
                piece = container.output[position]
                position += 1
                for block in piece.whole():
                    skipped = min(skip[piece.stream], len(block))
                    skip[piece.stream] -= skipped
                    if skipped < len(block):
                        yield Chunk(piece.stream, block[skipped:], piece.at)
                    if not container.over:
                        # A flood has no end, and must let others end it.
                        await asyncio.sleep(0)
                        self.world.check()
            if container.over:
                return
            await container.changed()

    async def stop(self, name: str, grace: float) -> None:
        """See `base.Scheduler.stop`."""
        self.world.check()
        container = self.world.look(name)
        if container is None or container.over:
            return
        if grace > 0:
            container.terminate()
            try:
                async with asyncio.timeout(grace):
                    await self.wait(name)
            except TimeoutError:
                pass
        container.kill()

    async def collect(self, name: str, path: str) -> AsyncGenerator[Member, None]:
        """See `base.Scheduler.collect`."""
        self.world.check()
        async for member in self.world.get(name).files.collect(path):
            yield member
            self.world.check()

    async def remove(self, name: str) -> None:
        """See `base.Scheduler.remove`."""
        self.world.check()
        self.world.remove(name)

    async def list(self, labels: Mapping[str, str]) -> Sequence[Container]:
        """See `base.Scheduler.list`."""
        self.world.check()
        return [container.shown() for container in self.world.find(labels)]

    async def exec(
        self, name: str, command: Sequence[str], *, terminal: bool, columns: int = 80, rows: int = 24
    ) -> FakeSession:
        """See `base.Scheduler.exec`. `cat` gives back its input; anything else is a container's command."""
        self.world.check()
        outer = self.world.get(name)
        if outer.over:
            raise Conflict(f'the container "{name}" has ended', "Only a running one can be attached to.")
        echoes = list(command) == ["cat"]
        spec = ContainerSpec(
            name=name,
            image=outer.spec.image,
            command=["hang"] if echoes else command,
            environment=outer.spec.environment,
            working_directory=outer.spec.working_directory,
        )
        inner = FakeContainer(spec, parse(spec), "", time.time_ns, outer.files)
        inner.run()
        session = FakeSession(outer, inner, echoes=echoes, terminal=terminal)
        await session.resize(columns, rows)
        return session
