"""Many websocket followers of one log that grows steadily: what the server spends, and how late lines come.

    python benchmarks/log_follow.py [--followers 100] [--rate 10000] [--seconds 10] [--size 100]

The server (capture, file, follow, uvicorn on uvloop) and the followers are a process each. A line's lateness counts
from the moment its chunk is handed to the capture to the moment the follower has read the whole frame.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import resource
import socket
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import uvicorn
import uvloop
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket

from gofer.engines.scheduler.base import Chunk
from gofer.models.run import LogState
from gofer.server.clock import Clock
from gofer.server.logs.logs import LogId, Logs

LOG = LogId("default", "bench", 1, "task", 1)
_TICK = 0.005


async def lines(options: argparse.Namespace) -> AsyncIterator[Chunk]:
    """`rate` lines a second for `seconds`, in chunks every 5 ms; each line begins with when it was made, in ns."""
    begin = time.monotonic()
    made, total = 0, int(options.rate * options.seconds)
    filler = b"x" * (options.size - 21)
    while made < total:
        due = min(int((time.monotonic() - begin) * options.rate), total)
        if due > made:
            now = time.monotonic_ns()
            line = b"%019d %s\n" % (now, filler)
            yield Chunk("stdout", line * (due - made), time.time_ns())
            made = due
        await asyncio.sleep(_TICK)


async def serve(options: argparse.Namespace, pipe: Connection) -> None:
    logs = Logs(Path(options.folder), Clock())
    await logs.open()

    async def state() -> LogState:
        return "open"

    async def stream(websocket: WebSocket) -> None:
        await websocket.accept()
        async with aclosing(logs.follow(LOG, 1, None, state)) as frames:
            async for frame in frames:
                await websocket.send_text(frame)
        await websocket.close()

    app = Starlette(routes=[WebSocketRoute("/", stream)])
    config = uvicorn.Config(
        app, ws="websockets-sansio", ws_per_message_deflate=False, log_level="warning", lifespan="off"
    )
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve([listener]))
    pipe.send(listener.getsockname()[1])
    await asyncio.get_running_loop().run_in_executor(None, pipe.recv)
    before, began = _cpu(), time.monotonic()
    await logs.capture(LOG, lines(options))
    pipe.send((_cpu() - before, time.monotonic() - began))
    await logs.finish(LOG)
    await asyncio.get_running_loop().run_in_executor(None, pipe.recv)
    server.should_exit = True
    await serving
    await logs.close()
    pipe.send(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def follow(port: int, late: list[int]) -> int:
    """One follower; returns how many lines it got. Keeps the lateness (ns) of each frame's first and last line."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=4 * 1024 * 1024)
    key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    writer.write(f"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n{key}\r\n".encode())
    await reader.readuntil(b"\r\n\r\n")
    count = 0
    while True:
        head = await reader.readexactly(2)
        size = head[1] & 127
        if size >= 126:
            size = int.from_bytes(await reader.readexactly(2 if size == 126 else 8), "big")
        data = await reader.readexactly(size)
        now = time.monotonic_ns()
        if b'"end"' in data[:20]:
            writer.close()
            return count
        if data[:1] != b"{":
            continue
        count += data.count(b'Z","std')
        first = data.index(b'","std', 0, 200) + 12
        last = data.rindex(b'","std') + 12
        late += (now - int(data[first : first + 19]), now - int(data[last : last + 19]))


async def followers(options: argparse.Namespace, port: int, late: list[int]) -> list[int]:
    return await asyncio.gather(*(follow(port, late) for _ in range(options.followers)))


def _serve(options: argparse.Namespace, pipe: Connection) -> None:
    uvloop.run(serve(options, pipe))


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """The figures, by name."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(options, theirs))
    process.start()
    port = ours.recv()
    late: list[int] = []

    async def run() -> tuple[list[int], tuple[float, float]]:
        following = asyncio.create_task(followers(options, port, late))
        await asyncio.sleep(1)
        ours.send("go")
        counts = await following
        return counts, ours.recv()

    counts, (cpu, wall) = uvloop.run(run())
    ours.send("stop")
    peak = ours.recv()
    process.join()
    assert counts == [int(options.rate * options.seconds)] * options.followers, "a follower has not got every line"
    late.sort()
    return {
        "followers": options.followers,
        "lines_a_second": options.rate,
        "core_percent": round(100 * cpu / wall, 1),
        "p50_ms": round(late[len(late) // 2] / 1e6, 1),
        "p99_ms": round(late[len(late) * 99 // 100] / 1e6, 1),
        "max_ms": round(late[-1] / 1e6, 1),
        "server_peak_rss_mb": round(peak / 1024),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--followers", type=int, default=100)
    parser.add_argument("--rate", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--size", type=int, default=100)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as folder:
        options.folder = folder
        print(json.dumps(measure(options)))


if __name__ == "__main__":
    main()
