"""The server killed with SIGKILL while files go from one task to the next, and started again."""

from __future__ import annotations

import contextlib
import http.client
import io
import tarfile
from pathlib import Path
from typing import Any

import pytest

from tests.faults.crash import IMAGE, check_nothing_left
from tests.support.server import Api, ServerProcess

POINTS = [
    # of `make`: nothing is placed but what its cache has, then three objects are kept
    "placed:1",
    "started:1",
    "drained:1",
    "object_received:1",
    "object_committed:2",
    "object_stored:2",
    "object_stored:3",
    "collected:1",
    # of `use`
    "placed:2",
    "started:2",
    "collected:2",
]

_MAKE = """
echo started >> "$WITNESS/make"
mkdir -p out/deep cache
echo one > out/deep/one
head -c 3000000 /dev/zero > out/zeros
echo report > report.txt
echo kept > cache/kept
"""
_USE = """
echo started >> "$WITNESS/use"
cat in/deep/one given.txt cache/kept
wc -c < in/zeros
"""


def manifest(engine: str, witness: Path) -> dict[str, Any]:
    def task(name: str, script: str, **more: Any) -> dict[str, Any]:
        mounts = [{"source": str(witness), "target": str(witness), "read_only": False}] if engine == "docker" else []
        return {
            "id": name,
            "image": IMAGE,
            "script": script,
            "variables": {"WITNESS": str(witness)},
            "caches": [{"key": "kept", "paths": ["cache"]}],
            "mounts": mounts,
            **more,
        }

    outputs = [{"key": "folder", "path": "out"}, {"key": "file", "path": "report.txt"}]
    inputs = [{"key": "folder", "path": "in"}, {"key": "file", "path": "given.txt"}]
    use = task("use", _USE, inputs=inputs, depends_on=[{"task": "make"}])
    return {"id": "crash", "tasks": [task("make", _MAKE, outputs=outputs), use]}


@pytest.mark.parametrize("engine", ["process", "docker"])
@pytest.mark.parametrize("point", POINTS)
def test_killed_at(point: str, engine: str, tmp_path: Path) -> None:
    witness = tmp_path / "witness"
    witness.mkdir()
    witness.chmod(0o777)
    server = ServerProcess(tmp_path, engine, {"GOFER_ALLOWED_MOUNTS": str(witness)})
    try:
        api = server.start(GOFER_TEST_CRASH_AT=point)
        api.register(manifest(engine, witness))
        with contextlib.suppress(http.client.HTTPException, ConnectionError):
            api.start("crash")
        server.died()
        api = server.start()
        api.ended("crash", 1)
        assert api.run("crash", 1)["status"] == "successful", api.tasks("crash", 1)
        assert b"one\nreport\nkept\n3000000\n" in api.log("crash", 1, "use")
        assert {path.name: path.read_text() for path in witness.iterdir()} == {"make": "started\n", "use": "started\n"}
        check_objects(api)
        names = [task["attempts"][0]["container"] for task in api.tasks("crash", 1).values()]
    finally:
        code = server.stop()
    assert code == 0
    check_nothing_left(engine, tmp_path, names)
    check_folders(tmp_path / "data" / "process")


def check_objects(api: Api) -> None:
    """Everything is there, once and whole."""
    found = {item["key"]: item for item in api.get("namespaces/default/pipelines/crash/runs/1/objects")["items"]}
    assert set(found) == {"folder", "file"}
    assert (found["file"]["content_type"], found["file"]["size"]) == ("text/plain", len("report\n"))
    status, data = api.raw("GET", "namespaces/default/pipelines/crash/runs/1/objects/folder")
    assert status == 200
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        assert [member.name for member in archive] == ["deep", "deep/one", "zeros"]


def check_folders(root: Path) -> None:
    """Of what was prepared for attempts nothing is left."""
    if root.exists():
        assert list((root / "work").iterdir()) == []
        assert [folder for folder in (root / "spare").glob("*.work") if any(folder.iterdir())] == []
