"""A command beside a container's own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any, Final

from gofer.engines.scheduler.base import Chunk
from gofer.engines.scheduler.docker_client import Client
from gofer.engines.scheduler.docker_errors import ApiError, plain
from gofer.engines.scheduler.docker_wire import Wire
from gofer.errors import Conflict, NotFound
from gofer.models.ids import shown

OpenWire = Callable[[str, dict[str, Any]], Awaitable[Wire]]

# The engine has no way to wait for such a command, and tells its exit code a moment after its output has ended.
_FIRST_LOOK, _LAST_LOOK = 0.005, 0.5
_UNKNOWN_EXIT: Final = 255
_END_OF_INPUT: Final = b"\x04"


class DockerSession:
    """Implements `Session`, see there."""

    def __init__(self, client: Client, wire: Wire, exec_id: str, *, terminal: bool) -> None:
        self._client = client
        self._wire = wire
        self._exec_id = exec_id
        self._terminal = terminal

    async def output(self) -> AsyncIterator[Chunk]:
        while (chunk := await self._wire.receive()) is not None:
            yield chunk

    async def write(self, data: bytes) -> None:
        await self._wire.write(data)

    async def close_input(self) -> None:
        if self._terminal:
            # With a terminal, the engine takes a closed input for the end of the output, too.
            await self._wire.write(_END_OF_INPUT)
        else:
            self._wire.write_eof()

    async def resize(self, columns: int, rows: int) -> None:
        if not self._terminal or self._wire.at_end:
            return
        try:
            await self._client.resize_exec(self._exec_id, columns, rows)
        except ApiError:
            return  # It has ended in this very moment.

    async def exit_code(self) -> int:
        delay = _FIRST_LOOK
        while True:
            try:
                state = await self._client.inspect_exec(self._exec_id)
            except ApiError:
                return _UNKNOWN_EXIT  # The container was removed, and this command with it.
            if not state["Running"] and state["ExitCode"] is not None:
                return int(state["ExitCode"])
            if not self._wire.at_end:
                await self._wire.ended.wait()
                continue
            await asyncio.sleep(delay)
            delay = min(delay * 2, _LAST_LOOK)

    async def close(self) -> None:
        self._wire.close()


async def open_session(
    client: Client, open_wire: OpenWire, name: str, command: Sequence[str], *, terminal: bool
) -> DockerSession:
    """Run the command in the container. Raises NotFound, Conflict or EngineUnavailable."""
    try:
        exec_id = (await client.create_exec(name, list(command), terminal=terminal)).id
        wire = await open_wire(f"/exec/{exec_id}/start", {"Detach": False, "Tty": terminal})
    except ApiError as error:
        if error.status == 404:
            raise NotFound(f"there is no container {shown(name)}", "It has ended and was removed.") from error
        raise Conflict(
            f"the command cannot be run in the container: {plain(error.message)}",
            "The container must be running, and the command must be in its image.",
        ) from error
    return DockerSession(client, wire, exec_id, terminal=terminal)
