"""An HTTP and websocket client that costs little, so that it measures the server and not itself."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import aiohttp

NAMESPACE = "/api/v1/namespaces/default"


class Load:
    """Many requests at once to one server; `session` may be used directly."""

    def __init__(self, address: str, connections: int) -> None:
        self.address = address
        self._connections = connections
        self.session: aiohttp.ClientSession

    async def __aenter__(self) -> Load:
        connector = aiohttp.TCPConnector(limit=self._connections)
        self.session = aiohttp.ClientSession(self.address, connector=connector)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.session.close()

    async def post(self, path: str, body: object = None) -> Any:
        """The decoded answer."""
        async with self.session.post(path, json=body if body is not None else {}) as answer:
            data = await answer.json(content_type=None)
            assert answer.status < 300, data
            return data

    async def get(self, path: str) -> bytes:
        """The answer as it came; it is not decoded, so that the client costs little."""
        async with self.session.get(path) as answer:
            data = await answer.read()
            assert answer.status == 200, (path, data)
            return data

    async def last_event(self) -> int:
        """The number of the newest event."""
        page = json.loads(await self.get("/api/v1/events?newest_first=true&limit=1"))
        return max((event["seq"] for event in page["items"]), default=0)

    async def register(self, manifest: dict[str, Any]) -> None:
        """Register a pipeline in the namespace `default`."""
        await self.post(f"{NAMESPACE}/pipelines", manifest)

    async def start(self, pipeline: str) -> int:
        """Start a run; returns its number when the server has acknowledged it."""
        run = await self.post(f"{NAMESPACE}/pipelines/{pipeline}/runs")
        assert isinstance(run["id"], int)
        return run["id"]

    async def events(self, query: str) -> AsyncIterator[dict[str, Any]]:
        """Events as they come, by the event stream's query."""
        async with self.session.ws_connect(f"/api/v1/events/stream?{query}", max_msg_size=0, compress=0) as socket:
            async for message in socket:
                for event in json.loads(message.data)["events"]:
                    yield event


class Ends:
    """Hears the end of every run of a pipeline; `wait` returns when a run has ended."""

    def __init__(self, load: Load, pipeline: str) -> None:
        self._load = load
        self._pipeline = pipeline
        self._ended: dict[int, float] = {}
        self._waiters: dict[int, asyncio.Future[None]] = {}
        self.statuses: dict[str, int] = {}

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[Ends]:
        """Hears every end from now on."""
        task = asyncio.create_task(self._listen(await self._load.last_event()))
        try:
            yield self
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def wait(self, run: int) -> float:
        """When the end was heard of, by `time.perf_counter`."""
        if run not in self._ended:
            self._waiters[run] = asyncio.get_running_loop().create_future()
            await self._waiters[run]
        return self._ended.pop(run)

    async def _listen(self, after: int) -> None:
        query = f"after={after}&kind=run.ended&namespace=default&pipeline={self._pipeline}"
        async for event in self._load.events(query):
            run, status = event["run"], event["data"]["status"]
            self.statuses[status] = self.statuses.get(status, 0) + 1
            self._ended[run] = time.perf_counter()
            waiter = self._waiters.pop(run, None)
            if waiter is not None:
                waiter.set_result(None)
