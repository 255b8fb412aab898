from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pytest

from gofer.checkup import folder
from gofer.checkup.database import file_check

DAY = 86_400_000


@pytest.fixture
def data(tmp_path: Path) -> Path:
    found = tmp_path / "data"
    found.mkdir(mode=0o700)
    (found / "logs").mkdir()
    (found / "gofer.db").touch()
    return found


def test_permissions(data: Path) -> None:
    me = os.geteuid()
    assert folder.permissions(data, data / "logs", me).level == "ok"
    other = folder.permissions(data, data / "logs", me + 1)
    assert other.level == "error"
    assert f"chown -R {me + 1}" in other.hint
    data.chmod(0o755)
    assert folder.permissions(data, data / "logs", me).level == "warning"


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is closed to root")
def test_a_folder_that_cannot_be_written(data: Path) -> None:
    (data / "logs").chmod(0o500)
    assert folder.permissions(data, data / "logs", os.geteuid()).level == "error"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_file_that_a_start_with_sudo_has_left(data: Path) -> None:
    os.chown(data / "gofer.db", 12_345, -1)
    found = folder.permissions(data, data / "logs", os.geteuid())
    assert (found.level, "gofer.db" in found.message) == ("error", True)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_root_looks_with_the_eyes_of_the_folders_owner(data: Path) -> None:
    """`sudo gofer service doctor`, where the server has a user of its own."""
    for path in (data, *data.iterdir()):
        os.chown(path, 12_345, -1)
    assert folder.permissions(data, data / "logs", 0).level == "ok"
    os.chown(data / "gofer.db", 0, -1)
    found = folder.permissions(data, data / "logs", 0)
    assert (found.level, "gofer.db" in found.message) == ("error", True)
    assert found.hint.endswith(f"chown -R 12345 {data} {data}/logs")


def test_commands_in_hints_can_be_typed(tmp_path: Path) -> None:
    data = tmp_path / "my data"
    data.mkdir(mode=0o755)
    (data / "gofer.db.v1.bak").touch()
    assert folder.permissions(data, data, os.geteuid()).hint == f"chmod go-rw '{data}'"
    assert folder.copies(data, 2_000_000_000_000).hint.endswith(f"rm '{data}/gofer.db.v1.bak'")


def test_copies_of_updates(data: Path) -> None:
    assert folder.copies(data).level == "ok"
    copy = data / "gofer.db.v1.bak"
    copy.write_bytes(b"x" * 2_000)
    (data / "gofer.db.lock").touch()
    (data / "gofer.db-wal").touch()
    written = round(copy.stat().st_mtime * 1000)
    assert folder.copies(data, written + DAY).level == "ok"
    old = folder.copies(data, written + 40 * DAY)
    assert old.level == "warning"
    assert "gofer.db.v1.bak (2.0kB, 40d" in old.message
    assert old.hint.endswith(f"rm {copy}")


def test_room(data: Path) -> None:
    assert str(data) in folder.disk([data]).message


def test_a_sound_and_a_damaged_database(tmp_path: Path) -> None:
    path = tmp_path / "gofer.db"
    assert file_check(path, deep=True).level == "ok"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE t (x TEXT)")
    connection.executemany("INSERT INTO t VALUES (?)", [("x" * 500,)] * 200)
    connection.commit()
    connection.close()
    for deep in (False, True):
        assert file_check(path, deep=deep).level == "ok"
    with path.open("r+b") as file:
        file.seek(4096 * 3)
        file.write(b"\xff" * 4096)
    for deep in (False, True):
        found = file_check(path, deep=deep)
        assert (found.level, "gofer service restore" in found.hint) == ("error", True)
    path.write_bytes(b"no database at all" * 100)
    assert file_check(path, deep=False).level == "error"
