"""Backups while everything goes on, and while things go wrong."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from gofer.archive.read import read_archive
from tests.support.server import Api, ServerProcess
from tests.unit.archive.making import Keep, reader
from tests.unit.backup.home import change, rows

BACKUP = "/api/v1/system/backup"


def gofer(*arguments: str, address: str = "127.0.0.1:1") -> subprocess.CompletedProcess[str]:
    environ = {k: v for k, v in os.environ.items() if not k.startswith("GOFER_")} | {"GOFER_CLI_HOST": address}
    command = [sys.executable, "-m", "gofer", *arguments]
    return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=300, check=False)


def restored(archive: Path, home: Path) -> None:
    done = gofer("service", "restore", str(archive), "--storage", str(home / "data"), "--force")
    assert done.returncode == 0, done.stderr


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """24 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(folder)], check=True)
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(folder: Path, leave: int = 0) -> Path:
    """Take all of the disk's room but `leave` bytes."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))
    os.truncate(ballast, max(0, ballast.stat().st_size - leave))
    return ballast


class Load:
    """Starts runs from several threads, and knows which were acknowledged."""

    def __init__(self, api: Api, pipeline: str, threads: int) -> None:
        self._api = api
        self._pipeline = pipeline
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(threads)]
        self.acknowledged: list[int] = []

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def reaches(self, count: int) -> None:
        """Wait for so many runs."""
        while len(self.acknowledged) < count:
            assert any(thread.is_alive() for thread in self._threads)
            self._stop.wait(0.005)

    def _run(self) -> None:
        host = self._api.address.removeprefix("http://")
        connection = http.client.HTTPConnection(host, timeout=60)
        path = f"/api/v1/namespaces/default/pipelines/{self._pipeline}/runs"
        while not self._stop.is_set():
            connection.request("POST", path, b"{}", {"Content-Type": "application/json"})
            answer = connection.getresponse()
            body = json.loads(answer.read())
            assert answer.status in (200, 201, 202), body
            self.acknowledged.append(body["id"])
        connection.close()


def test_under_load_it_holds_all_that_was_acknowledged_before(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path / "one", "fake", {"GOFER_TASK_RUN_LOG_EXPIRY": "0"})
    archives: list[tuple[set[int], Path]] = []
    try:
        api = server.start()
        task = {"image": "fake", "command": ["say", "hello"]}
        tasks = [{"id": "a", **task}, {"id": "b", **task, "depends_on": [{"task": "a"}]}]
        api.register({"id": "load", "tasks": tasks})
        with Load(api, "load", 8) as load:
            for number in range(3):
                load.reaches(500 * (number + 1))
                before = set(load.acknowledged)
                path = tmp_path / f"{number}.tar"
                done = gofer("service", "backup", str(path), address=api.address)
                assert done.returncode == 0, done.stderr
                archives.append((before, path))
            at_the_end = len(load.acknowledged)
        assert at_the_end > 1500
    finally:
        assert server.stop() == 0, server.log_text()
    for before, path in archives:
        check_consistent(path, before, tmp_path)
    goes_on_after_restore(archives[-1][1], tmp_path / "two")


def check_consistent(path: Path, before: set[int], tmp_path: Path) -> None:
    keep = Keep()
    read_archive(reader(path.read_bytes()), keep)
    database = tmp_path / "check.db"
    database.write_bytes(keep.files["gofer.db"])
    assert rows(database, "PRAGMA foreign_key_check") == []
    assert before <= {number for (number,) in rows(database, "SELECT number FROM runs")}
    # What the database calls complete is there, to its last byte; and nothing of what it does not know.
    complete = rows(
        database,
        "SELECT r.number, t.id, a.log_bytes FROM attempts AS a JOIN runs AS r ON r.key = a.run_key"
        " JOIN task_runs AS t ON t.run_key = a.run_key AND t.position = a.position WHERE a.log_state = 'complete'",
    )
    assert complete
    for run, task, size in complete:
        assert size == 6
        assert keep.files[f"logs/default/load/{run}/{task}/1.log"].endswith(b" hello\n")
    known = {f"logs/default/load/{run}/" for (run,) in rows(database, "SELECT number FROM runs")}
    assert {name.rsplit("/", 2)[0] + "/" for name in keep.files if name.startswith("logs/")} <= known


def goes_on_after_restore(archive: Path, home: Path) -> None:
    restored(archive, home)
    server = ServerProcess(home, "fake", {"GOFER_TASK_RUN_LOG_EXPIRY": "0"})
    try:
        api = server.start()
        last = api.get("namespaces/default/pipelines/load/runs", limit=1)["items"][0]["id"]
        for number in range(1, last + 1, 50):
            assert api.ended("load", number)["status"] in ("successful", "failed")
        assert api.start("load") == last + 1
        assert api.ended("load", last + 1)["status"] == "successful"
        page = api.get("namespaces/default/pipelines/load/runs", limit=200)["items"]
        for run in page:
            if api.ended("load", run["id"])["status"] == "failed":
                reasons = {
                    task["reason"] for task in api.tasks("load", run["id"]).values() if task["status"] == "failed"
                }
                assert reasons == {"lost"}
    finally:
        assert server.stop() == 0, server.log_text()


def counting(*gates: Path) -> dict[str, Any]:
    """Prints a hundred lines, and a hundred more when the first gate opens; the second ends it."""
    lines = "n=0; while [ $n -lt 100 ]; do n=$((n+1)); i=$((i+1)); echo line $i; done"
    script = f"i=0; {lines}; read go < {gates[0]}; {lines}; read go < {gates[1]}"
    return {"id": "counting", "tasks": [{"id": "count", "image": "i", "script": script}]}


def until_logged(api: Api, lines: int) -> None:
    path = "namespaces/default/pipelines/counting/runs/1/tasks/count/log"
    while api.get(path)["total"] < lines:
        pass


def numbered(count: int) -> list[bytes]:
    return [f"line {number}".encode() for number in range(1, count + 1)]


def test_what_ran_is_adopted_where_it_still_runs_and_lost_elsewhere(tmp_path: Path) -> None:
    more, end, archive = tmp_path / "more", tmp_path / "end", tmp_path / "x.tar"
    subprocess.run(["mkfifo", str(more), str(end)], check=True)
    server, other = ServerProcess(tmp_path / "one", "process"), ServerProcess(tmp_path / "two", "process")
    try:
        api = server.start()
        api.register(counting(more, end))
        api.start("counting")
        until_logged(api, 100)
        assert gofer("service", "backup", str(archive), address=api.address).returncode == 0
        more.write_text("go\n")
        until_logged(api, 200)
        server.kill()
        # In its own place: the log goes on from the byte that the backup had.
        restored(archive, server.home)
        api = server.start()
        until_logged(api, 200)
        end.write_text("go\n")
        assert api.ended("counting", 1)["status"] == "successful"
        assert api.log("counting", 1, "count").splitlines() == numbered(200)
        assert len(api.tasks("counting", 1)["count"]["attempts"]) == 1
        assert server.stop() == 0
        # Elsewhere: what it had printed until the backup is all there.
        restored(archive, other.home)
        away = other.start()
        assert away.ended("counting", 1)["status"] == "failed"
        assert away.tasks("counting", 1)["count"]["reason"] == "lost"
        assert away.log("counting", 1, "count").splitlines()[:100] == numbered(100)
    finally:
        server.stop()
        other.stop()


def test_the_server_dies_while_a_backup_is_read(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path / "one", "process")
    target = tmp_path / "x.tar"
    taking = server.home / "data" / ".backup"
    try:
        api = server.start()
        script = (
            "yes 'a line of a log that is long enough to fill all the buffers between two programs' | head -c 30000000"
        )
        api.register({"id": "much", "tasks": [{"id": "print", "image": "i", "script": script}]})
        assert api.ended("much", api.start("much"))["status"] == "successful"
        connection = http.client.HTTPConnection(api.address.removeprefix("http://"), timeout=60)
        connection.request("GET", BACKUP)
        assert connection.getresponse().read(1000)
        assert list(taking.iterdir())
        # Another one is refused meanwhile, and leaves nothing.
        done = gofer("service", "backup", str(target), address=api.address)
        assert (done.returncode, "Another backup" in done.stderr) == (5, True)
        server.kill()
        connection.close()
        assert list(taking.iterdir())
        api = server.start()
        assert not taking.exists()
        # A real reader says so and leaves nothing.
        with subprocess.Popen(
            [sys.executable, "-m", "gofer", "service", "backup", str(target)],
            env={**os.environ, "GOFER_CLI_HOST": api.address},
            stderr=subprocess.PIPE,
        ) as reading:
            part = target.with_name("x.tar.part")
            while not part.exists() or part.stat().st_size < 100_000:
                assert reading.poll() is None
            os.kill(reading.pid, 19)
            server.kill()
            os.kill(reading.pid, 18)
            _, said = reading.communicate()
        assert reading.returncode == 3, said
        assert not target.exists()
        assert not part.exists()
        # One who takes nothing does not keep the server from ending, nor leaves it anything.
        api = server.start(GOFER_SERVER__SHUTDOWN_TIMEOUT="1s")
        connection = http.client.HTTPConnection(api.address.removeprefix("http://"), timeout=60)
        connection.request("GET", BACKUP)
        assert connection.getresponse().read(1000)
        assert server.stop() == 0, server.log_text()
        connection.close()
        assert not taking.exists()
        api = server.start()
        assert gofer("service", "backup", str(target), address=api.address).returncode == 0
    finally:
        server.stop()


def test_the_servers_disk_is_full(disk: Path, tmp_path: Path) -> None:
    server = ServerProcess(disk, "fake")
    target = tmp_path / "x.tar"
    try:
        api = server.start()
        api.register({"id": "p", "tasks": [{"id": "t", "image": "fake", "command": ["say", "hello"]}]})
        ballast = fill(disk, leave=1_000_000)
        done = gofer("service", "backup", str(target), address=api.address)
        assert done.returncode == 7
        assert "needs a passing copy of the database" in done.stderr
        assert "hint: Make room" in done.stderr
        assert list(tmp_path.glob("x.tar*")) == []
        # The server was not hurt by it: there is room left for its own work.
        assert api.ended("p", api.start("p"))["status"] == "successful"
        assert api.call("GET", "/readyz")[0] == 200
        ballast.unlink()
        assert gofer("service", "backup", str(target), address=api.address).returncode == 0
    finally:
        server.stop()


def test_the_readers_disk_is_full(disk: Path, tmp_path: Path) -> None:
    server = ServerProcess(tmp_path / "one", "fake")
    try:
        api = server.start()
        ballast = fill(disk)
        done = gofer("service", "backup", str(disk / "x.tar"), address=api.address)
        assert done.returncode == 74, done.stderr
        assert "cannot be written" in done.stderr
        assert list(disk.iterdir()) == [ballast]
    finally:
        server.stop()


def test_no_room_to_restore(disk: Path, tmp_path: Path) -> None:
    server = ServerProcess(tmp_path / "one", "fake")
    archive = tmp_path / "x.tar"
    try:
        api = server.start()
        api.register({"id": "p", "tasks": [{"id": "t", "image": "fake", "command": ["say", "hello"]}]})
        assert gofer("service", "backup", str(archive), address=api.address).returncode == 0
    finally:
        server.stop()
    restored(archive, disk)
    change(disk / "data" / "gofer.db", "UPDATE pipelines SET description = 'mine';")
    fill(disk, leave=50_000)
    before = sorted(str(path) for path in disk.rglob("*"))
    for given in (archive, "-"):
        command = [sys.executable, "-m", "gofer", "service", "restore", str(given), "--storage", str(disk / "data")]
        with archive.open("rb") as stdin:
            done = subprocess.run([*command, "--force"], stdin=stdin, capture_output=True, text=True, check=False)
        assert done.returncode == 7, done.stderr
        assert "hint: Make room" in done.stderr
        assert sorted(str(path) for path in disk.rglob("*")) == before
    assert rows(disk / "data" / "gofer.db", "SELECT description FROM pipelines") == [("mine",)]
