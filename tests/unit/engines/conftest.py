"""A process engine in a folder of its own."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gofer.engines.scheduler.base import Chunk, ContainerSpec, Position
from gofer.engines.scheduler.process import ProcessScheduler
from gofer.engines.scheduler.process_record import Folders, Record, read
from gofer.models.log import Stream


class Processes:
    """The engine under test, and what the tests here ask of it all the time."""

    def __init__(self, folder: Path) -> None:
        self.folders = Folders(str(folder))
        self.scheduler = ProcessScheduler(folder)

    async def reopen(self) -> None:
        """As if Gofer had been started again."""
        await self.scheduler.close()
        self.scheduler = ProcessScheduler(Path(self.folders.root))
        await self.scheduler.open()

    async def start(self, script: str, **changes: Any) -> str:
        """Start a shell script; its name."""
        given = spec(script, **changes)
        await self.scheduler.start(given)
        return given.name

    async def output(self, name: str, since: Position = Position()) -> dict[Stream, bytes]:  # noqa: B008
        """Everything it prints, until its end."""
        return together([chunk async for chunk in self.scheduler.logs(name, since)])

    async def run(self, script: str, **changes: Any) -> str:
        """What a script prints on its standard output."""
        return (await self.output(await self.start(script, **changes)))["stdout"].decode()

    async def first_line(self, name: str) -> str:
        """The first line of its output, as soon as it is there."""
        chunks = self.scheduler.logs(name)
        text = b""
        async for chunk in chunks:
            text += chunk.data
            if b"\n" in text:
                break
        await chunks.aclose()  # type: ignore[attr-defined]
        return text.partition(b"\n")[0].decode()

    def record(self, name: str) -> Record:
        with Path(self.folders.record(name)).open("rb") as file:
            found = read(file.fileno())
        assert found is not None
        return found

    def scratch(self, name: str) -> Path:
        return Path(self.folders.scratch(name))


def spec(script: str, **changes: Any) -> ContainerSpec:
    """A shell script under a new name."""
    fields: dict[str, Any] = {"name": f"p.{uuid.uuid4().hex}", "image": "any", "command": ["sh", "-c", script]}
    return ContainerSpec(**fields | changes)


def together(chunks: list[Chunk]) -> dict[Stream, bytes]:
    return {
        "stdout": b"".join(chunk.data for chunk in chunks if chunk.stream == "stdout"),
        "stderr": b"".join(chunk.data for chunk in chunks if chunk.stream == "stderr"),
    }


def lives(pid: int) -> bool:
    """Whether a process is there and not a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.fixture
async def processes(tmp_path: Path) -> AsyncIterator[Processes]:
    made = Processes(tmp_path / "engine")
    await made.scheduler.open()
    try:
        yield made
    finally:
        for container in await made.scheduler.list({}):
            await made.scheduler.remove(container.name)
        await made.scheduler.close()
