"""Containers in a Docker Engine, local or remote, or in what speaks its API."""

from __future__ import annotations

import asyncio
import math
import os
import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Final

import msgspec

from gofer.engines.scheduler.base import Chunk, Container, ContainerSpec, Exit, OnPull, Position, Session
from gofer.engines.scheduler.docker_address import Address, find_address, unavailable
from gofer.engines.scheduler.docker_errors import ApiError, plain
from gofer.engines.scheduler.docker_spec import container_of, status_of
from gofer.errors import GoferError
from gofer.models.system import EngineInfo

if TYPE_CHECKING:
    from gofer.engines.scheduler.docker_client import Client
    from gofer.engines.scheduler.docker_logs import Output
    from gofer.engines.scheduler.docker_start import Starter
    from gofer.engines.scheduler.docker_wire import Wire

_CHECK_TIMEOUT: Final = 5.0
_INSPECTED_AT_ONCE: Final = 8
_FAREWELL: Final = 1.0
_NOT_EXECUTED: Final = frozenset({126, 127})
_INIT_ERROR: Final = re.compile(r"\[FATAL tini \(\d+\)\] (exec .+ failed: .+)")
_READ_SIZE: Final = 256 * 1024


class DockerOptions(msgspec.Struct, frozen=True, kw_only=True):
    """`host`: the engine's address, "" for DOCKER_HOST or the usual socket. `start_concurrency`: how many containers
    are started at once. `log_driver`: of the containers, "" for the engine's default. `init`: whether a small init
    process runs the command, so that signals reach it and zombies are reaped."""

    host: str = ""
    start_concurrency: int = 6
    log_driver: str = "local"
    init: bool = True


class DockerScheduler:
    """Implements `Scheduler`. Everything about a container is kept in the engine; here are only connections."""

    def __init__(self, options: DockerOptions) -> None:
        self._options = options
        self._address: Address
        self._client: Client
        self._starter: Starter
        self._output: Output
        self._scratch = memoryview(b"")

    @property
    def name(self) -> str:
        return "docker"

    async def open(self) -> None:
        """Raises ConfigError for an address that cannot be understood."""
        self._address = find_address(self._options.host, os.environ)
        # aiodocker takes a quarter of a second to load: not in the event loop.
        make_client, make_output, make_starter = await asyncio.to_thread(_parts)
        self._scratch = memoryview(bytearray(_READ_SIZE))
        self._client = make_client(self._address)
        await self._client.open()
        self._output = make_output(self._client, self.wait, same_machine=bool(self._address.path))
        self._starter = make_starter(
            self._client,
            self._attach,
            concurrency=self._options.start_concurrency,
            log_driver=self._options.log_driver,
            init=self._options.init,
        )

    async def close(self) -> None:
        await self._starter.close()
        await self._client.close()

    async def check(self) -> EngineInfo:
        try:
            async with asyncio.timeout(_CHECK_TIMEOUT):
                answer = await self._client.version()
        except TimeoutError as error:
            raise unavailable(self._address, f"nothing came within {_CHECK_TIMEOUT:.0f} seconds") from error
        except ApiError as error:
            raise unavailable(self._address, error.message) from error
        return EngineInfo(name=self.name, version=str(answer.get("Version", "")), address=self._address.text)

    async def start(self, spec: ContainerSpec, on_pull: OnPull | None = None) -> Container:
        return await self._starter.start(spec, on_pull)

    async def inspect(self, name: str) -> Container | None:
        await self._starter.settled(name)
        found = await self._inspect(name)
        return await self._described(found) if found else None

    async def wait(self, name: str) -> Exit | None:
        await self._starter.settled(name)
        held = self._starter.held(name)
        if held is not None and held.can_answer:
            return await self._exit_of(name, await held.answer())
        ended: asyncio.Task[dict[str, Any]] | None = None
        try:
            # The engine waits before we look: so the end cannot come unnoticed between the two.
            ended = await self._client.wait(name, "next-exit")
            found = await self._client.inspect(name)
            if found is None:
                return None
            if status_of(found["State"]["Status"]) == "exited":
                return await self._exit_of(name, {"StatusCode": found["State"]["ExitCode"]})
            return await self._exit_of(name, await ended)
        except ApiError as error:
            if error.status == 404:
                return None
            raise self._unwell(error) from error
        finally:
            if ended is not None:
                ended.cancel()

    async def logs(self, name: str, since: Position = Position()) -> AsyncGenerator[Chunk, None]:  # noqa: B008
        await self._starter.settled(name)
        async with aclosing(self._output.read(name, since, self._starter.held(name))) as chunks:
            async for chunk in chunks:
                yield chunk

    async def stop(self, name: str, grace: float) -> None:
        await self._starter.settled(name)
        try:
            try:
                # The engine counts whole seconds; it kills by itself should we die meanwhile.
                async with asyncio.timeout(max(0.0, grace)):
                    await self._client.stop(name, math.ceil(grace))
            except TimeoutError:
                await self._client.kill(name)
        except ApiError as error:
            if error.status not in (404, 409):
                raise self._unwell(error) from error
        await self.wait(name)

    async def remove(self, name: str) -> None:
        await self._starter.settled(name)
        try:
            await self._client.delete(name)
        except ApiError as error:
            # 409: somebody else is removing it.
            if error.status not in (404, 409):
                raise self._unwell(error) from error
        self._output.forget(name)
        await self._starter.forget(name, patience=_FAREWELL)

    async def list(self, labels: Mapping[str, str]) -> Sequence[Container]:
        filters = {"label": [f"{key}={value}" for key, value in labels.items()]} if labels else {}
        try:
            found = await self._client.find(filters)
        except ApiError as error:
            raise self._unwell(error) from error
        gate = asyncio.Semaphore(_INSPECTED_AT_ONCE)

        async def described(container: str) -> Container | None:
            async with gate:
                whole = await self._inspect(container)
                return await self._described(whole) if whole is not None else None

        containers = await asyncio.gather(*(described(summary["Id"]) for summary in found))
        return [container for container in containers if container is not None]

    async def exec(
        self, name: str, command: Sequence[str], *, terminal: bool, columns: int = 80, rows: int = 24
    ) -> Session:
        from gofer.engines.scheduler.docker_exec import open_session

        await self._starter.settled(name)
        wire = self._wire(multiplexed=not terminal, patient=True)
        session = await open_session(self._client, self._address, wire, name, command, terminal=terminal)
        await session.resize(columns, rows)
        return session

    def _wire(self, *, multiplexed: bool, patient: bool) -> Wire:
        from gofer.engines.scheduler.docker_wire import Wire

        return Wire(self._scratch, multiplexed=multiplexed, patient=patient)

    async def _attach(self, container: str) -> Wire:
        from gofer.engines.scheduler.docker_wire import open_wire

        # Without an engine's log there is nothing to fall back to: then the container has to wait for its reader.
        wire = self._wire(multiplexed=True, patient=self._options.log_driver == "none")
        path = f"/containers/{container}/attach?stream=1&stdout=1&stderr=1"
        return await open_wire(wire, self._address, self._client.tls, path)

    async def _inspect(self, name: str) -> dict[str, Any] | None:
        try:
            return await self._client.inspect(name)
        except ApiError as error:
            raise self._unwell(error) from error

    async def _described(self, found: dict[str, Any]) -> Container:
        return container_of(found, await self._starter.digests.of(found["Image"]))

    async def _exit_of(self, name: str, answer: Mapping[str, Any]) -> Exit:
        code = int(answer["StatusCode"])
        message = str((answer.get("Error") or {}).get("Message", ""))
        if code == 0:
            return Exit(0, error=plain(message))
        found = await self._inspect(name)
        state = found["State"] if found else {}
        error = message or str(state.get("Error") or "")
        if code in _NOT_EXECUTED and not error:
            error = await self._word_of_init(name)
        return Exit(code, bool(state.get("OOMKilled")), plain(error))

    async def _word_of_init(self, name: str) -> str:
        """Why the init process could not execute the command, which it only tells the container's output."""
        try:
            match = _INIT_ERROR.search(await self._client.last_words(name, 2))
        except ApiError:
            return ""
        return match[1] if match else ""

    def _unwell(self, error: ApiError) -> GoferError:
        if error.passes:
            return unavailable(self._address, error.message)
        return GoferError(f"the Docker Engine refuses: {error.message}", "The engine's own log says more.")


def _parts() -> tuple[type[Client], type[Output], type[Starter]]:
    from gofer.engines.scheduler.docker_client import Client
    from gofer.engines.scheduler.docker_logs import Output
    from gofer.engines.scheduler.docker_start import Starter

    return Client, Output, Starter
