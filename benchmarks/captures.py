"""Docker: output of a container into a log, beside a bare client that is attached to the same container."""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.containers import IMAGE, Bare
from benchmarks.figure import Figure, median
from benchmarks.host import cpu_seconds, pid, server
from benchmarks.load import NAMESPACE, Ends, Load
from tests.support.server import ServerProcess

_LINE = "x" * 99
_LINES = 500_000
_BYTES = _LINES * 100
_COMMAND = ["sh", "-c", f"yes {_LINE} | head -n {_LINES}"]
_ROUNDS = 5
_SECRETS = 20


class _Captured(NamedTuple):
    """Seconds from the first byte to the last, and seconds of the server's processor time for the whole run."""

    seconds: float
    cpu: float


async def capture() -> list[Figure]:
    """Rounds in turn: the bare client, then a run of Gofer with the same container."""
    bare: list[float] = []
    ours: list[_Captured] = []
    with server("docker") as host:
        async with Bare() as client, Load(host.api.address, 4) as load:
            await load.register({"id": "loud", "tasks": [{"id": "a", "image": IMAGE, "command": _COMMAND}]})
            async with Ends(load, "loud").listening() as ends:
                for _ in range(_ROUNDS):
                    bare.append(await _bare(client))
                    ours.append(await _captured(host, load, ends, "loud"))
    floor, rate = _BYTES / median(bare) / 1e6, _BYTES / median([o.seconds for o in ours]) / 1e6
    cpu = median([o.cpu for o in ours])
    return [
        Figure(
            "log capture from Docker, 100-byte lines",
            f"{floor:.1f} MB/s into a bare client attached to the same container, log driver `local`",
            "≥ 30 MB/s, ≤ 0.5 CPU s for 50 MB, nothing lost",
            f"{rate:.1f} MB/s, {cpu:.2f} CPU s, nothing lost",
            rate >= 30 and cpu <= 0.5,
            f"{_LINES} lines a round, median of {_ROUNDS} rounds in turn; from the first byte's arrival to the last"
            " byte in the file; the processor time is the server's for the whole run; every byte was compared",
        )
    ]


async def capture_hiding() -> list[Figure]:
    """Rounds in turn: the same container without secrets and with 20, none of which it prints."""
    bare: list[_Captured] = []
    hiding: list[_Captured] = []
    task = {"id": "a", "image": IMAGE, "command": _COMMAND}
    values = {f"key-{n}": f"{n:02}" + "S" * 38 for n in range(_SECRETS)}
    with server("docker") as host:
        async with Load(host.api.address, 4) as load:
            await load.register({"id": "loud", "tasks": [task]})
            variables = {f"V{n}": f"secret{{{{key-{n}}}}}" for n in range(_SECRETS)}
            await load.register({"id": "hiding", "tasks": [{**task, "variables": variables}]})
            for key, value in values.items():
                host.api.call("PUT", f"/api/v1/namespaces/default/pipelines/hiding/secrets/{key}", {"value": value})
            async with Ends(load, "loud").listening() as plain, Ends(load, "hiding").listening() as ends:
                for _ in range(_ROUNDS):
                    bare.append(await _captured(host, load, plain, "loud"))
                    hiding.append(await _captured(host, load, ends, "hiding"))
    floor, rate = (_BYTES / median([c.seconds for c in some]) / 1e6 for some in (bare, hiding))
    return [
        Figure(
            "log capture from Docker with 20 secrets, 100-byte lines",
            f"{floor:.1f} MB/s without secrets, {median([c.cpu for c in bare]):.2f} CPU s",
            "at least half of that",
            f"{rate:.1f} MB/s ({rate / floor:.0%}), {median([c.cpu for c in hiding]):.2f} CPU s, nothing lost",
            rate >= floor / 2,
            f"{_LINES} lines a round, median of {_ROUNDS} rounds in turn; 40 characters a secret",
        )
    ]


async def _bare(client: Bare) -> float:
    """Seconds from the first byte to the last, read and thrown away."""
    first = last = 0.0
    count = 0
    async for size in client.attached(_COMMAND):
        last = time.perf_counter()
        first = first or last
        count += size
    assert count >= _BYTES, f"{count} bytes came"
    return last - first


async def _captured(host: ServerProcess, load: Load, ends: Ends, pipeline: str) -> _Captured:
    before = cpu_seconds(pid(host))
    run = await load.start(pipeline)
    await ends.wait(run)
    cpu = cpu_seconds(pid(host)) - before
    assert set(ends.statuses) == {"successful"}, ends.statuses
    base = f"{NAMESPACE}/pipelines/{pipeline}/runs/{run}/tasks/a"
    raw = await load.get(f"{base}/log/raw")
    assert hashlib.sha256(raw).digest() == hashlib.sha256(f"{_LINE}\n".encode() * _LINES).digest(), "lines were lost"
    page: dict[str, Any] = json.loads(await load.get(f"{base}/log?limit=1"))
    file = host.home / "data" / "logs" / "default" / pipeline / str(run) / "a" / "1.log"
    return _Captured(await asyncio.to_thread(_written, file) - _moment(page["lines"][0][1]), cpu)


def _written(file: Path) -> float:
    return file.stat().st_mtime_ns / 1e9


def _moment(text: str) -> float:
    """Seconds since the epoch of a log line's time, which has nanoseconds."""
    whole, _, fraction = text.removesuffix("Z").partition(".")
    return datetime.fromisoformat(whole).replace(tzinfo=UTC).timestamp() + float(f"0.{fraction}")
