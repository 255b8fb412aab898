"""Containers in a Docker Engine, local or remote, or in what speaks its API.

Here is only what a start of Gofer needs. The rest, in docker_engine.py, is loaded with the first call that needs it, as
the library takes long to load.
"""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Final

from gofer.archive.entry import Member
from gofer.engines.scheduler.base import Chunk, Container, ContainerSpec, Exit, OnPull, PlaceFiles, Position, Session
from gofer.engines.scheduler.docker_address import Address, find_address
from gofer.engines.scheduler.docker_spec import DockerOptions
from gofer.engines.scheduler.docker_version import ask_version
from gofer.models.system import EngineInfo

if TYPE_CHECKING:
    from gofer.engines.scheduler.docker_engine import DockerEngine

_CHECK_TIMEOUT: Final = 5.0


class DockerScheduler:
    """Implements `Scheduler`; what has no text of its own is as the contract says, see `base.Scheduler`."""

    def __init__(self, options: DockerOptions) -> None:
        self._options = options
        self._address: Address
        self._tls: ssl.SSLContext | None = None
        self._api_version = ""
        self._engine: DockerEngine | None = None
        self._loading = asyncio.Lock()

    @property
    def name(self) -> str:
        return "docker"

    async def open(self) -> None:
        """Raises ConfigError for an address or certificates that cannot be used."""
        self._address = find_address(self._options.host, os.environ)
        self._tls = self._address.tls()

    async def close(self) -> None:
        if self._engine is not None:
            await self._engine.close()
            self._engine = None

    def share(self, source: str, target: str) -> str | None:
        # What listens on a Unix socket is on this machine; behind TCP, even of this machine, may be any.
        return target if self._address.path else None

    async def check(self) -> EngineInfo:
        answer = await ask_version(self._address, self._tls, _CHECK_TIMEOUT)
        # It may have been replaced by a newer one meanwhile.
        self._api_version = str(answer["ApiVersion"])
        if self._engine is not None:
            self._engine.speak(self._api_version)
        return EngineInfo(name=self.name, version=str(answer.get("Version", "")), address=self._address.text)

    async def start(
        self, spec: ContainerSpec, on_pull: OnPull | None = None, place: PlaceFiles | None = None
    ) -> Container:
        return await (await self._loaded()).start(spec, on_pull, place)

    async def inspect(self, name: str) -> Container | None:
        return await (await self._loaded()).inspect(name)

    async def wait(self, name: str) -> Exit | None:
        return await (await self._loaded()).wait(name)

    async def logs(self, name: str, since: Position = Position()) -> AsyncGenerator[Chunk, None]:  # noqa: B008
        async with aclosing((await self._loaded()).logs(name, since)) as chunks:
            async for chunk in chunks:
                yield chunk

    async def stop(self, name: str, grace: float) -> None:
        await (await self._loaded()).stop(name, grace)

    async def collect(self, name: str, path: str) -> AsyncGenerator[Member, None]:
        async with aclosing((await self._loaded()).collect(name, path)) as members:
            async for member in members:
                yield member

    async def remove(self, name: str) -> None:
        await (await self._loaded()).remove(name)

    async def list(self, labels: Mapping[str, str]) -> Sequence[Container]:
        return await (await self._loaded()).list(labels)

    async def exec(
        self, name: str, command: Sequence[str], *, terminal: bool, columns: int = 80, rows: int = 24
    ) -> Session:
        engine = await self._loaded()
        return await engine.exec(name, command, terminal=terminal, columns=columns, rows=rows)

    async def _loaded(self) -> DockerEngine:
        if self._engine is None:
            async with self._loading:
                if self._engine is None:
                    make = await asyncio.to_thread(_load)
                    engine = make(self._options, self._address, self._tls)
                    await engine.open(self._api_version)
                    self._engine = engine
        return self._engine


def _load() -> type[DockerEngine]:
    from gofer.engines.scheduler.docker_engine import DockerEngine

    return DockerEngine
