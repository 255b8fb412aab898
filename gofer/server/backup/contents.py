"""The bytes of an archive, made from a copy of the database and from the logs that it knows of."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import IO

from gofer import __version__
from gofer.archive.write import ArchiveWriter
from gofer.models.backup import FORMAT, Head
from gofer.server.backup.layout import DATABASE, LOGS, part_names
from gofer.server.logs.folder import LogId, log_path
from gofer.server.store import backup as rows
from gofer.server.store import meta

_BLOCK = 128 * 1024


class Contents:
    """One archive. `copy`: the file of the copied database; `logs`: the folder of the logs, None to leave them out.

    Everything here may block. A log that the copy knows of, and that has expired or was deleted since, is left out.
    """

    def __init__(self, copy: Path, logs: Path | None, created_at: int) -> None:
        self._copy = copy
        self._logs = logs
        self._created_at = created_at

    def head(self) -> Head:
        """What the archive says of itself."""
        with closing(self._connect()) as connection:
            size = self._copy.stat().st_size + (rows.expected_log_bytes(connection) if self._logs else 0)
            return Head(
                format=FORMAT,
                gofer=__version__,
                schema=connection.execute("PRAGMA user_version").fetchone()[0],
                server_id=meta.get(connection, meta.SERVER_ID) or "",
                created_at=self._created_at,
                logs=self._logs is not None,
                parts=part_names(self._logs is not None),
                expected_bytes=size + 4096,
            )

    def pieces(self) -> Iterator[bytes]:
        """The whole archive, piece by piece."""
        writer = ArchiveWriter(self.head())
        yield from writer.begin()
        writer.part(0)
        with self._copy.open("rb") as file:
            yield from writer.file(DATABASE, file, os.fstat(file.fileno()).st_size)
        if self._logs is not None:
            writer.part(1)
            yield from self._log_files(writer, self._logs)
        yield from writer.end()

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

    def _connect(self) -> sqlite3.Connection:
        # Used by one thread at a time, but not always by the same.
        connection = sqlite3.connect(
            f"{self._copy.absolute().as_uri()}?mode=ro&immutable=1", uri=True, check_same_thread=False
        )
        connection.row_factory = sqlite3.Row
        return connection


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
