"""What this process keeps of a container that it started: its output since the start, and the wait for its end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

from gofer.engines.scheduler.base import Chunk, Position
from gofer.engines.scheduler.docker_errors import ApiError
from gofer.engines.scheduler.docker_wire import Wire
from gofer.errors import EngineUnavailable


class Held:
    """Both connections are made before the container is started, so nothing can be missed.

    The wait also tells what the end of the output means: if the engine lived to answer it, the output was whole.
    """

    def __init__(self) -> None:
        self._wire: Wire | None = None
        self._ended: asyncio.Task[dict[str, Any]] | None = None
        self._reading = False
        self.given = Position()
        self.lost_at = 0

    def keep_wire(self, wire: Wire) -> None:
        """The attached streams."""
        self._wire = wire

    def keep_wait(self, ended: asyncio.Task[dict[str, Any]]) -> None:
        """The engine's answer when the container ends. Nobody may ever ask for it."""
        self._ended = ended
        ended.add_done_callback(lambda task: task.cancelled() or task.exception())

    @property
    def whole(self) -> bool:
        """Whether both connections are still there, as they must be just before the start."""
        return self.can_answer and self._wire is not None and not self._wire.at_end

    @property
    def can_answer(self) -> bool:
        """Whether the end of the container will be, or has been, told here."""
        if self._ended is None or self._ended.cancelled():
            return False
        return not self._ended.done() or self._ended.exception() is None

    def can_give(self, since: Position) -> bool:
        """Whether the output from there on is here, and nobody else reads it."""
        return self._wire is not None and not self._reading and since == self.given

    async def output(self) -> AsyncGenerator[Chunk, None]:
        """What the container prints, from `given` on.

        When it has ended, `can_give` tells whether that was all: a reader who was too slow finds the rest in the
        engine's log. Raises EngineUnavailable when the engine died; `lost_at` is when, in ns since the epoch.
        """
        wire = self._wire
        assert wire is not None
        self._reading = True
        try:
            while (chunk := await wire.receive()) is not None:
                self.given = advanced(self.given, chunk)
                yield chunk
            if wire.let_go:
                self._wire = None
            else:
                await self.answer()
        except EngineUnavailable:
            self._wire, self.lost_at = None, wire.ended_at
            raise
        finally:
            self._reading = False

    async def answer(self) -> dict[str, Any]:
        """The engine's answer when the container has ended. Raises EngineUnavailable."""
        ended = self._ended
        assert ended is not None
        await asyncio.wait({ended})
        if ended.cancelled():
            raise EngineUnavailable("the wait for a container was given up as it was removed")
        try:
            return ended.result()
        except ApiError as error:
            raise EngineUnavailable(f"the Docker Engine gave up waiting for a container: {error.message}") from error

    async def finish(self, patience: float) -> None:
        """The container was removed: let the engine's last word come in, then close."""
        if self._ended is not None:
            await asyncio.wait({self._ended}, timeout=patience)
        self.close()

    def close(self) -> None:
        """Give both connections up."""
        if self._wire is not None:
            self._wire.close()
        if self._ended is not None:
            self._ended.cancel()


def advanced(position: Position, chunk: Chunk) -> Position:
    """The position after the chunk."""
    if chunk.stream == "stdout":
        return Position(position.stdout + len(chunk.data), position.stderr)
    return Position(position.stdout, position.stderr + len(chunk.data))
