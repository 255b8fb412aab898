from __future__ import annotations

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
