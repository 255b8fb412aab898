"""A 2 GB object up and down: rate, and what it costs the server in memory."""

from __future__ import annotations

import asyncio
import hashlib
import http.client
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from benchmarks.figure import Figure
from benchmarks.host import cpu_seconds, pid, rss_bytes, server
from tests.support.server import ServerProcess

_PIECE = 1024 * 1024
_PIECES = 2000
_BYTES = _PIECE * _PIECES
_PATH = "/api/v1/namespaces/default/pipelines/large/objects/large"
_ENGINES = ("sqlite", "filesystem")


class _Moved(NamedTuple):
    """Of one direction: bytes a second, the server's processor seconds, and how many bytes its memory grew by."""

    rate: float
    cpu: float
    growth: int


async def objects() -> list[Figure]:
    """Each engine in turn: up, then down, checked by the SHA-256 digest."""
    floor = await asyncio.to_thread(_copy)
    return [figure for engine in _ENGINES for figure in await asyncio.to_thread(_of_engine, engine, floor)]


def _of_engine(engine: str, floor: float) -> list[Figure]:
    with server("fake", GOFER_OBJECT_STORE__ENGINE=engine) as host:
        host.api.register({"id": "large", "tasks": [{"id": "one", "image": "fake"}]})
        up, digest = _upload(host)
        down, again = _download(host)
        assert digest == again, "what came down is not what went up"
    return [
        Figure(
            f"object store `{engine}`: a {_BYTES / 1e9:.1f} GB object {name}",
            f"{floor / 1e6:.0f} MB/s hashed and written to a file, fsync included",
            "server's memory grows by < 32 MB",
            f"{moved.growth / 1e6:.1f} MB; {moved.rate / 1e6:.0f} MB/s",
            moved.growth < 32e6,
            f"{moved.cpu:.1f} s of the server's processor time; the client's own hashing is in the rate",
        )
        for name, moved in (("up", up), ("down", down))
    ]


def _pieces() -> Iterator[bytes]:
    """Bytes that no store can keep in less room, made at little cost."""
    block = os.urandom(_PIECE)
    for number in range(_PIECES):
        yield number.to_bytes(8, "big") + block[8:]


def _copy() -> float:
    """Bytes a second of a program that does nothing but hash and write."""
    path = Path(__file__).resolve().parent.parent / ".bench" / "copy"
    path.parent.mkdir(exist_ok=True)
    sha = hashlib.sha256()
    begun = time.perf_counter()
    try:
        with path.open("wb", buffering=0) as file:
            for piece in _pieces():
                sha.update(piece)
                file.write(piece)
            os.fsync(file.fileno())
        return _BYTES / (time.perf_counter() - begun)
    finally:
        path.unlink()


def _upload(host: ServerProcess) -> tuple[_Moved, str]:
    sha = hashlib.sha256()

    def hashed() -> Iterator[bytes]:
        for piece in _pieces():
            sha.update(piece)
            yield piece

    watch = _Watch(host)
    connection = _connect(host)
    connection.request("PUT", _PATH, hashed(), {"Content-Length": str(_BYTES)})
    answer = connection.getresponse()
    text = answer.read()
    assert answer.status == 201, text
    connection.close()
    assert sha.hexdigest().encode() in text
    return watch.moved(), sha.hexdigest()


def _download(host: ServerProcess) -> tuple[_Moved, str]:
    sha = hashlib.sha256()
    watch = _Watch(host)
    connection = _connect(host)
    connection.request("GET", _PATH)
    answer = connection.getresponse()
    assert answer.status == 200
    while piece := answer.read(_PIECE):
        sha.update(piece)
    connection.close()
    return watch.moved(), sha.hexdigest()


def _connect(host: ServerProcess) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(urlsplit(host.api.address).netloc, timeout=600)


class _Watch:
    """What one direction costs, from here to `moved`. The kernel keeps the highest memory of all (`VmHWM`, proc(5))."""

    def __init__(self, host: ServerProcess) -> None:
        self._pid = pid(host)
        Path(f"/proc/{self._pid}/clear_refs").write_text("5")
        self._rss = rss_bytes(self._pid)
        self._cpu = cpu_seconds(self._pid)
        self._begun = time.perf_counter()

    def moved(self) -> _Moved:
        seconds = time.perf_counter() - self._begun
        status = Path(f"/proc/{self._pid}/status").read_text()
        peak = next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM"))
        return _Moved(_BYTES / seconds, cpu_seconds(self._pid) - self._cpu, peak - self._rss)
