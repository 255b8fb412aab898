"""Unpacking an archive into empty folders, and judging what came out."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import IO, Protocol

from gofer import __version__
from gofer.archive.tar import Member
from gofer.errors import InvalidArchive
from gofer.models.backup import Head, PartName
from gofer.server.backup.layout import DATABASE, OBJECTS, SECRETS, digest_of, is_log_name, part_names
from gofer.server.store import meta
from gofer.server.store.migrate import migrations, names, names_in

_AGAIN = "Nothing of it was used. Take an older backup."


class Objects(Protocol):
    """Takes the contents of objects."""

    def file(self, digest: str, size: int) -> Callable[[bytes], object]:
        """A content begins; returns what takes its bytes."""

    def finish(self) -> None:
        """All of the content that was begun last has come, if any was. Raises InvalidArchive if it is another one."""


class Unpack:
    """Writes the database into `storage`, the secrets' one into `secrets`, the logs into `logs` (None: checks their
    names and throws them away), and hands the contents of objects to `objects`.

    Nothing but the names that a backup of Gofer has is ever written, and never over another file. A sink for
    `read_archive`.
    """

    def __init__(self, storage: Path, secrets: Path, logs: Path | None, objects: Objects) -> None:
        self._folders = {DATABASE: storage, SECRETS: secrets}
        self._logs = logs
        self._objects = objects
        self._file: IO[bytes] | None = None
        self._databases: set[str] = set()

    def begin(self, head: Head) -> None:
        """Refuses what this program does not know. Raises InvalidArchive."""
        if head.schema > len(migrations()):
            raise InvalidArchive(
                f"This backup has schema version {head.schema}, but this Gofer ({__version__}) knows only up to"
                f" {len(migrations())}.",
                f"It was taken by Gofer {head.gofer}: restore it with that version or a newer one.",
            )
        if head.parts != part_names(head.logs, head.secrets, head.objects):
            raise InvalidArchive(
                "This backup has parts that this Gofer does not know.",
                f"It was taken by Gofer {head.gofer}: restore it with that version or a newer one.",
            )

    def file(self, part: PartName, member: Member) -> Callable[[bytes], object]:
        """Raises InvalidArchive for a file that no backup has, OSError if it cannot be written."""
        self.end()
        if part.kind == "sqlite":
            if part.name in self._databases:
                raise InvalidArchive(f"The backup holds {member.name} twice.", _AGAIN)
            self._databases.add(part.name)
            return self._write(self._folders[part.name] / part.name)
        if part.name == OBJECTS:
            digest = digest_of(member.name)
            if digest is None:
                raise InvalidArchive(f'The backup holds "{member.name}", which is no content of an object.', _AGAIN)
            return self._objects.file(digest, member.size)
        if not is_log_name(member.name):
            raise InvalidArchive(f'The backup holds "{member.name}", which is no log of Gofer\'s.', _AGAIN)
        if self._logs is None:
            return lambda _: None
        path = self._logs / member.name.partition("/")[2]
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        return self._write(path)

    def close(self) -> None:
        """Finish the file that was begun last. Raises OSError."""
        if self._file is not None:
            file, self._file = self._file, None
            file.close()

    def end(self) -> None:
        """All of the archive has come. Raises OSError, InvalidArchive."""
        self.close()
        self._objects.finish()

    def _write(self, path: Path) -> Callable[[bytes], object]:
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        except FileExistsError:
            raise InvalidArchive(f"The backup holds {path.name} twice.", _AGAIN) from None
        self._file = os.fdopen(descriptor, "wb")
        return self._file.write


def check_database(path: Path, head: Head) -> None:
    """Raises InvalidArchive unless the file is a sound database of Gofer's, as `head` describes it."""
    try:
        # So opened SQLite writes nothing, beside the file neither, and runs nothing that stands in it.
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as connection:
            connection.execute("PRAGMA trusted_schema = OFF")
            connection.execute("PRAGMA cell_size_check = ON")
            wrong = _wrong(connection, head)
    except (sqlite3.Error, FileNotFoundError) as error:
        wrong = str(error)
    if wrong:
        raise InvalidArchive(f"The database in the backup is not sound: {wrong}.", _AGAIN)


def _wrong(connection: sqlite3.Connection, head: Head) -> str:
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version != head.schema or version < 1:
        return f"it has schema version {version}, and the backup says {head.schema}"
    strange = names_in(connection) ^ names(migrations()[:version])
    if strange:
        kind, name = min(strange)
        return f"the {kind} {name} is missing, or none of Gofer's"
    found = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
    if found != "ok":
        return str(found)
    broken = connection.execute("PRAGMA foreign_key_check").fetchone()
    if broken is not None:
        return f"a row of {broken[0]} refers to a missing row of {broken[2]}"
    if meta.get(connection, meta.SERVER_ID) != head.server_id:
        return "it belongs to another server than the backup says"
    return ""


def check_secrets(path: Path) -> None:
    """Raises InvalidArchive unless the file is a sound secret store; without a key, nothing is known of its values."""
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as connection:
            connection.execute("PRAGMA trusted_schema = OFF")
            connection.execute("PRAGMA cell_size_check = ON")
            found = connection.execute("SELECT type, name, tbl_name FROM sqlite_master").fetchall()
            wrong = next(
                (f"the {kind} {name} is none of Gofer's" for kind, name, of in found if not _own(kind, of)), ""
            )
            if not wrong:
                told = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
                wrong = "" if told == "ok" else str(told)
    except (sqlite3.Error, FileNotFoundError) as error:
        wrong = str(error)
    if wrong:
        raise InvalidArchive(f"The secret store in the backup is not sound: {wrong}.", _AGAIN)


def _own(kind: str, table: str) -> bool:
    return kind in ("table", "index") and table in ("secrets", "owner", "sqlite_sequence")
