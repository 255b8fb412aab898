"""The secret store in a file of its own: each value encrypted (`sealing`), one thread that reads and writes."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TypeVar

from gofer.engines.secret_store import sqlite_rows as rows
from gofer.engines.secret_store.base import DamagedSecret, Entry, Progress, Scope, SecretName
from gofer.engines.secret_store.sealing import Seals, key_id
from gofer.engines.secret_store.sqlite_file import SecretFile, open_file, unusable
from gofer.errors import ConfigError, NotFound, Unavailable
from gofer.models.encryption_keys import SAMPLE_KEY, EncryptionKeys
from gofer.sqlite.lock import Lock

T = TypeVar("T")

_OTHER_KEY = (
    "Set the key that was used before. To change keys, name the old one in "
    "secret_store.sqlite.previous_encryption_keys as well, then run: gofer secret rotate-key. "
    "These names of keys are derived from them and may be shown."
)
_OF_DEV_MODE = (
    "They are under the sample key of dev mode. To keep them, start once more with dev_mode = true, a new key "
    "(gofer secret generate-key), and the sample key, changeme four times, in "
    "secret_store.sqlite.previous_encryption_keys; run gofer secret rotate-key; then take the sample key out and "
    "start without dev mode."
)
# What one transaction of a rotation takes: a few milliseconds, for which others wait.
ROTATED_AT_ONCE = 64


class SqliteSecretStore:
    """See `base` for the contract. `reached` is called with the name of each point at which a crash is tested."""

    def __init__(
        self,
        path: Path,
        keys: EncryptionKeys,
        *,
        busy_timeout: float = 5.0,
        reached: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._path = path
        self._keys = keys
        self._busy_timeout = busy_timeout
        self._reached = reached
        self._lock = Lock(path.with_name(path.name + ".lock"))
        self._thread: ThreadPoolExecutor | None = None
        self._file: SecretFile | None = None
        self._seals = Seals(EncryptionKeys())

    @property
    def name(self) -> str:
        return "sqlite"

    @property
    def encrypts(self) -> bool:
        return bool(self._seals.current)

    async def open(self) -> None:
        self._thread = ThreadPoolExecutor(1, "gofer-secret-store")
        try:
            await self._call(self._open)
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        thread, self._thread = self._thread, None
        if thread is not None:
            await asyncio.wrap_future(thread.submit(self._close))
            thread.shutdown()

    async def claim(self, server_id: str) -> str:
        owner = await self._read(rows.owner)
        return await self._write(partial(rows.claim, server_id=server_id)) if owner is None else owner

    async def check(self) -> None:
        await self._read(lambda connection: connection.execute("SELECT 1 FROM secrets LIMIT 1").fetchone())

    async def use(self, keys: EncryptionKeys) -> None:
        if keys != self._keys:
            await self._call(partial(self._use, keys))

    async def put(
        self, name: SecretName, value: str, namespaces: Sequence[str] | None, at: int, by: str
    ) -> tuple[Entry, bool]:
        def work(connection: sqlite3.Connection) -> tuple[Entry, bool]:
            before = rows.entry(connection, name)
            if namespaces is None and before is None:
                raise NotFound(
                    f'There is no global secret "{name.key}" yet',
                    "Say which namespaces may use it: --namespaces A,B, or --namespaces '*' for all.",
                )
            allowed = before.namespaces if namespaces is None and before is not None else namespaces or ()
            made_at, made_by = (before.created_at, before.created_by) if before is not None else (at, by)
            after = Entry(name, tuple(allowed), made_at, at, made_by, by)
            rows.retire(connection, name, at)
            rows.insert(connection, after, self._seals.seal(name, after.namespaces, value))
            self._reached("secret-put")
            return after, before is None

        return await self._write(work, "secret-put-committed")

    async def get(self, name: SecretName) -> str | None:
        def work(connection: sqlite3.Connection) -> str | None:
            self._seals.require()
            row = rows.value(connection, name)
            return None if row is None else self._seals.open(*row[1:])

        return await self._read(work)

    async def entry(self, name: SecretName) -> Entry | None:
        return await self._read(lambda connection: rows.entry(connection, name))

    async def list(self, scope: Scope, after: str, limit: int) -> Sequence[Entry]:
        return await self._read(lambda connection: rows.page(connection, scope, after, limit))

    async def delete(self, name: SecretName, at: int) -> bool:
        def work(connection: sqlite3.Connection) -> bool:
            deleted = rows.retire(connection, name, at)
            self._reached("secret-deleted")
            return deleted

        return await self._write(work, "secret-deleted-committed")

    async def scopes(self) -> Sequence[Scope]:
        return await self._read(rows.scopes)

    async def drop(self, scope: Scope) -> None:
        await self._write(lambda connection: rows.delete_scope(connection, scope))

    async def since(self, name: SecretName, at: int) -> Sequence[str]:
        def work(connection: sqlite3.Connection) -> Sequence[str]:
            self._seals.require()
            current = rows.value(connection, name)
            found = [*rows.retired_since(connection, name, at), *([current] if current is not None else [])]
            return [self._seals.open(*row[1:]) for row in found]

        return await self._read(work)

    async def forget(self, before: int) -> int:
        return await self._write(lambda connection: rows.delete_retired(connection, before))

    async def rotate(self) -> Progress:
        progress = await self._write(self._rotate, "secret-rotated-committed")
        if progress.rotated == 0:
            await self._call(lambda: self._opened().scrub())
        return progress

    async def damaged(self) -> Sequence[SecretName]:
        def work(connection: sqlite3.Connection) -> Sequence[SecretName]:
            self._seals.require()
            return [row.name for row in rows.every(connection) if not self._decrypts(row)]

        return await self._read(work)

    # What follows runs in the store's thread.

    def _open(self) -> None:
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock.acquire()
        except OSError as error:
            raise unusable(self._path, error) from error
        self._file = open_file(self._path, self._busy_timeout)
        self._use(self._keys)

    def _close(self) -> None:
        file, self._file = self._file, None
        self._keys, self._seals = EncryptionKeys(), Seals(EncryptionKeys())
        if file is not None:
            file.connection.close()
        self._lock.release()

    def _use(self, keys: EncryptionKeys) -> None:
        """In this thread nothing is written between the look at the values' keys and the change."""
        seals = Seals(keys)
        missing = [found for found in self._opened().read(rows.key_ids) if found[0] not in seals.ids]
        if missing:
            raise self._wrong(seals, keys.source, missing)
        self._keys, self._seals = keys, seals

    def _wrong(self, seals: Seals, source: str, missing: Sequence[tuple[str, int]]) -> ConfigError:
        values = sum(number for _, number in missing)
        needed = " and ".join(key_id for key_id, _ in missing)
        under = f"{values} of the values in the secret store {self._path} {'is' if values == 1 else 'are'} encrypted"
        if seals.current:
            why = f"{under} with the key {needed}, which is not configured: the key from {source} is {seals.current}"
        else:
            why = f"{under} with the key {needed}, and no encryption key is configured"
        sample = key_id(SAMPLE_KEY) in [found for found, _ in missing]
        return ConfigError(why, _OF_DEV_MODE if sample else _OTHER_KEY)

    def _rotate(self, connection: sqlite3.Connection) -> Progress:
        self._seals.require()
        current = self._seals.current
        rotated = 0
        for row in rows.stale(connection, current):
            try:
                value = self._seals.open(*row[1:])
            except DamagedSecret:
                continue  # It stays as it is: `done` never reaches `total`.
            rows.reseal(connection, row, self._seals.seal(row.name, row.namespaces, value))
            self._reached("secret-rotated")
            rotated += 1
            if rotated == ROTATED_AT_ONCE:
                break
        return Progress(rotated, rows.count_under(connection, current), rows.count(connection))

    def _decrypts(self, row: rows.Row) -> bool:
        try:
            self._seals.open(*row[1:])
        except DamagedSecret:
            return False
        return True

    def _opened(self) -> SecretFile:
        if self._file is None:
            raise Unavailable("The secret store is closed", "The server is stopping: try again when it runs.")
        return self._file

    async def _read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        return await self._call(lambda: self._opened().read(work))

    async def _write(self, work: Callable[[sqlite3.Connection], T], point: str = "") -> T:
        def write() -> T:
            done = self._opened().write(work)
            self._reached(point)
            return done

        return await self._call(write)

    async def _call(self, work: Callable[[], T]) -> T:
        if self._thread is None:
            raise Unavailable("The secret store is closed", "The server is stopping: try again when it runs.")
        return await asyncio.wrap_future(self._thread.submit(work))
