"""The file of the `sqlite` object store: its tables, and what is done with them. Everything here blocks.

A content is `staging` while it is uploaded, `kept` from its commit on, and `gone` when its room is to be given
back. Its bytes are pieces of `PIECE_BYTES` each, the last one shorter; piece `number` of the content `key` has the row
id `key * PIECES + number`, so that the pieces of a content are side by side.
"""

from __future__ import annotations

import os
import sqlite3
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from gofer.engines.object_store.base import Content, DamagedContent

PIECE_BYTES = 256 * 1024
PIECES = 1 << 24
PAGE_BYTES = 16 * 1024
SPARE_BYTES = 4 * 1024 * 1024
"""So much free room stays in the file, for what comes next."""

_APPLICATION = 0x676F6F62  # "goob"
_VERSION = 1
_WAL_BYTES = 8 * 1024 * 1024
_STEP_BYTES = 8 * 1024 * 1024
_CACHE_KIB = 2048
_WAIT_FOR_READERS = 0.5
_AGAIN = "Put the object again, or restore a backup: gofer service restore FILE --force."

_SCHEMA = f"""
-- The number of a content is never used again: who reads a content that goes must not be given another's pieces.
CREATE TABLE contents (
  key    INTEGER PRIMARY KEY AUTOINCREMENT,
  state  TEXT NOT NULL CHECK (state IN ('staging', 'kept', 'gone')),
  digest TEXT UNIQUE CHECK ((state = 'kept') = (digest IS NOT NULL)),
  size   INTEGER NOT NULL
) STRICT;

CREATE INDEX contents_not_kept ON contents (state) WHERE state <> 'kept';

CREATE TABLE pieces (
  place    INTEGER PRIMARY KEY,
  checksum INTEGER NOT NULL,
  data     BLOB NOT NULL
) STRICT;

-- The one server whose database names the contents.
CREATE TABLE owner (server TEXT NOT NULL) STRICT;

PRAGMA user_version = {_VERSION};
PRAGMA application_id = {_APPLICATION};
"""


class Strange(Exception):
    """The file is a database, but no object store that this program knows. The text says why."""


class Kept(NamedTuple):
    """A content that is there."""

    key: int
    size: int


def connect(path: Path, busy_timeout: float, *, writes: bool) -> sqlite3.Connection:
    """A connection to a file that `prepare` has seen. `busy_timeout` in seconds."""
    connection = sqlite3.connect(path, timeout=busy_timeout, isolation_level=None)
    connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA trusted_schema = OFF")
    if not writes:
        connection.execute("PRAGMA query_only = ON")
        return connection
    # Some builds of SQLite overwrite what is deleted: that would write each content twice.
    connection.execute("PRAGMA secure_delete = OFF")
    connection.execute(f"PRAGMA wal_autocheckpoint = {_WAL_BYTES // PAGE_BYTES}")
    connection.execute(f"PRAGMA journal_size_limit = {2 * _WAL_BYTES}")
    return connection


def prepare(connection: sqlite3.Connection) -> None:
    """Make the tables, and give up what was being uploaded when the last process ended. Raises Strange."""
    version = _number(connection, "PRAGMA user_version")
    application = _number(connection, "PRAGMA application_id")
    if version == 0 and application == 0 and _number(connection, "SELECT count(*) FROM sqlite_master") == 0:
        connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        connection.execute("PRAGMA journal_mode = WAL").fetchone()
        connection.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} COMMIT;")
    elif application != _APPLICATION:
        raise Strange("it is no object store of Gofer's")
    elif version > _VERSION:
        raise Strange(f"it has version {version}, and this Gofer knows only up to {_VERSION}")
    connection.execute("PRAGMA journal_mode = WAL").fetchone()
    if connection.execute("SELECT 1 FROM contents WHERE state = 'staging'").fetchone() is None:
        # Nothing is written then: Gofer starts on a full disk too.
        return
    with transaction(connection):
        connection.execute("UPDATE contents SET state = 'gone' WHERE state = 'staging'")


def claim(connection: sqlite3.Connection, server_id: str) -> str:
    """See `base.ObjectStore.claim`."""
    found = connection.execute("SELECT server FROM owner").fetchone()
    if found is None:
        with transaction(connection):
            connection.execute("INSERT INTO owner (server) VALUES (?)", (server_id,))
    return server_id if found is None else str(found[0])


@contextmanager
def transaction(connection: sqlite3.Connection, *, on_disk: bool = True) -> Iterator[None]:
    """All or nothing. Not `on_disk`: a power cut may undo it, until the next transaction that is on disk."""
    # In WAL mode a commit with FULL brings everything before it to the disk, as that is in the same file.
    connection.execute(f"PRAGMA synchronous = {'FULL' if on_disk else 'NORMAL'}")
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        with suppress(sqlite3.Error):
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        raise


def stage(connection: sqlite3.Connection, key: int | None, number: int, pieces: Sequence[bytes]) -> int:
    """Add pieces to an upload, from piece `number` on; `key` None begins one. Returns its key."""
    with transaction(connection, on_disk=False):
        if key is None:
            key = connection.execute("INSERT INTO contents (state, size) VALUES ('staging', 0)").lastrowid
            assert key is not None
        _add(connection, key, number, pieces)
    return key


def keep(connection: sqlite3.Connection, key: int | None, number: int, rest: bytes, content: Content) -> None:
    """Commit the upload `key` (None: nothing was staged) with `rest` as its last piece.

    What is there under the same digest is replaced, so that to put a content again mends it if it was damaged. A
    content of one piece is compared instead, and nothing is written if it is the same.
    """
    digest, size = content
    old = find(connection, digest)
    if key is None and old is not None and old.size == size and _is_whole(connection, old, rest):
        return
    with transaction(connection):
        if old is not None:
            connection.execute("UPDATE contents SET state = 'gone', digest = NULL WHERE key = ?", (old.key,))
        if key is None:
            statement = "INSERT INTO contents (state, digest, size) VALUES ('kept', ?, ?)"
            key = connection.execute(statement, (digest, size)).lastrowid
            assert key is not None
        else:
            statement = "UPDATE contents SET state = 'kept', digest = ?, size = ? WHERE key = ? AND state = 'staging'"
            if connection.execute(statement, (digest, size, key)).rowcount != 1:
                raise DamagedContent("What was uploaded is not in the object store any more.", "Put the object again.")
        if rest:
            _add(connection, key, number, [rest])


def find(connection: sqlite3.Connection, digest: str) -> Kept | None:
    """The content of that digest."""
    row = connection.execute("SELECT key, size FROM contents WHERE digest = ?", (digest,)).fetchone()
    return None if row is None else Kept(*row)


def piece(connection: sqlite3.Connection, content: Kept, number: int) -> bytes | None:
    """One piece, checked; None if the content is not there any more. Raises DamagedContent."""
    place = content.key * PIECES + number
    row = connection.execute("SELECT checksum, data FROM pieces WHERE place = ?", (place,)).fetchone()
    if row is None:
        state = connection.execute("SELECT state FROM contents WHERE key = ?", (content.key,)).fetchone()
        if state is None or state[0] == "gone":
            return None
        raise DamagedContent(f"Piece {number} of a content is missing in the object store.", _AGAIN)
    checksum, data = row
    if len(data) != min(PIECE_BYTES, content.size - number * PIECE_BYTES) or checksum != _checksum(place, data):
        raise DamagedContent(f"Piece {number} of a content in the object store is not what was put there.", _AGAIN)
    return bytes(data)


def let_go(connection: sqlite3.Connection, digest: str) -> None:
    """The content is not there any more; its room is still to be given back."""
    with transaction(connection):
        connection.execute("UPDATE contents SET state = 'gone', digest = NULL WHERE digest = ?", (digest,))


def give_up(connection: sqlite3.Connection, key: int) -> None:
    """The upload is not wanted any more; its room is still to be given back."""
    with transaction(connection, on_disk=False):
        connection.execute("UPDATE contents SET state = 'gone' WHERE key = ? AND state = 'staging'", (key,))


def give_back(connection: sqlite3.Connection, path: Path) -> float | None:
    """Give back some of the room that nobody needs, in one short step.

    Returns after how many seconds there is more to do; None: not before something else was done.
    """
    free = _free(path)
    if free < 2 * _STEP_BYTES and path.with_name(path.name + "-wal").stat().st_size > free // 2:
        empty_log(connection)
    row = connection.execute("SELECT key FROM contents WHERE state = 'gone' LIMIT 1").fetchone()
    if row is not None:
        _remove_some(connection, row[0])
        return 0.0
    page = _number(connection, "PRAGMA page_size")
    if _number(connection, "PRAGMA freelist_count") * page > SPARE_BYTES:
        connection.execute("PRAGMA synchronous = NORMAL")
        # What it moves goes into the log first.
        step = min(_STEP_BYTES, _free(path) // 4)
        connection.execute(f"PRAGMA incremental_vacuum({max(1, step // page)})").fetchall()
        return 0.0
    if path.stat().st_size <= _number(connection, "PRAGMA page_count") * page:
        return None
    # The file becomes shorter when the whole log has been moved into it, which a reader may prevent for a moment.
    connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
    return _WAIT_FOR_READERS


def growth(connection: sqlite3.Connection, path: Path) -> int:
    """So many bytes the file is still to grow by, when what stands in the log is moved into it."""
    size = _number(connection, "PRAGMA page_count") * _number(connection, "PRAGMA page_size")
    return max(0, size - path.stat().st_size)


def empty_log(connection: sqlite3.Connection) -> None:
    """Move everything from the log into the file and give its room back, unless a reader is in the way."""
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def listed(connection: sqlite3.Connection, prefix: str, after: str, limit: int) -> list[Content]:
    """Contents whose digest begins with `prefix`, from behind `after` on."""
    # "g" comes behind every digit of a digest.
    statement = "SELECT digest, size FROM contents WHERE digest > ? AND digest >= ? AND digest < ? ORDER BY 1 LIMIT ?"
    return [Content(*row) for row in connection.execute(statement, (after, prefix, prefix + "g", limit))]


def _add(connection: sqlite3.Connection, key: int, number: int, pieces: Sequence[bytes]) -> None:
    first = key * PIECES + number
    rows = [(place, _checksum(place, data), data) for place, data in enumerate(pieces, first)]
    connection.executemany("INSERT INTO pieces (place, checksum, data) VALUES (?, ?, ?)", rows)


def _remove_some(connection: sqlite3.Connection, key: int) -> None:
    first, most = key * PIECES, _STEP_BYTES // PIECE_BYTES
    with transaction(connection, on_disk=False):
        places = connection.execute(
            "SELECT place FROM pieces WHERE place >= ? AND place < ? LIMIT ?", (first, first + PIECES, most)
        ).fetchall()
        connection.executemany("DELETE FROM pieces WHERE place = ?", places)
        if len(places) < most:
            connection.execute("DELETE FROM contents WHERE key = ?", (key,))


def _is_whole(connection: sqlite3.Connection, content: Kept, data: bytes) -> bool:
    try:
        return not data or piece(connection, content, 0) == data
    except DamagedContent:
        return False


def _checksum(place: int, data: bytes) -> int:
    """Of the bytes and of where they belong."""
    return zlib.crc32(data, place & 0xFFFF_FFFF)


def _free(path: Path) -> int:
    disk = os.statvfs(path.parent)
    return disk.f_bavail * disk.f_frsize


def _number(connection: sqlite3.Connection, statement: str) -> int:
    return int(connection.execute(statement).fetchone()[0])
