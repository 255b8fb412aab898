"""What the fake engine's containers live in, and the strings by which a test pulls them."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import Counter
from collections.abc import Callable, Mapping

from gofer.engines.scheduler.base import Container, ContainerSpec, Exit, OnPull, PlaceFiles, PullProgress
from gofer.engines.scheduler.fake_container import FakeContainer
from gofer.engines.scheduler.fake_files import FakeFiles
from gofer.engines.scheduler.fake_script import parse
from gofer.errors import EngineUnavailable, NotFound, StartFailed
from gofer.models.log import Stream
from gofer.models.status import Reason


class FakeWorld:
    """Give the same one to several engines, and each finds what the others have started.

    `missing_images` are in no registry; `unpulled_images` have to be pulled first. `starts` counts how often the
    command of each name was begun: never more than once. `is_near`: its containers find the server's files.
    """

    def __init__(self, clock: Callable[[], int] = time.time_ns) -> None:
        self.missing_images: set[str] = set()
        self.unpulled_images: set[str] = set()
        self.starts: Counter[str] = Counter()
        self.is_near = True
        self._clock = clock
        self._containers: dict[str, FakeContainer] = {}
        self._waiting: set[asyncio.Future[None]] = set()
        self._open = True
        self._problem = ""

    # -- for tests

    def hold_starts(self) -> None:
        """From now on `start` does not return, and creates nothing, until `release_starts`."""
        self._open = False

    def release_starts(self) -> None:
        """Let every start through."""
        self._open = True
        self._wake()

    def go_away(self, problem: str = "the fake engine was told to be away") -> None:
        """Every call raises EngineUnavailable, those that wait too. Containers go on."""
        self._problem = problem
        for container in self._containers.values():
            container.disturb(self._away())
        self._wake()

    def come_back(self) -> None:
        """End of `go_away`."""
        self._problem = ""

    async def started(self, name: str) -> Container:
        """Waits until a container of this name has been started."""
        while name not in self._containers:
            await self._changed()
        return self._containers[name].shown()

    async def started_with(self, labels: Mapping[str, str]) -> Container:
        """Waits until a container with all of these labels has been started; the newest of them."""
        while not (found := self.find(labels)):
            await self._changed()
        return found[-1].shown()

    def release(self, name: str) -> None:
        """Let a container through the `gate` at which it stands. Raises NotFound if it does not."""
        if not self.get(name).release():
            raise NotFound(f'"{name}" stands at no gate', "Its command must have `gate` as its present step.")

    def end(self, name: str, exit_code: int) -> None:
        """End a container from outside."""
        self.get(name).finish(Exit(exit_code))

    def vanish(self, name: str) -> None:
        """Remove a container, as if somebody did so behind Gofer's back."""
        self.get(name).vanish()
        del self._containers[name]

    def print(self, name: str, data: bytes, stream: Stream = "stdout") -> None:
        """Add to a container's output."""
        self.get(name).print(data, stream)

    # -- for the engine

    def check(self) -> None:
        """Raises EngineUnavailable while the engine is away."""
        if self._problem:
            raise self._away()

    def find(self, labels: Mapping[str, str]) -> list[FakeContainer]:
        """Every container with all of these labels, oldest first."""
        wanted = labels.items()
        return [c for c in self._containers.values() if wanted <= c.spec.labels.items() and not c.vanished]

    def get(self, name: str) -> FakeContainer:
        """Raises NotFound."""
        container = self.look(name)
        if container is None:
            raise NotFound(f'there is no container "{name}"', "It has been removed, or was never started.")
        return container

    def look(self, name: str) -> FakeContainer | None:
        """None if there is none of that name."""
        container = self._containers.get(name)
        return None if container is None or container.vanished else container

    async def start(self, spec: ContainerSpec, on_pull: OnPull | None, place: PlaceFiles | None) -> FakeContainer:
        """See `base.Scheduler.start`."""
        if not self._open:
            await self._held()
        existing = self.look(spec.name)
        if existing is not None:
            return existing
        digest = await self._pulled(spec, on_pull)
        steps, files = parse(spec), FakeFiles(spec.working_directory)
        if place is not None:
            await place(files)
            self.check()
        container = self.look(spec.name)
        if container is None:
            container = self._containers[spec.name] = FakeContainer(spec, steps, digest, self._clock, files)
            self.starts[spec.name] += 1
            container.run()
            self._wake()
        return container

    def remove(self, name: str) -> None:
        """See `base.Scheduler.remove`."""
        container = self._containers.pop(name, None)
        if container is not None:
            container.kill()

    async def _pulled(self, spec: ContainerSpec, on_pull: OnPull | None) -> str:
        if spec.image in self.missing_images:
            raise StartFailed(
                f'there is no image "{spec.image}"', "Take it out of missing_images.", reason=Reason.IMAGE_NOT_FOUND
            )
        if spec.image not in self.unpulled_images and spec.pull != "always":
            return ""
        digest = f"sha256:{hashlib.sha256(spec.image.encode()).hexdigest()}"
        if on_pull is not None:
            await on_pull(PullProgress(spec.image, "pulling", done=False))
            await on_pull(PullProgress(spec.image, digest, done=True))
        self.unpulled_images.discard(spec.image)
        return digest

    async def _held(self) -> None:
        while not self._open:
            self.check()
            await self._changed()
        self.check()

    async def _changed(self) -> None:
        future = asyncio.get_running_loop().create_future()
        self._waiting.add(future)
        try:
            await future
        finally:
            self._waiting.discard(future)

    def _wake(self) -> None:
        for future in self._waiting:
            if not future.done():
                future.set_result(None)

    def _away(self) -> EngineUnavailable:
        return EngineUnavailable(self._problem, "Call come_back() on its world.")
