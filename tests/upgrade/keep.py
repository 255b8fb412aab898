"""Keeps a data folder of this program, for the programs that come: `python -m tests.upgrade.keep`.

To be run before the schema changes (a new file in `gofer/server/store/sql/migrations`), and committed with that change.
"""

from __future__ import annotations

import gzip
import io
import json
import lzma
import sqlite3
import sys
import tarfile
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

from tests.support.server import ServerProcess
from tests.upgrade import scene

ADDRESS = "http://the-server"
"""Stands for the address of whatever server is asked."""

DATA = Path(__file__).parent / "data"
FOLDER, ANSWERS = "data.tar.xz", "answers.json.gz"


def keep(target: Path) -> int:
    """Write what a server of this program stores into `target/v<schema>`; returns the schema's version.

    The server is killed, so that the folder is as after a crash: the newest rows are in the write-ahead log only.
    """
    with tempfile.TemporaryDirectory(prefix="gofer-keep-") as home:
        server = ServerProcess(Path(home), "fake")
        api = server.start()
        try:
            scene.play(api)
            answers = scene.answers(api)
        finally:
            server.kill()
        data = Path(home) / "data"
        packed = _packed(data)
        with closing(sqlite3.connect(data / "gofer.db")) as connection:
            schema: int = connection.execute("PRAGMA user_version").fetchone()[0]
    folder = target / f"v{schema}"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / FOLDER).write_bytes(packed)
    (folder / ANSWERS).write_bytes(
        gzip.compress(json.dumps(answers, sort_keys=True).replace(api.address, ADDRESS).encode(), mtime=0)
    )
    return schema


def kept() -> list[int]:
    """The schemas of which there is a folder."""
    return sorted(int(path.name.removeprefix("v")) for path in DATA.glob("v*"))


def unpack(schema: int, target: Path) -> None:
    """Put a kept data folder into `target/data`, as a server of its time has left it."""
    with tarfile.open(DATA / f"v{schema}" / FOLDER) as archive:
        archive.extractall(target, filter="data")


def answers_of(schema: int) -> dict[str, Any]:
    """What the API said of it then, by path."""
    found: dict[str, Any] = json.loads(gzip.decompress((DATA / f"v{schema}" / ANSWERS).read_bytes()))
    return found


def _packed(data: Path) -> bytes:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path in sorted(data.rglob("*")):
            if path.is_file() and not path.name.endswith((".lock", "-shm")):
                info = tarfile.TarInfo(str(Path("data", path.relative_to(data))))
                info.size, info.mode = path.stat().st_size, 0o600
                with path.open("rb") as file:
                    archive.addfile(info, file)
    return lzma.compress(raw.getvalue(), preset=9)


if __name__ == "__main__":
    print(f"kept the data of schema {keep(Path(sys.argv[1]) if len(sys.argv) > 1 else DATA)}")
