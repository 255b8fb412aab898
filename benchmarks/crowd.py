"""Many tabs of the console in a process of their own: what each opens and asks for, and nothing of what it draws."""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
from multiprocessing.connection import Connection
from types import TracebackType
from urllib.parse import urlsplit

import uvloop

from benchmarks.tail import connect, read_frame
from benchmarks.wire import Wire

_PING, _PONG, _MASKED = 9, 0x8A, 0x80
_PAUSE = 2.0
"""Seconds: the page of pipelines asks no more often for those of which it has heard."""


class Crowd:
    """`tabs` tabs that show the pipelines of `default`, of which `pipeline` runs; open while the context lasts."""

    def __init__(self, address: str, tabs: int, pipeline: str) -> None:
        self._arguments = (address, tabs, pipeline)
        self._process: multiprocessing.process.BaseProcess
        self._pipe: Connection

    async def __aenter__(self) -> Crowd:
        self._pipe, theirs = multiprocessing.Pipe()
        context = multiprocessing.get_context("spawn")
        self._process = context.Process(target=_serve, args=(*self._arguments, theirs))
        self._process.start()
        # Theirs alone: the pipe ends with that process.
        theirs.close()
        await asyncio.to_thread(self._pipe.recv)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.is_alive():
            self._process.terminate()
        await asyncio.to_thread(self._process.join)

    @property
    def pid(self) -> int:
        """Of the process of all of them."""
        assert self._process.pid is not None
        return self._process.pid

    async def heard(self) -> tuple[list[int], int]:
        """Bytes of events that each has had so far, and how often all of them have asked."""
        self._pipe.send("heard")
        answer: tuple[list[int], int] = await asyncio.to_thread(self._pipe.recv)
        return answer


def _serve(address: str, tabs: int, pipeline: str, pipe: Connection) -> None:
    uvloop.run(_open_all(address, tabs, pipeline, pipe))


async def _open_all(address: str, tabs: int, pipeline: str, pipe: Connection) -> None:
    crowd = [_Tab(address, pipeline) for _ in range(tabs)]
    for tab in crowd:
        await tab.open()
    pipe.send("open")
    following = asyncio.gather(*(tab.follow() for tab in crowd), *(tab.ask() for tab in crowd))
    with contextlib.suppress(EOFError):
        while await asyncio.to_thread(pipe.recv):
            if following.done():
                following.result()
            pipe.send(([tab.bytes for tab in crowd], sum(tab.asked for tab in crowd)))
    following.cancel()


class _Tab:
    """One of them. `bytes` of events that it was sent; `asked`: how many requests it has made."""

    def __init__(self, address: str, pipeline: str) -> None:
        self._address = address
        self._pipeline = pipeline
        self._stale = asyncio.Event()
        self._wire = Wire(address)
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter
        self.bytes = 0
        self.asked = 0

    async def open(self) -> None:
        """What a tab asks for when it is opened: the page, who is there, the events, the pipelines."""
        await self._wire.__aenter__()
        await self._get("/ui/")
        await self._get("/api/v1/session")
        await self._get("/api/v1/namespaces/default/overview?limit=200")
        self._reader, self._writer = await connect(urlsplit(self._address).netloc, "/api/v1/events/stream?pause=100")

    async def follow(self) -> None:
        """Reads events as they come, and answers when the server asks whether it is there."""
        while True:
            kind, payload = await read_frame(self._reader)
            if kind == _PING:
                self._writer.write(bytes((_PONG, _MASKED | len(payload))) + bytes(4) + payload)
                continue
            self.bytes += len(payload)
            self._stale.set()

    async def ask(self) -> None:
        """After events for what they do not tell."""
        while True:
            await self._stale.wait()
            self._stale.clear()
            await self._get(f"/api/v1/namespaces/default/overview?limit=100&pipeline={self._pipeline}")
            await asyncio.sleep(_PAUSE)

    async def _get(self, path: str) -> None:
        self.asked += 1
        if not self._wire.is_open:
            await self._wire.__aenter__()
        try:
            await self._wire.get(path)
        except ConnectionResetError:
            # The server hung up on an idle connection meanwhile: asked again, as a browser does.
            await self._wire.__aenter__()
            await self._wire.get(path)
