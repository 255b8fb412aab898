"""Docker: what Gofer adds to one container, and how many containers a second, beside a bare client of the engine."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import AsyncIterator
from typing import Any

import aiohttp

from benchmarks.figure import Figure, median, ms, percentile
from benchmarks.host import server
from benchmarks.load import Ends, Load

_SOCKET = "/var/run/docker.sock"
_API = "http://docker/v1.41"
IMAGE = "busybox:stable"
_COMMAND = ["echo", "hello"]
_PAIRS = 40
_MANY = 60
_TURNS = 3


class Bare:
    """The least that runs a container: create, start, wait, logs, delete, over one kept connection."""

    async def __aenter__(self) -> Bare:
        self._session = aiohttp.ClientSession(connector=aiohttp.UnixConnector(_SOCKET, limit=0))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def run(self) -> float:
        """One container; returns the seconds it took."""
        before = time.perf_counter()
        name = await self._create(_COMMAND)
        await self._call("POST", f"/containers/{name}/start")
        await self._call("POST", f"/containers/{name}/wait")
        logs = await self._call("GET", f"/containers/{name}/logs?stdout=1&stderr=1")
        assert b"hello" in logs
        await self._call("DELETE", f"/containers/{name}?v=1")
        return time.perf_counter() - before

    async def attached(self, command: list[str]) -> AsyncIterator[int]:
        """Runs a container and reads what it prints, frames and all; gives the size of each piece."""
        name = await self._create(command)
        reader, writer = await asyncio.open_unix_connection(_SOCKET, limit=1024 * 1024)
        path = f"/v1.41/containers/{name}/attach?stream=1&stdout=1&stderr=1"
        writer.write(f"POST {path} HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n".encode())
        await reader.readuntil(b"\r\n\r\n")
        await self._call("POST", f"/containers/{name}/start")
        while piece := await reader.read(1024 * 1024):
            yield len(piece)
        writer.close()
        await self._call("POST", f"/containers/{name}/wait")
        await self._call("DELETE", f"/containers/{name}?v=1")

    async def destroyed(self, names: asyncio.Queue[str]) -> None:
        """Puts the name of every container that the engine removes into `names`."""
        query = json.dumps({"type": ["container"], "event": ["destroy"]})
        timeout = aiohttp.ClientTimeout(total=None)
        async with self._session.get(f"{_API}/events", params={"filters": query}, timeout=timeout) as answer:
            async for line in answer.content:
                names.put_nowait(json.loads(line)["Actor"]["Attributes"]["name"])

    async def _create(self, command: list[str]) -> str:
        name = f"gofer-bench-{uuid.uuid4().hex}"
        config = {
            "Image": IMAGE,
            "Cmd": command,
            "Labels": {"gofer-bench": "1"},
            "HostConfig": {"LogConfig": {"Type": "local"}, "Init": True},
        }
        await self._call("POST", f"/containers/create?name={name}", config)
        return name

    async def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> bytes:
        async with self._session.request(method, _API + path, json=body) as answer:
            data = await answer.read()
            assert answer.status < 300, data
            return data


async def added() -> list[Figure]:
    """Pairs, in turn: one container from the bare client, one as a run of Gofer, both until the container is gone."""
    bare_took, gofer_took, ended_took = [], [], []
    with server("docker") as host:
        async with Bare() as bare, Load(host.api.address, 4) as load:
            manifest = {"id": "one", "tasks": [{"id": "a", "image": IMAGE, "command": _COMMAND}]}
            await load.register(manifest)
            gone: asyncio.Queue[str] = asyncio.Queue()
            watching = asyncio.create_task(bare.destroyed(gone))
            async with Ends(load, "one").listening() as ends:
                for pair in range(_PAIRS + 2):
                    took = await bare.run()
                    await _next(gone, "gofer-bench-")
                    before = time.perf_counter()
                    run = await load.start("one")
                    ended = await ends.wait(run) - before
                    await _next(gone, "gofer.one.")
                    if pair >= 2:
                        bare_took.append(took)
                        ended_took.append(ended)
                        gofer_took.append(time.perf_counter() - before)
            watching.cancel()
    differences = [g - b for g, b in zip(gofer_took, bare_took, strict=True)]
    p50 = percentile(gofer_took, 0.5) - percentile(bare_took, 0.5)
    p95 = percentile(gofer_took, 0.95) - percentile(bare_took, 0.95)
    note = (
        f"{_PAIRS} pairs in turn; bare p50 {ms(median(bare_took))}, p95 {ms(percentile(bare_took, 0.95))};"
        f" Gofer from the API call to the container gone p50 {ms(median(gofer_took))},"
        f" p95 {ms(percentile(gofer_took, 0.95))}, to the run ended p50 {ms(median(ended_took))};"
        f" pair by pair the median difference is {ms(median(differences))}"
    )
    name = "Docker: time Gofer adds to a container's create + start + wait + logs + delete, one at a time"
    met = p50 <= 0.015 and p95 <= 0.03
    return [Figure(name, "0", "p50 ≤ 15 ms, p95 ≤ 30 ms", f"p50 {ms(p50)}, p95 {ms(p95)}", met, note)]


async def _next(names: asyncio.Queue[str], prefix: str) -> None:
    while not (await names.get()).startswith(prefix):
        pass


async def rate() -> list[Figure]:
    """The number side by side at which the bare client is best; then it and one run of as many tasks, in turn."""
    async with Bare() as bare:
        levels = {side_by_side: await _bare_rate(bare, side_by_side, _MANY // 2) for side_by_side in (4, 6, 8, 12)}
        best = max(levels, key=lambda side_by_side: levels[side_by_side])
        bare_rates, gofer_rates = [], []
        with server("docker") as host:
            async with Load(host.api.address, 4) as load:
                tasks = [{"id": f"t{n}", "image": IMAGE, "command": _COMMAND} for n in range(_MANY)]
                await load.register({"id": "many", "tasks": tasks})
                gone: asyncio.Queue[str] = asyncio.Queue()
                watching = asyncio.create_task(bare.destroyed(gone))
                for _ in range(_TURNS):
                    bare_rates.append(await _bare_rate(bare, best, _MANY))
                    before = time.perf_counter()
                    await load.start("many")
                    for _ in range(_MANY):
                        await _next(gone, "gofer.many.")
                    gofer_rates.append(_MANY / (time.perf_counter() - before))
                watching.cancel()
    floor, reached = median(bare_rates), median(gofer_rates)
    share = reached / floor
    shown = ", ".join(f"{n} side by side {r:.2f}" for n, r in levels.items())
    turns = ", ".join(f"{b:.2f} and {g:.2f}" for b, g in zip(bare_rates, gofer_rates, strict=True))
    return [
        Figure(
            "Docker: containers a second, many tasks waiting",
            f"{floor:.2f} a second from a bare client, {best} side by side",
            "≥ 95 % of it",
            f"{reached:.2f} a second, {share:.0%}",
            share >= 0.95,
            f"runs of {_MANY} tasks, in turn with as many containers of the bare client: {turns}; medians. To find the"
            f" bare client's best: {shown}",
        )
    ]


async def _bare_rate(bare: Bare, side_by_side: int, count: int) -> float:
    left = iter(range(count))

    async def worker() -> None:
        for _ in left:
            await bare.run()

    before = time.perf_counter()
    await asyncio.gather(*(worker() for _ in range(side_by_side)))
    return count / (time.perf_counter() - before)
