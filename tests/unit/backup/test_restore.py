from __future__ import annotations

import io
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gofer.archive.write import ArchiveWriter
from gofer.errors import ConfigError, Conflict, GoferError, InvalidArchive
from gofer.server.backup.layout import Place, part_names
from gofer.server.backup.restore import EVENTS_LEFT_OUT, verify
from gofer.server.backup.settle import settle
from gofer.server.clock import Clock
from gofer.server.logs.owner import Ownership
from gofer.server.store.database import Database
from gofer.sqlite.lock import Lock
from tests.unit.archive.making import Keep, changed, make, reader
from tests.unit.backup.home import LINE, archive_of, change, fill, place, put_back, rows, tree


@pytest.fixture
async def archive(tmp_path: Path) -> bytes:
    at = place(tmp_path / "source")
    await fill(at)
    return await archive_of(at)


def remade(archive: bytes, tmp_path: Path, edit: Callable[[Path], None], **head: object) -> bytes:
    """The same archive with another database, its digests right."""
    from gofer.archive.read import read_archive

    keep = Keep()
    read_archive(reader(archive), keep)
    path = tmp_path / "edited.db"
    path.write_bytes(keep.files.pop("gofer.db"))
    edit(path)
    other = msgspec.structs.replace(keep.head, **head)
    return make(path.read_bytes(), {name: bytes(data) for name, data in keep.files.items()}, other)


def test_into_an_empty_folder(archive: bytes, tmp_path: Path) -> None:
    at = place(tmp_path / "target")
    restored = put_back(archive, at)
    assert (restored.kept, restored.kept_logs) == ("", "")
    source = tree(tmp_path / "source", but=lambda name: not name.endswith(".log"))
    assert tree(at.storage, but=lambda name: not name.endswith(".log")) == source
    assert rows(at.database, "SELECT number, status FROM runs ORDER BY number") == [(n, "queued") for n in (1, 2, 3)]
    assert sorted(path.name for path in at.storage.iterdir()) == ["gofer.db", "gofer.db.lock", "logs"]
    for path in (at.database, at.logs):
        assert path.stat().st_mode & 0o077 == 0


async def test_over_another_database(archive: bytes, tmp_path: Path) -> None:
    at = place(tmp_path / "target")
    await fill(at, runs=5)
    # As after a crash: what was committed last is in the write-ahead log only.
    with closing(sqlite3.connect(at.database)) as open_yet:
        open_yet.execute("UPDATE runs SET number = number + 100")
        open_yet.commit()
        before = tree(at.storage)
        assert "gofer.db-wal" in before
        with pytest.raises(Conflict, match="already"):
            put_back(archive, at)
        assert tree(at.storage) == before
        restored = put_back(archive, at, force=True)
    kept, kept_logs = Path(restored.kept), Path(restored.kept_logs)
    assert {name: data for name, data in before.items() if name.startswith("gofer.db")}.keys() >= {
        "gofer.db",
        "gofer.db-wal",
    }
    for name in ("gofer.db", "gofer.db-wal"):
        assert (kept / name).read_bytes() == before[name]
    assert rows(kept / "gofer.db", "SELECT number FROM runs ORDER BY number") == [(n,) for n in range(101, 106)]
    assert len(tree(kept_logs)) == 5
    assert rows(at.database, "SELECT number FROM runs ORDER BY number") == [(1,), (2,), (3,)]
    assert not (at.storage / "gofer.db-wal").exists()


async def test_events_go_on_above_all_that_were_ever_given(archive: bytes, tmp_path: Path) -> None:
    at = place(tmp_path / "target")
    await fill(at, runs=9)
    put_back(archive, at, force=True)
    database = Database(at.database)
    await database.open()
    assert database.last_seq == 9 + EVENTS_LEFT_OUT
    await database.close()
    put_back(archive, empty := place(tmp_path / "empty"))
    used = rows(empty.database, "SELECT MAX(seq) FROM events")[0][0]
    assert isinstance(used, int)
    assert rows(empty.database, "SELECT seq FROM sqlite_sequence WHERE name = 'events'") == [(used + EVENTS_LEFT_OUT,)]


async def test_logs_in_a_folder_of_their_own(archive: bytes, tmp_path: Path) -> None:
    at = place(tmp_path / "target", tmp_path / "elsewhere" / "logs")
    restored = put_back(archive, at)
    assert (at.logs / "default/p/3/t0/1.log").read_bytes() == LINE * 10
    assert restored.logs_path == str(at.logs)
    assert sorted(path.name for path in at.logs.iterdir()) == [".gofer", "default"]


async def test_what_others_keep_in_the_folder_of_the_logs_stays_where_it_is(archive: bytes, tmp_path: Path) -> None:
    at = place(tmp_path / "target", tmp_path / "log")
    theirs = {"nginx/access.log": b"1", "journal/abc/system.journal": b"2", "syslog": b"3", "default/notes": b"4"}
    for name, data in theirs.items():
        (at.logs / name).parent.mkdir(parents=True, exist_ok=True)
        (at.logs / name).write_bytes(data)
    restored = put_back(archive, at)
    assert restored.kept_logs == ""
    assert {name: data for name, data in tree(at.logs).items() if name in theirs} == theirs
    assert (at.logs / "default/p/3/t0/1.log").read_bytes() == LINE * 10


async def test_logs_that_belong_to_a_database_elsewhere_want_force(archive: bytes, tmp_path: Path) -> None:
    """`--storage` names another folder, and the configuration the logs of the server that there is."""
    at = place(tmp_path / "real", tmp_path / "log")
    await fill(at)
    before = tree(at.logs)
    with pytest.raises(Conflict, match="logs of runs"):
        put_back(archive, place(tmp_path / "look", at.logs))
    assert tree(at.logs) == before
    assert not (tmp_path / "look").exists()
    restored = put_back(archive, place(tmp_path / "look", at.logs), force=True)
    assert tree(Path(restored.kept_logs)) == before


async def test_the_logs_folder_of_another_server_becomes_this_ones(archive: bytes, tmp_path: Path) -> None:
    """A server puts logs of another's aside when it starts: those that were restored must not be taken for that."""
    at = place(tmp_path / "target")
    await fill(at)
    owner = Ownership(at.logs)
    owner.claim("11111111")
    owner.release()
    put_back(archive, at, force=True)
    server_id = str(rows(at.database, "SELECT value FROM meta WHERE name = 'server_id'")[0][0])
    owner.claim(server_id)
    owner.release()
    assert (at.logs / "default/p/1/t0/1.log").exists()


def test_a_server_that_runs_is_left_alone(archive: bytes, tmp_path: Path) -> None:
    at = place(tmp_path / "target")
    at.storage.mkdir()
    lock = Lock(at.storage / "gofer.db.lock")
    lock.acquire()
    with pytest.raises(ConfigError, match=f"in use by another Gofer.*{os.getpid()}"):
        put_back(archive, at, force=True)
    lock.release()
    at.logs.mkdir()
    owner = Ownership(at.logs)
    owner.claim("11111111")
    with pytest.raises(ConfigError, match="folder of the logs"):
        put_back(archive, at, force=True)
    owner.release()
    put_back(archive, at)


async def test_a_bad_archive_changes_nothing(archive: bytes, tmp_path: Path) -> None:
    at = place(tmp_path / "target")
    await fill(at)
    before = tree(at.storage)
    for bad in (
        archive[:-1],
        archive[: len(archive) // 2],
        archive + b"x",
        b"",
        archive.replace(b" line\n", b" LINE\n", 1),
    ):
        with pytest.raises(InvalidArchive):
            put_back(bad, at, force=True)
        assert tree(at.storage) == before
    assert sorted(path.name for path in at.storage.iterdir()) == ["gofer.db", "gofer.db.lock", "logs"]


def test_nothing_is_made_where_nothing_was(archive: bytes, tmp_path: Path) -> None:
    with pytest.raises(InvalidArchive):
        put_back(archive[:-600], place(tmp_path / "target"))
    assert not (tmp_path / "target").exists()


FORGED: list[tuple[str, str]] = [
    ("CREATE TRIGGER evil AFTER INSERT ON runs BEGIN DELETE FROM runs; END;", "trigger evil"),
    ("CREATE VIEW v AS SELECT 1;", "view v"),
    ("CREATE TABLE other (x);", "table other"),
    ("DROP TABLE idempotency;", "idempotency"),
    ("DROP INDEX runs_unfinished;", "runs_unfinished"),
    ("PRAGMA foreign_keys = OFF; DELETE FROM pipelines;", "missing row of pipelines"),
    ("UPDATE meta SET value = 'ffffffff' WHERE name = 'server_id';", "another server"),
    ("PRAGMA user_version = 0;", "schema version 0"),
]


@pytest.mark.parametrize(("sql", "named"), FORGED)
def test_a_forged_database_is_refused(archive: bytes, tmp_path: Path, sql: str, named: str) -> None:
    bad = remade(archive, tmp_path, lambda path: change(path, sql))
    with pytest.raises(InvalidArchive, match=named):
        put_back(bad, place(tmp_path / "target"))
    with pytest.raises(InvalidArchive, match=named):
        verify(reader(bad))
    assert not (tmp_path / "target").exists()


def test_a_database_with_a_damaged_page(archive: bytes, tmp_path: Path) -> None:
    def damage(path: Path) -> None:
        root = rows(path, "SELECT rootpage FROM sqlite_master WHERE name = 'events'")[0][0]
        assert isinstance(root, int)
        with path.open("r+b") as file:
            file.seek((root - 1) * 4096)
            file.write(b"\xff" * 3000)

    with pytest.raises(InvalidArchive, match="not sound"):
        put_back(remade(archive, tmp_path, damage), place(tmp_path / "target"))


@settings(deadline=None, max_examples=60, derandomize=True)
@given(st.binary(max_size=9000))
def test_noise_is_no_database(noise: bytes) -> None:
    head = changed(logs=False, parts=part_names(False))
    with pytest.raises(InvalidArchive):
        verify(reader(make(noise, {}, head)))


def test_a_newer_schema_says_who_can(archive: bytes, tmp_path: Path) -> None:
    bad = remade(archive, tmp_path, lambda _: None, schema=999, gofer="7.5.0")
    with pytest.raises(InvalidArchive, match="schema version 999") as caught:
        put_back(bad, place(tmp_path / "target"))
    assert "7.5.0" in caught.value.hint


def test_an_unknown_part_says_who_can(tmp_path: Path) -> None:
    bad = make(head=changed(parts=[*part_names(True), *part_names(True)]))
    with pytest.raises(InvalidArchive, match="parts that this Gofer does not know"):
        put_back(bad, place(tmp_path / "target"))


@pytest.mark.parametrize(
    "name",
    [
        "logs/n/p/1/t/1.idx",
        "logs/n/p/0/t/1.log",
        "logs/n/p/1/t/1.log/x",
        "logs/n/p/1/1.log",
        "logs/authorized_keys",
        "logs/n/p/1/t/1.log.sh",
        "logs/n/p.q/1/t/1.log",
        f"logs/n/p/1/t/{'1' * 19}.log",
    ],
)
def test_files_that_are_no_logs_are_not_written(name: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidArchive, match="no log of Gofer"):
        put_back(make(files={name: b"x"}), place(tmp_path / "target"))
    assert not (tmp_path / "target").exists()


def test_a_file_that_is_there_twice(tmp_path: Path) -> None:
    writer = ArchiveWriter(changed())
    pieces = [*writer.begin()]
    writer.part(0)
    for _ in range(2):
        pieces += writer.file("gofer.db", io.BytesIO(b"x"), 1)
    with pytest.raises(InvalidArchive, match="twice"):
        put_back(b"".join(pieces), place(tmp_path / "target"))


def test_a_name_that_goes_up_cannot_even_be_written() -> None:
    with pytest.raises(ValueError, match="cannot be a name"):
        make(files={"logs/../../etc/cron.d/x": b"x"})


def test_a_link_that_waits_in_the_folder_is_not_followed(archive: bytes, tmp_path: Path) -> None:
    at = place(tmp_path / "target")
    outside = tmp_path / "outside"
    outside.mkdir()
    at.storage.mkdir()
    at.restoring.symlink_to(outside)
    with pytest.raises(GoferError):
        put_back(archive, at)
    assert list(outside.iterdir()) == []


def test_verify_says_what_is_in_it(archive: bytes) -> None:
    backup = verify(reader(archive))
    assert [(part.name, part.files) for part in backup.parts] == [("gofer.db", 1), ("logs", 3), ("objects", 0)]


async def start(at: Place) -> Database:
    database = Database(at.database)
    await database.open()
    await settle(database, at.logs, Clock())
    return database


async def test_the_first_start_afterwards_says_which_logs_did_not_come_back(archive: bytes, tmp_path: Path) -> None:
    at = place(tmp_path / "target")
    put_back(archive, at)
    (at.logs / "default/p/2/t0/1.log").unlink()
    for _ in range(2):
        database = await start(at)
        states = await database.read(lambda c: [row[0] for row in c.execute("SELECT log_state FROM attempts")])
        assert states == ["complete", "expired", "open"]
        await database.close()
    told = rows(at.database, "SELECT data FROM events WHERE kind = 'backup.restored'")
    assert [msgspec.json.decode(str(data[0]))["logs_missing"] for data in told] == [1]


async def test_a_start_without_a_restore_looks_at_nothing(tmp_path: Path) -> None:
    at = place(tmp_path / "target")
    await fill(at)
    (at.logs / "default/p/2/t0/1.log").unlink()
    database = await start(at)
    assert (
        await database.read(lambda c: c.execute("SELECT 1 FROM attempts WHERE log_state = 'expired'").fetchone())
        is None
    )
    await database.close()
