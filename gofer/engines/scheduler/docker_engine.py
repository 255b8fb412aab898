"""What the Docker engine does once it is loaded: every call of the contract but `check`."""

from __future__ import annotations

import asyncio
import math
import re
import ssl
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import Any, Final

from gofer.archive.entry import Member
from gofer.engines.scheduler.base import Chunk, Container, ContainerSpec, Exit, OnPull, PlaceFiles, Position, Session
from gofer.engines.scheduler.docker_address import Address, unavailable
from gofer.engines.scheduler.docker_client import Client
from gofer.engines.scheduler.docker_errors import ApiError, plain
from gofer.engines.scheduler.docker_exec import open_session
from gofer.engines.scheduler.docker_files import collect
from gofer.engines.scheduler.docker_logs import Output
from gofer.engines.scheduler.docker_spec import DockerOptions, container_of, status_of
from gofer.engines.scheduler.docker_start import Starter
from gofer.engines.scheduler.docker_wire import Wire, open_wire
from gofer.errors import GoferError

_INSPECTED_AT_ONCE: Final = 8
_FAREWELL: Final = 1.0
_NOT_EXECUTED: Final = frozenset({126, 127})
_INIT_ERROR: Final = re.compile(r"\[FATAL tini \(\d+\)\] (exec .+ failed: .+)")
_READ_SIZE: Final = 256 * 1024


class DockerEngine:
    """One engine's containers. Everything about a container is kept in the engine; here are only connections.

    What has no text of its own is a call of the contract, see `base.Scheduler`.
    """

    def __init__(self, options: DockerOptions, address: Address, tls: ssl.SSLContext | None) -> None:
        self._options = options
        self._address = address
        self._tls = tls
        self._scratch = memoryview(bytearray(_READ_SIZE))
        self._client = Client(address, tls)
        self._output = Output(self._client, self.wait, same_machine=bool(address.path))
        self._starter = Starter(
            self._client,
            self._attach,
            concurrency=options.start_concurrency,
            log_driver=options.log_driver,
            init=options.init,
        )

    async def open(self, api_version: str) -> None:
        """Makes the connection pool. `api_version`: what the engine speaks, "" if that is not known yet."""
        await self._client.open()
        self.speak(api_version)

    def speak(self, api_version: str) -> None:
        """The engine has told which version of its API it speaks."""
        if api_version:
            self._client.speak(api_version)

    async def close(self) -> None:
        """Drops every connection."""
        await self._starter.close()
        await self._client.close()

    async def start(
        self, spec: ContainerSpec, on_pull: OnPull | None = None, place: PlaceFiles | None = None
    ) -> Container:
        try:
            return await self._starter.start(spec, on_pull, place)
        except ApiError as error:
            raise self._unwell(error) from error

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
            # The engine counts whole seconds; it kills by itself should we die meanwhile.
            async with asyncio.timeout(max(0.0, grace)):
                await self._client.stop(name, math.ceil(grace))
        except TimeoutError:
            await self._kill(name)
        except ApiError as error:
            if error.status != 404:
                raise self._unwell(error) from error

    async def _kill(self, name: str) -> None:
        try:
            await self._client.kill(name)
        except ApiError as error:
            # 409: it does not run.
            if error.status not in (404, 409):
                raise self._unwell(error) from error
        else:
            await self.wait(name)

    async def collect(self, name: str, path: str) -> AsyncGenerator[Member, None]:
        await self._starter.settled(name)
        try:
            async with aclosing(collect(self._client, name, path)) as members:
                async for member in members:
                    yield member
        except ApiError as error:
            raise self._unwell(error) from error

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
        await self._starter.settled(name)

        async def connect(path: str, body: dict[str, Any]) -> Wire:
            wire = Wire(self._scratch, multiplexed=not terminal, patient=True)
            return await open_wire(wire, self._address, self._tls, path, body)

        session = await open_session(self._client, connect, name, command, terminal=terminal)
        try:
            await session.resize(columns, rows)
        except BaseException:
            await session.close()
            raise
        return session

    async def _attach(self, container: str) -> Wire:
        # Without an engine's log there is nothing to fall back to: then the container has to wait for its reader.
        wire = Wire(self._scratch, multiplexed=True, patient=self._options.log_driver == "none")
        path = f"/containers/{container}/attach?stream=1&stdout=1&stderr=1"
        return await open_wire(wire, self._address, self._tls, path)

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
