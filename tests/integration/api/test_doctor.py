"""What the doctor finds on the disk, at the engine and in the database, and that it finds it only there."""

from __future__ import annotations

import hashlib
import os
import shutil
from typing import Any

import pytest

from gofer.engines.scheduler.base import ContainerSpec
from gofer.server.api.checks import _older_than
from gofer.server.runs.container import SERVER_LABEL
from tests.integration.api.server import ServerThread


def checks(server: ServerThread, query: str = "") -> dict[str, Any]:
    return {check["name"]: check for check in server.ask("GET", f"/api/v1/system/checks{query}").json}


def test_logs_that_are_missing_and_logs_of_nobody(server: ServerThread, pipeline: str) -> None:
    run = server.api.start("plain")
    server.api.ended("plain", run)
    root = server.services.logs.root
    assert checks(server)["log folders"]["level"] == "ok"
    (root / "default" / "plain" / "77" / "one").mkdir(parents=True)
    found = checks(server)["log folders"]
    assert (found["level"], "default/plain/77" in found["message"]) == ("warning", True)
    (root / "default" / "plain" / "77" / "one").rmdir()
    (root / "default" / "plain" / "77").rmdir()
    shutil.rmtree(root / "default" / "plain" / str(run))
    found = checks(server)["log folders"]
    assert (found["level"], f"default/plain {run} one" in found["message"]) == ("warning", True)


def test_a_container_that_was_left_over(server: ServerThread) -> None:
    services = server.services
    labels = {SERVER_LABEL: services.database.server_id}
    spec = ContainerSpec(name="left-over", image="fake", command=["hang"], labels=labels)
    server.in_loop(lambda: services.scheduler.start(spec))
    try:
        found = checks(server)["containers"]
        assert (found["level"], "left-over" in found["message"]) == ("warning", True)
    finally:
        server.in_loop(lambda: services.scheduler.stop("left-over", 0))
        server.in_loop(lambda: services.scheduler.remove("left-over"))
    assert checks(server)["containers"]["level"] == "ok"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_file_of_another_user(server: ServerThread) -> None:
    path = server.services.settings.server.storage_path / "stray"
    path.touch()
    os.chown(path, 12_345, -1)
    found = checks(server)["permissions"]
    path.unlink()
    assert (found["level"], str(path) in found["message"]) == ("error", True)


def test_a_deep_look_finds_what_a_quick_one_does_not(server: ServerThread, pipeline: str) -> None:
    server.api.ended("plain", server.api.start("plain"))
    assert checks(server, "?deep=true")["database"] == {
        "name": "database", "level": "ok", "message": "The database is sound.", "hint": "",
    }  # fmt: skip
    change = "UPDATE run_counts SET runs = runs + {} WHERE status = 'successful'"

    def write(number: int) -> None:
        server.in_loop(lambda: server.services.database.write(lambda tx: tx.execute(change.format(number)).rowcount))

    write(1)
    try:
        assert checks(server)["database"]["level"] == "ok"
        found = checks(server, "?deep=true")["database"]
        assert (found["level"], "counts of runs" in found["message"]) == ("error", True)
    finally:
        write(-1)


def test_docker_versions() -> None:
    assert _older_than("19.03.5", (20, 10)) == _older_than("20.9", (20, 10)) == "20.10"
    assert (
        _older_than("20.10.24+dfsg1", (20, 10)) == _older_than("28.0.1", (20, 10)) == _older_than("dev", (20, 10)) == ""
    )


def _put(server: ServerThread, key: str, data: bytes) -> str:
    path = f"/api/v1/namespaces/default/pipelines/plain/objects/{key}?force=true"
    answer = server.ask("PUT", path, data, {"Content-Type": "text/plain"})
    assert answer.status in (200, 201), answer
    return hashlib.sha256(data).hexdigest()


def test_contents_of_objects_that_are_missing_or_damaged(server: ServerThread, pipeline: str) -> None:
    store = server.services.object_store
    digest = _put(server, "doctors", b"something that nobody else has")
    assert checks(server)["objects"]["level"] == "ok"
    assert checks(server, "?deep=true")["objects"]["level"] == "ok"
    server.in_loop(lambda: store.delete(digest))
    found = checks(server)["objects"]
    assert (found["level"], "missing" in found["message"], "doctors" in found["message"]) == ("error", True, True)
    assert "--force" in found["hint"]
    server.in_loop(lambda: _keep(server, digest, b"another"))
    assert checks(server)["objects"]["level"] == "ok"
    found = checks(server, "?deep=true")["objects"]
    assert (found["level"], "damaged" in found["message"], "doctors" in found["message"]) == ("error", True, True)
    _put(server, "doctors", b"something that nobody else has")
    assert checks(server, "?deep=true")["objects"]["level"] == "ok"


def test_a_content_of_nobody(server: ServerThread, pipeline: str) -> None:
    digest = hashlib.sha256(b"of nobody").hexdigest()
    server.in_loop(lambda: _keep(server, digest, b"of nobody"))
    found = checks(server)["objects"]
    assert (found["level"], "belong to no object" in found["message"]) == ("warning", True)
    server.in_loop(lambda: server.services.object_store.delete(digest))
    assert checks(server)["objects"]["level"] == "ok"


async def _keep(server: ServerThread, digest: str, data: bytes) -> None:
    upload = await server.services.object_store.upload()
    await upload.write(data)
    await upload.commit(digest)
