"""The bytes of an archive: copies of databases, and the logs and contents that the first one knows of."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import IO, NamedTuple

from gofer import __version__
from gofer.archive.write import ArchiveWriter
from gofer.engines.object_store.base import DamagedContent
from gofer.errors import NotFound
from gofer.models.backup import FORMAT, Head
from gofer.server.backup.layout import DATABASE, LOGS, OBJECTS, SECRETS, content_name, part_names
from gofer.server.backup.stored import Stored, broken, missing
from gofer.server.logs.folder import LogId, log_path
from gofer.server.store import backup as rows
from gofer.server.store import meta

_BLOCK = 128 * 1024


class Sources(NamedTuple):
    """What an archive is made from: the file of the copied database, and that of the secrets (None: there are none);
    the folder of the logs and the object store (None: left out)."""

    copy: Path
    secrets: Path | None
    logs: Path | None
    objects: Stored | None


class Contents:
    """One archive. Everything here may block.

    A log that the copy knows of, and that has expired or was deleted since, is left out. A content that it knows of is
    in it, or there is no archive.
    """

    def __init__(self, sources: Sources, created_at: int) -> None:
        self._sources = sources
        self._created_at = created_at

    def check(self) -> None:
        """Raises Conflict if the store has not got every content."""
        store = self._sources.objects
        if store is None:
            return
        with closing(self._connect()) as connection:
            for digest, _ in rows.contents(connection):
                if not store.exists(digest):
                    raise missing(digest, rows.an_object_with(connection, digest))

    def head(self) -> Head:
        """What the archive says of itself."""
        copy, secrets, logs, objects = self._sources
        with closing(self._connect()) as connection:
            size = copy.stat().st_size + (secrets.stat().st_size if secrets else 0)
            size += rows.expected_log_bytes(connection) if logs else 0
            size += rows.expected_content_bytes(connection) if objects else 0
            return Head(
                format=FORMAT,
                gofer=__version__,
                schema=connection.execute("PRAGMA user_version").fetchone()[0],
                server_id=meta.get(connection, meta.SERVER_ID) or "",
                created_at=self._created_at,
                logs=logs is not None,
                parts=part_names(logs is not None, secrets is not None, objects is not None),
                expected_bytes=size + 4096,
                secrets=secrets is not None,
                objects=objects is not None,
            )

    def pieces(self) -> Iterator[bytes]:
        """The whole archive, piece by piece."""
        head = self.head()
        writer = ArchiveWriter(head)
        yield from writer.begin()
        for number, part in enumerate(head.parts):
            writer.part(number)
            yield from self._part(writer, part.name)
        yield from writer.end()

    def _part(self, writer: ArchiveWriter, name: str) -> Iterator[bytes]:
        copy, secrets, logs, objects = self._sources
        if name == DATABASE:
            yield from _whole_file(writer, name, copy)
        elif name == SECRETS and secrets is not None:
            yield from _whole_file(writer, name, secrets)
        elif name == LOGS and logs is not None:
            yield from self._log_files(writer, logs)
        elif name == OBJECTS and objects is not None:
            yield from self._contents(writer, objects)

    def _log_files(self, writer: ArchiveWriter, root: Path) -> Iterator[bytes]:
        with closing(self._connect()) as connection:
            for log in rows.attempts_with_logs(connection):
                try:
                    file = _open(log_path(root, LogId(*log)))
                except FileNotFoundError:
                    continue
                with file:
                    name = f"{LOGS}/{log.namespace}/{log.pipeline}/{log.run}/{log.task}/{log.attempt}.log"
                    yield from writer.file(name, file, _whole_records(file.fileno()))

    def _contents(self, writer: ArchiveWriter, store: Stored) -> Iterator[bytes]:
        with closing(self._connect()) as connection:
            for digest, size in rows.contents(connection):
                with closing(store.open(digest)) as content:
                    try:
                        yield from writer.file(content_name(digest), content, size)
                        # The store tells only now that this was all, and right.
                        if content.read(1):
                            raise DamagedContent("it is longer than its object says")
                    except (DamagedContent, NotFound) as error:
                        raise broken(rows.an_object_with(connection, digest), error) from error

    def _connect(self) -> sqlite3.Connection:
        # Used by one thread at a time, but not always by the same.
        connection = sqlite3.connect(
            f"{self._sources.copy.absolute().as_uri()}?mode=ro&immutable=1", uri=True, check_same_thread=False
        )
        connection.row_factory = sqlite3.Row
        return connection


def _whole_file(writer: ArchiveWriter, name: str, path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        yield from writer.file(name, file, os.fstat(file.fileno()).st_size)


def _open(path: Path) -> IO[bytes]:
    return os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb", buffering=0)


def _whole_records(descriptor: int) -> int:
    """The size of a log up to its last whole record, each of which ends with a newline that is its only one."""
    end = os.fstat(descriptor).st_size
    while end:
        begin = max(0, end - _BLOCK)
        found = os.pread(descriptor, end - begin, begin).rfind(b"\n")
        if found >= 0:
            return begin + found + 1
        end = begin
    return 0
