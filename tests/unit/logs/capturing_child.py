"""A process that captures a known output from where the file ends, slowly enough to be killed on the way.

python -m tests.unit.logs.capturing_child <root> <seed> [<value to hide> ...]
"""

from __future__ import annotations

import asyncio
import random
import sys
from collections.abc import AsyncIterator
from functools import cache
from pathlib import Path

from gofer.engines.scheduler.base import Chunk, Position
from gofer.server.clock import Clock
from gofer.server.logs.logs import Logs
from gofer.server.logs.mask import Masks
from gofer.server.logs.record import STREAMS
from tests.unit.logs.reading import AT, LOG

SIZE = 1_500_000


@cache
def output(stream: str) -> bytes:
    """All that a stream prints: lines short and long, junk, no newline at the end."""
    source = random.Random(stream)
    parts: list[bytes] = []
    size = 0
    while size < SIZE:
        kind = source.random()
        if kind < 0.9:
            parts.append(b"%s %d %s\n" % (stream.encode(), size, b"x" * source.randrange(120)))
        elif kind < 0.99:
            parts.append(source.randbytes(source.randrange(3_000)))
        else:
            parts.append(b"long" * source.randrange(20_000))
        size += len(parts[-1])
    return b"".join(parts)


async def chunks(since: Position, seed: int) -> AsyncIterator[Chunk]:
    """Everything from `since` on, in pieces of any size, the streams mixed."""
    source = random.Random(seed)
    at = list(since)
    while any(at[number] < len(output(name)) for number, name in enumerate(STREAMS)):
        number = source.randrange(2)
        data = output(STREAMS[number])[at[number] : at[number] + source.choice([1, 40, 500, 9_000, 70_000])]
        at[number] += len(data)
        if data:
            yield Chunk(STREAMS[number], data, AT)
        await asyncio.sleep(source.choice([0, 0, 0.001, 0.06 if source.random() < 0.05 else 0]))


async def main(root: Path, seed: int, hidden: list[str]) -> None:
    logs = Logs(root, Clock())
    await logs.open()
    logs.protect(LOG, Masks(hidden))
    since = await logs.position(LOG)
    print(*since, flush=True)
    await logs.capture(LOG, chunks(since, seed))
    await logs.finish(LOG)
    await logs.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]))
