"""The server killed with SIGKILL at every step of a put, an overwriting, a deletion, an eviction and an expiry.

After the next start every acknowledged object is there and whole, one that was not acknowledged is there and whole or
not at all, and the object store has the contents that the rows name, and nothing else.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import http.client
import os
import socket
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from gofer.config.settings import ObjectStoreSettings
from gofer.engines.registry import object_store
from tests.support.server import Api, ServerProcess
from tests.support.until import until

PIPELINE = "namespaces/default/pipelines/crash"
SETTINGS = {"GOFER_OBJECT_STORE__PIPELINE_OBJECT_LIMIT": "3", "GOFER_OBJECT_STORE__RUN_OBJECT_EXPIRY": "1"}
OLD, NEW = os.urandom(3_000_000), os.urandom(2_500_000)


class House:
    """A server with three objects at its pipeline, all of one content or of their own, and two at its first run."""

    def __init__(self, home: Path, engine: str) -> None:
        self.home, self.engine = home, engine
        self.server = ServerProcess(home, "fake", {**SETTINGS, "GOFER_OBJECT_STORE__ENGINE": engine})
        self.kept = {"a": OLD, "b": b"small", "c": OLD[:1_500_000]}

    def furnish(self) -> None:
        api = self.server.start()
        api.register({"id": "crash", "tasks": [{"id": "one", "image": "fake", "command": ["say", "hello"]}]})
        api.ended("crash", api.start("crash"))
        for key, data in self.kept.items():
            assert put(api, key, data) == 201
        assert put(api, "a", OLD, run=1) == 201
        assert put(api, "own", b"of run 1 alone", run=1) == 201
        api.ended("crash", api.start("crash"))
        assert put(api, "two", b"of run 2", run=2) == 201
        assert self.server.stop() == 0

    def die(self, point: str, act: Callable[[Api], Any]) -> None:
        """One life in which `act` meets the point."""
        api = self.server.start(GOFER_TEST_CRASH_AT=point)
        with contextlib.suppress(http.client.HTTPException, ConnectionError, AssertionError):
            act(api)
        self.server.died()

    def check(self, present: dict[str, list[bytes | None]], of_runs: dict[str, list[bytes | None]]) -> None:
        """Objects by `key` or `run/key`, each with what it may be (None: not there)."""
        api = self.server.start()
        for key, allowed in {**present, **of_runs}.items():
            run, _, name = key.rpartition("/")
            status, data = api.raw("GET", path(name, int(run) if run else None))
            found = data if status == 200 else None
            assert found in allowed, (key, status, found and len(found))
        until(lambda: self.has() == self.known(), "the store has what the rows say, and nothing else")
        assert self.server.stop() == 0
        assert self.has() == self.known()

    def known(self) -> set[str]:
        with contextlib.closing(sqlite3.connect(self.home / "data" / "gofer.db")) as database:
            assert database.execute("SELECT COUNT(*) FROM contents WHERE uses < 0").fetchone()[0] == 0
            return {row[0] for row in database.execute("SELECT DISTINCT digest FROM objects")}

    def has(self) -> set[str]:
        if self.engine == "sqlite":
            with contextlib.closing(sqlite3.connect(self.home / "data" / "objects.db")) as store:
                # Of an upload that broke off and of what was deleted nothing stays either.
                return {row[0] or row[1] for row in store.execute("SELECT digest, state FROM contents")}
        folder = self.home / "data" / "objects"
        files = {file.name for file in folder.rglob("*") if file.is_file() and not file.name.startswith(".")}
        return files - {"lock", "owner"}

    async def listed(self) -> set[str]:
        """What the engine itself says, while no server runs."""
        store = object_store(self.engine, ObjectStoreSettings(), self.home / "data")
        await store.open()
        try:
            return {content.digest async for content in store.list()}
        finally:
            await store.close()


def path(key: str, run: int | None = None, **query: str) -> str:
    where = f"{PIPELINE}/runs/{run}" if run else PIPELINE
    return f"/api/v1/{where}/objects/{key}" + "".join(f"?{name}={value}" for name, value in query.items())


def put(api: Api, key: str, data: bytes, run: int | None = None, **query: str) -> int:
    status, answer = api.raw("PUT", path(key, run, **query), data)
    assert status in (200, 201), answer
    return status


def new(api: Api) -> None:
    put(api, "own", NEW, run=2)


def same(api: Api) -> None:
    put(api, "same", OLD, run=2)


def overwrite(api: Api) -> None:
    put(api, "b", NEW, force="true")


def delete(api: Api) -> None:
    api.raw("DELETE", path("c"))


def evict(api: Api) -> None:
    put(api, "d", NEW)


def expire(api: Api) -> None:
    api.ended("crash", api.start("crash"))


CASES = [
    ("object_received", new, {"2/own": [None]}),
    ("object_committed", new, {"2/own": [None]}),
    ("object_stored", new, {"2/own": [NEW]}),
    ("object_received", same, {"2/same": [None]}),
    ("object_committed", same, {"2/same": [None]}),
    ("object_stored", same, {"2/same": [OLD]}),
    ("object_received", overwrite, {"b": [b"small"]}),
    ("object_committed", overwrite, {"b": [b"small"]}),
    ("object_stored", overwrite, {"b": [NEW]}),
    ("object_dropped", overwrite, {"b": [NEW]}),
    ("object_deleted", delete, {"c": [None]}),
    ("object_dropped", delete, {"c": [None]}),
    ("object_committed", evict, {"d": [None]}),
    ("object_stored", evict, {"d": [NEW], "a": [None]}),
    ("objects_expired", expire, {"1/a": [None], "1/own": [None]}),
    ("object_dropped", expire, {"1/a": [None], "1/own": [None]}),
]


@pytest.mark.parametrize("engine", ["sqlite", "filesystem"])
@pytest.mark.parametrize(("point", "act", "after"), CASES, ids=[f"{act.__name__} {point}" for point, act, _ in CASES])
def test_killed_at(
    point: str, act: Callable[[Api], Any], after: dict[str, list[bytes | None]], engine: str, tmp_path: Path
) -> None:
    house = House(tmp_path, engine)
    house.furnish()
    house.die(point, act)
    before: dict[str, list[bytes | None]] = {key: [data] for key, data in house.kept.items()}
    runs: dict[str, list[bytes | None]] = {"1/a": [OLD], "1/own": [b"of run 1 alone"], "2/two": [b"of run 2"]}
    house.check({**before, **after}, {} if act is expire else runs)
    if act is not expire:
        # Sent again, it is done: nothing of the first try is in its way.
        api = house.server.start()
        act(api)
        assert house.server.stop() == 0
    assert asyncio.run(house.listed()) >= house.known()


def test_killed_in_the_middle_of_an_upload(tmp_path: Path) -> None:
    house = House(tmp_path, "sqlite")
    house.furnish()
    api = house.server.start()
    where = urlsplit(api.address)
    with socket.create_connection((str(where.hostname), int(where.port or 0)), timeout=30) as connection:
        head = f"PUT {path('half')} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9000000\r\n\r\n"
        connection.sendall(head.encode() + os.urandom(6_000_000))
        until(lambda: "staging" in house.has(), "a part of it is in the store")
        house.server.kill()
    house.check({key: [data] for key, data in {**house.kept, "half": None}.items()}, {})


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """32 MB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=32m", "tmpfs", str(disk)], check=True)
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


def test_a_full_disk_refuses_an_object_and_keeps_the_others(small_disk: Path) -> None:
    server = ServerProcess(small_disk, "fake")
    try:
        api = server.start()
        api.register({"id": "crash", "tasks": [{"id": "one", "image": "fake"}]})
        assert put(api, "kept", OLD) == 201
        status, data = api.raw("PUT", path("huge"), os.urandom(40_000_000))
        assert status == 503, (status, data[:300])
        assert b'"title":"Disk full"' in data
        assert b'"hint":"' in data
        assert api.call("GET", path("huge/info"))[0] == 404
        assert api.raw("GET", path("kept"))[1] == OLD
        # The room that it took is there again, and what fits is taken.
        assert put(api, "fits", NEW) == 201
        assert hashlib.sha256(api.raw("GET", path("fits"))[1]).digest() == hashlib.sha256(NEW).digest()
    finally:
        assert server.stop() == 0
