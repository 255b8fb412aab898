"""Everything a container prints, from wherever it is to be had, no byte lost or doubled."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from time import time_ns
from typing import Final

from gofer.engines.scheduler.base import Chunk, Exit, Position
from gofer.engines.scheduler.docker_client import Client
from gofer.engines.scheduler.docker_errors import ApiError
from gofer.engines.scheduler.docker_held import Held, advanced
from gofer.engines.scheduler.docker_log import Gaps, LogReader
from gofer.engines.scheduler.docker_spec import status_of
from gofer.errors import EngineUnavailable

_UNREADABLE: Final = "does not support reading"


class Output:
    """Reads containers' output. `wait(name)` returns when a container has ended, None if it vanished.

    `same_machine`: the engine's clock is ours, so its timestamps can be compared with what we saw.
    """

    def __init__(self, client: Client, wait: Callable[[str], Awaitable[Exit | None]], *, same_machine: bool) -> None:
        self._client = client
        self._wait = wait
        self._same_machine = same_machine
        self._gaps: dict[str, Gaps] = {}

    async def read(self, name: str, since: Position, held: Held | None) -> AsyncGenerator[Chunk, None]:
        """As the contract says; `held` is what is kept of the container if it was started here."""
        if held is not None and held.can_give(since):
            try:
                async with aclosing(held.output()) as chunks:
                    async for chunk in chunks:
                        yield chunk
            except EngineUnavailable:
                self._interrupted(name, held.lost_at)
                raise
            if held.can_give(held.given):
                return
            since = held.given
        async with aclosing(self._from_engine(name, since)) as chunks:
            async for chunk in chunks:
                yield chunk

    def forget(self, name: str) -> None:
        """The container was removed."""
        self._gaps.pop(name, None)

    async def _from_engine(self, name: str, since: Position) -> AsyncGenerator[Chunk, None]:
        try:
            found = await self._client.inspect(name)
            if found is None:
                return
            if status_of(found["State"]["Status"]) != "exited":
                async with aclosing(self._pass(name, since, follow=True)) as chunks:
                    async for chunk in chunks:
                        since = advanced(since, chunk)
                        yield chunk
                # The engine ends this cleanly even where it has not caught up with what the container printed.
                if await self._wait(name) is None:
                    return
            async with aclosing(self._pass(name, since, follow=False)) as chunks:
                async for chunk in chunks:
                    yield chunk
        except ApiError as error:
            if error.status == 404:
                return
            if error.passes:
                raise EngineUnavailable(f"the Docker Engine is not well: {error.message}") from error
            if _UNREADABLE not in error.message:
                yield _note(f"the engine does not give the log from here on: {error.message}")
            await self._wait(name)

    async def _pass(self, name: str, since: Position, *, follow: bool) -> AsyncGenerator[Chunk, None]:
        reader = LogReader(since, self._gaps.get(name) or Gaps())
        try:
            async with self._client.logs(name, follow=follow) as pieces, aclosing(reader.read(pieces)) as chunks:
                async for chunk in chunks:
                    yield chunk
        except EngineUnavailable:
            self._interrupted(name, time_ns())
            raise
        if not follow:
            for chunk in reader.rest():
                yield chunk
            if reader.engine_error:
                yield _note(f"the engine's log ends here: {reader.engine_error}")

    def _interrupted(self, name: str, at_ns: int) -> None:
        if self._same_machine:
            self._gaps.setdefault(name, Gaps()).interrupted(at_ns)


def _note(text: str) -> Chunk:
    return Chunk("stderr", f"gofer: {text}\n".encode(), time_ns())
