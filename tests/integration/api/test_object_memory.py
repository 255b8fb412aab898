"""A large object goes up and down, and the server's memory does not grow with it."""

from __future__ import annotations

import hashlib
import http.client
import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.support.server import ServerProcess

SIZE = 64 * 1024 * 1024
ROOM = 24 * 1024 * 1024
PATH = "/api/v1/namespaces/default/pipelines/large/objects/large"


def peak_since(process_id: int) -> Iterator[int]:
    """First nothing, then how many bytes the memory of a process has grown by at most since (`VmHWM`, proc(5))."""
    Path(f"/proc/{process_id}/clear_refs").write_text("5")
    before = _status(process_id, "VmRSS")
    yield 0
    yield _status(process_id, "VmHWM") - before


def _status(process_id: int, name: str) -> int:
    lines = Path(f"/proc/{process_id}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))


@pytest.mark.parametrize("engine", ["sqlite", "filesystem"])
@pytest.mark.parametrize("chunked", [False, True])
def test_memory_is_flat(engine: str, chunked: bool, tmp_path: Path) -> None:
    server = ServerProcess(tmp_path, "fake", {"GOFER_OBJECT_STORE__ENGINE": engine})
    api = server.start()
    try:
        api.register({"id": "large", "tasks": [{"id": "one", "image": "fake"}]})
        assert api.raw("PUT", PATH.replace("objects/large", "objects/warm"), os.urandom(3_000_000))[0] == 201
        assert server.process is not None
        growth = peak_since(server.process.pid)
        next(growth)
        block = os.urandom(65_536)
        sha = hashlib.sha256()
        connection = http.client.HTTPConnection(urlsplit(api.address).netloc, timeout=60)

        def body() -> Iterator[bytes]:
            for number in range(SIZE // len(block)):
                piece = number.to_bytes(8, "big") + block[8:]
                sha.update(piece)
                yield piece

        headers = {} if chunked else {"Content-Length": str(SIZE)}
        connection.request("PUT", PATH, body(), headers, encode_chunked=chunked)
        answer = connection.getresponse()
        assert answer.status == 201, answer.read()
        answer.read()
        connection.request("GET", PATH)
        answer = connection.getresponse()
        back = hashlib.sha256()
        while piece := answer.read(100_000):
            back.update(piece)
        connection.close()
        assert back.digest() == sha.digest()
        assert next(growth) < ROOM
    finally:
        assert server.stop() == 0
