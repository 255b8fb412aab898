"""Creating and starting containers, each at most once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from gofer.engines.scheduler.base import Container, ContainerSpec, OnPull, PlaceFiles
from gofer.engines.scheduler.docker_client import Client
from gofer.engines.scheduler.docker_errors import (
    ApiError,
    image_missing,
    is_missing_image,
    is_transient,
    plain,
    pull_failed,
    start_failed,
)
from gofer.engines.scheduler.docker_files import DockerFiles
from gofer.engines.scheduler.docker_held import Held
from gofer.engines.scheduler.docker_images import Digests, Pulls
from gofer.engines.scheduler.docker_spec import container_of, create_body, status_of
from gofer.engines.scheduler.docker_wire import Wire
from gofer.errors import EngineUnavailable, StartFailed
from gofer.models.ids import shown
from gofer.models.status import Reason

T = TypeVar("T")


class _ImageMissing(Exception):
    """The container cannot be created as its image is not there."""


class _Turn:
    """Of those who would start the same container: one after the other."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.users = 0


class Starter:
    """Starts containers. `attach(id)` connects to a container's streams; `concurrency`: how many start at once."""

    def __init__(
        self,
        client: Client,
        attach: Callable[[str], Awaitable[Wire]],
        *,
        concurrency: int,
        log_driver: str,
        init: bool,
    ) -> None:
        self._client = client
        self._attach = attach
        self._gate = asyncio.Semaphore(concurrency)
        self._log_driver = log_driver
        self._init = init
        self._pulls = Pulls(client)
        self._turns: dict[str, _Turn] = {}
        self._in_flight: dict[str, asyncio.Task[Any]] = {}
        self._held: dict[str, Held] = {}
        self.digests = Digests(client)

    async def start(self, spec: ContainerSpec, on_pull: OnPull | None, place: PlaceFiles | None) -> Container:
        """As the contract says."""
        async with self._turn(spec.name):
            if spec.pull == "always":
                found = await self._client.inspect(spec.name)
                if found is not None:
                    return await self._adopt(spec, found, place)
                await self._pulls.pull(spec.image, spec.credentials, on_pull)
            try:
                return await self._create_and_start(spec, place)
            except _ImageMissing:
                if spec.pull == "never":
                    raise image_missing(spec.image) from None
            await self._pulls.pull(spec.image, spec.credentials, on_pull)
            try:
                return await self._create_and_start(spec, place)
            except _ImageMissing:
                raise pull_failed(spec.image, "it was removed again right after it had been pulled") from None

    async def settled(self, name: str) -> None:
        """Returns when no request of a cancelled `start` is under way for that container."""
        task = self._in_flight.get(name)
        if task is not None:
            await asyncio.wait({task})

    def held(self, name: str) -> Held | None:
        """What is kept of a container that was started here."""
        return self._held.get(name)

    async def forget(self, name: str, patience: float) -> None:
        """It was removed: keep nothing of it, once the engine has said its last word or `patience` seconds are over."""
        held = self._held.pop(name, None)
        if held is not None:
            await held.finish(patience)

    async def close(self) -> None:
        """Free everything. Containers are left as they are."""
        await self._pulls.close()
        for held in self._held.values():
            held.close()
        self._held.clear()
        if self._in_flight:
            await asyncio.wait(self._in_flight.values())

    async def _create_and_start(self, spec: ContainerSpec, place: PlaceFiles | None) -> Container:
        body = create_body(spec, log_driver=self._log_driver, init=self._init)
        container = ""
        async with self._gate:
            try:
                container = await self._undisturbed(spec.name, self._client.create(spec.name, body))
            except ApiError as error:
                if error.status != 409:
                    raise self._refused(spec, error) from error
            else:
                if place is None:
                    return await self._start_created(spec, container)
        if container and place is not None:
            return await self._place_and_start(spec, container, place)
        found = await self._client.inspect(spec.name)
        if found is None:
            raise EngineUnavailable(f"the Docker Engine is still removing a container called {shown(spec.name)}")
        return await self._adopt(spec, found, place)

    async def _place_and_start(self, spec: ContainerSpec, container: str, place: PlaceFiles) -> Container:
        # Not within the gate: files may be large, and others need not wait for them.
        found = await self._client.inspect(container)
        if found is None:
            raise EngineUnavailable(f"the container {shown(spec.name)} was removed before it was started")
        await place(DockerFiles(self._client, container, found["Config"]))
        async with self._gate:
            return await self._start_created(spec, container)

    def _refused(self, spec: ContainerSpec, error: ApiError) -> Exception:
        if is_missing_image(error):
            return _ImageMissing()
        if error.passes:
            return EngineUnavailable(f"the Docker Engine is not well: {plain(error.message)}")
        if error.status == 400 and "invalid reference" in error.message:
            return pull_failed(spec.image, error.message)
        return start_failed(error.message)

    async def _adopt(self, spec: ContainerSpec, found: dict[str, Any], place: PlaceFiles | None) -> Container:
        labels = found["Config"].get("Labels") or {}
        if any(labels.get(key) != value for key, value in spec.labels.items()):
            raise StartFailed(
                f"there is a container called {shown(spec.name)} already, and it is not this attempt's",
                "Remove or rename it.",
                reason=Reason.START_FAILED,
            )
        if status_of(found["State"]["Status"]) != "created":
            return container_of(found, await self.digests.of(found["Image"]))
        failure = str(found["State"].get("Error") or "")
        if failure and not is_transient(failure):
            # It was tried before, by somebody who died before he could tell.
            raise start_failed(failure)
        if place is not None:
            return await self._place_and_start(spec, found["Id"], place)
        async with self._gate:
            return await self._start_created(spec, found["Id"])

    async def _start_created(self, spec: ContainerSpec, container: str) -> Container:
        earlier = self._held.pop(spec.name, None)
        if earlier is not None:
            earlier.close()
        held = Held()
        try:
            digest = await self._prepare(held, container)
            if not held.whole:
                raise EngineUnavailable("the Docker Engine hung up just before a container was started")
            self._held[spec.name] = held
            await self._undisturbed(spec.name, self._client.start(container))
        except ApiError as error:
            self._drop(spec.name, held)
            raise self._refused(spec, error) from error
        except EngineUnavailable:
            self._drop(spec.name, held)
            raise
        except asyncio.CancelledError:
            if self._held.get(spec.name) is not held:
                held.close()
            raise
        return Container(name=spec.name, status="running", labels=spec.labels, image_digest=digest)

    async def _prepare(self, held: Held, container: str) -> str:
        async def attach() -> None:
            held.keep_wire(await self._attach(container))

        async def wait() -> None:
            held.keep_wait(await self._client.wait(container, "next-exit"))

        async def digest() -> str:
            found = await self._client.inspect(container)
            return await self.digests.of(found["Image"]) if found else ""

        tasks = [asyncio.ensure_future(work) for work in (attach(), wait(), digest())]
        try:
            await asyncio.gather(*tasks)
        except BaseException:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            raise
        return str(tasks[2].result())

    def _drop(self, name: str, held: Held) -> None:
        if self._held.get(name) is held:
            del self._held[name]
        held.close()

    async def _undisturbed(self, name: str, request: Coroutine[Any, Any, T]) -> T:
        """The request's result. When the caller is cancelled the request goes on: the engine has it already."""
        task = asyncio.create_task(request)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            if not task.done():
                self._in_flight[name] = task
                task.add_done_callback(lambda done: self._landed(name, done))
            raise

    def _landed(self, name: str, task: asyncio.Task[Any]) -> None:
        if self._in_flight.get(name) is task:
            del self._in_flight[name]
        if not task.cancelled():
            task.exception()  # Nobody is there to hear of it; the container's state tells.

    @asynccontextmanager
    async def _turn(self, name: str) -> AsyncIterator[None]:
        turn = self._turns.setdefault(name, _Turn())
        turn.users += 1
        try:
            async with turn.lock:
                await self.settled(name)
                yield
        finally:
            turn.users -= 1
            if not turn.users:
                del self._turns[name]
