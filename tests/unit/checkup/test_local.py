from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from gofer.cli.service.local_checks import local_checks
from gofer.errors import ClientError
from tests.support.closed import closed


def test_a_folder_that_may_not_be_looked_into(tmp_path: Path) -> None:
    folder = tmp_path / "closed"
    folder.mkdir()
    environ = {"HOME": str(tmp_path), "GOFER_SERVER__STORAGE_PATH": f"{folder}/data/gofer"}
    with closed(folder):
        (storage,) = (check for check in local_checks(ClientError("away"), environ, None) if check.name == "storage")
    assert (storage.level, "cannot write to" in storage.message) == ("error", True)


def test_files_of_the_stores(tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path), "GOFER_SERVER__STORAGE_PATH": str(tmp_path)}

    def look() -> dict[str, str]:
        return {check.name: check.level for check in local_checks(ClientError("away"), environ, None)}

    with closing(sqlite3.connect(tmp_path / "secrets.db")) as connection:
        connection.execute("CREATE TABLE secrets (x)")
    found = look()
    assert (found["secret store"], found["object store"]) == ("ok", "ok")
    (tmp_path / "objects.db").write_bytes(b"no database" * 1000)
    found = look()
    assert (found["secret store"], found["object store"]) == ("ok", "error")
    environ["GOFER_OBJECT_STORE__ENGINE"] = "filesystem"
    assert "object store" not in look()
