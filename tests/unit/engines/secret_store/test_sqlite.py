"""The file of the embedded secret store."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from gofer.engines.secret_store.base import DamagedSecret, Scope, SecretName
from gofer.engines.secret_store.sealing import key_id
from gofer.engines.secret_store.sqlite import SqliteSecretStore
from gofer.errors import ConfigError, StoreBusy, StoreFull, Unavailable
from gofer.models.encryption_keys import EncryptionKeys

OLD, NEW = b"o" * 32, b"n" * 32
SCOPE = Scope("default", "p", 1)
NAME = SecretName("key", SCOPE)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "inner" / "secrets.db"


def store(path: Path, *keys: bytes, busy_timeout: float = 5.0) -> SqliteSecretStore:
    given = keys or (OLD,)
    return SqliteSecretStore(path, EncryptionKeys(given[0], given[1:], "a test"), busy_timeout=busy_timeout)


def change(path: Path, sql: str, *given: object) -> None:
    connection = sqlite3.connect(path)
    with connection:
        connection.execute(sql, given)
    connection.close()


def written(path: Path) -> bytes:
    return b"".join(one.read_bytes() for one in path.parent.iterdir())


async def test_only_its_user_may_read_it(path: Path) -> None:
    made = store(path)
    await made.open()
    await made.put(NAME, "value", [], 1, "")
    assert {one.stat().st_mode & 0o777 for one in path.parent.iterdir()} == {0o600}
    assert path.parent.stat().st_mode & 0o777 == 0o700
    await made.close()


async def test_one_process_at_a_time(path: Path) -> None:
    first = store(path)
    await first.open()
    with pytest.raises(ConfigError, match="in use by another Gofer"):
        await store(path).open()
    await first.close()
    second = store(path)
    await second.open()
    await second.close()


async def test_what_is_on_disk_is_there_when_it_is_answered(path: Path) -> None:
    """Also with a journal that loses what was not synced: settings of the connection say so."""
    made = store(path)
    await made.open()

    def pragmas(connection: sqlite3.Connection) -> dict[str, object]:
        names = ("journal_mode", "synchronous", "secure_delete")
        return {name: connection.execute(f"PRAGMA {name}").fetchone()[0] for name in names}

    assert await made._read(pragmas) == {"journal_mode": "wal", "synchronous": 2, "secure_delete": 1}
    await made.close()


async def test_a_wrong_key_is_told_by_name(path: Path) -> None:
    made = store(path, OLD)
    await made.open()
    await made.put(NAME, "value", [], 1, "")
    await made.close()
    with pytest.raises(ConfigError) as caught:
        await store(path, NEW).open()
    assert key_id(OLD) in caught.value.message
    assert key_id(NEW) in caught.value.message
    assert "previous_encryption_keys" in caught.value.hint
    assert "a test" in caught.value.message
    with pytest.raises(ConfigError, match=f"{key_id(OLD)}, and no encryption key"):
        await SqliteSecretStore(path, EncryptionKeys()).open()


async def test_after_a_refused_start_nothing_is_held(path: Path) -> None:
    made = store(path, OLD)
    await made.open()
    await made.put(NAME, "value", [], 1, "")
    await made.close()
    for _ in range(2):
        with pytest.raises(ConfigError):
            await store(path, NEW).open()
    again = store(path, OLD)
    await again.open()
    await again.close()


async def test_rows_that_changed_places_do_not_decrypt(path: Path) -> None:
    made = store(path)
    await made.open()
    other = SecretName("other", SCOPE)
    await made.put(NAME, "one", [], 1, "")
    await made.put(other, "two", [], 1, "")
    change(path, "UPDATE secrets SET name = CASE name WHEN 'key' THEN '-' ELSE name END")
    change(path, "UPDATE secrets SET name = 'key' WHERE name = 'other'")
    change(path, "UPDATE secrets SET name = 'other' WHERE name = '-'")
    for name in (NAME, other):
        with pytest.raises(DamagedSecret):
            await made.get(name)
        with pytest.raises(DamagedSecret):
            await made.since(name, 0)
    assert set(await made.damaged()) == {NAME, other}
    await made.put(NAME, "whole", [], 2, "")
    assert await made.get(NAME) == "whole"
    await made.close()


async def test_who_writes_to_the_file_cannot_let_others_use_a_secret(path: Path) -> None:
    made = store(path, OLD)
    await made.open()
    name = SecretName("shared")
    await made.put(name, "one", ["team-a"], 1, "")
    await made.put(name, "two", ["team-a", "team-b"], 2, "")
    assert await made.since(name, 0) == ["one", "two"]
    await made.use(EncryptionKeys(NEW, (OLD,)))
    assert (await made.rotate()).rotated == 2
    assert await made.since(name, 0) == ["one", "two"]
    change(path, "UPDATE secrets SET namespaces = '*' WHERE retired_at IS NULL")
    with pytest.raises(DamagedSecret):
        await made.get(name)
    await made.close()


async def test_a_rotation_leaves_out_what_is_damaged(path: Path) -> None:
    made = store(path, OLD)
    await made.open()
    names = [SecretName(f"k{number}", SCOPE) for number in range(70)]
    for name in names:
        await made.put(name, "value", [], 1, "")
    change(path, "UPDATE secrets SET ciphertext = x'00' WHERE name IN ('k0', 'k5')")
    await made.use(EncryptionKeys(NEW, (OLD,)))
    steps = [await made.rotate() for _ in range(3)]
    assert [(step.rotated, step.done, step.total) for step in steps] == [(64, 64, 70), (4, 68, 70), (0, 68, 70)]
    assert [str(name) for name in await made.damaged()] == ["default/p/k0", "default/p/k5"]
    await made.close()


async def test_after_a_rotation_nothing_of_the_old_is_left_in_the_files(path: Path) -> None:
    made = store(path, OLD)
    await made.open()
    await made.put(NAME, "value", [], 1, "")
    old = await made._read(lambda connection: connection.execute("SELECT ciphertext FROM secrets").fetchone()[0])
    assert old in written(path)
    await made.use(EncryptionKeys(NEW, (OLD,)))
    while (await made.rotate()).rotated:
        pass
    assert old not in written(path)
    await made.close()


async def test_what_is_forgotten_is_overwritten(path: Path) -> None:
    made = store(path)
    await made.open()
    await made.put(NAME, "value", [], 1, "")
    old = await made._read(lambda connection: connection.execute("SELECT ciphertext FROM secrets").fetchone()[0])
    await made.put(NAME, "value", [], 2, "")
    await made.forget(3)
    await made.close()
    assert old not in written(path)


async def test_a_file_of_another_program(path: Path) -> None:
    path.parent.mkdir()
    change(path, "CREATE TABLE other (x)")
    with pytest.raises(ConfigError, match="a database, but no secret store"):
        await store(path).open()


async def test_another_file_of_gofers(path: Path) -> None:
    """Of whatever version: it is not taken for a newer secret store."""
    path.parent.mkdir()
    change(path, "CREATE TABLE pipelines (id)")
    change(path, "PRAGMA user_version = 99")
    with pytest.raises(ConfigError, match="a database, but no secret store"):
        await store(path, OLD).open()


async def test_a_file_of_a_newer_gofer(path: Path) -> None:
    path.parent.mkdir()
    change(path, "PRAGMA user_version = 99")
    with pytest.raises(ConfigError, match="version 99"):
        await store(path).open()


async def test_a_file_that_is_no_database(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"no database " * 1000)
    with pytest.raises(ConfigError, match="damaged"):
        await store(path).open()


async def test_a_place_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match=r"secrets\.db cannot be opened"):
        await store(tmp_path / "file" / "secrets.db").open()
    (tmp_path / "secrets.db").mkdir()
    with pytest.raises(ConfigError, match="cannot be opened"):
        await store(tmp_path / "secrets.db").open()


async def test_a_file_that_another_program_holds(path: Path) -> None:
    made = store(path, busy_timeout=0.05)
    await made.open()
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreBusy):
        await made.put(NAME, "value", [], 1, "")
    holder.execute("ROLLBACK")
    holder.close()
    await made.put(NAME, "value", [], 1, "")
    assert await made.get(NAME) == "value"
    await made.close()


async def test_a_full_disk_changes_nothing(path: Path) -> None:
    made = store(path)
    await made.open()
    await made.put(NAME, "value", [], 1, "")
    pages = await made._read(lambda connection: connection.execute("PRAGMA page_count").fetchone()[0])
    await made._read(lambda connection: connection.execute(f"PRAGMA max_page_count = {pages}").fetchone())
    with pytest.raises(StoreFull):
        await made.put(NAME, "x" * 60_000, [], 2, "")
    assert await made.get(NAME) == "value"
    assert await made.since(NAME, 0) == ["value"]
    await made._read(lambda connection: connection.execute("PRAGMA max_page_count = 100000").fetchone())
    await made.put(NAME, "x" * 60_000, [], 3, "")
    await made.close()


async def test_a_closed_one_says_so(path: Path) -> None:
    made = store(path)
    with pytest.raises(Unavailable, match="closed"):
        await made.get(NAME)
    await made.open()
    await made.close()
    with pytest.raises(Unavailable, match="closed"):
        await made.get(NAME)
