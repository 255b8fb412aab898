"""Another file is put in the program's place while it runs, or the file is deleted: what runs goes on."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.sync.client import connect

from tests.frozen.place import FrozenServer, Place
from tests.support.server import Api
from tests.support.until import until

OWN = "echo there; until [ -e {go} ]; do sleep 0.05; done; echo end"


@pytest.fixture
def go(place: Place) -> Path:
    """What the first run waits for."""
    return place.home / "go"


@pytest.fixture
def installed(place: Place) -> Path:
    """A copy of the program, to be replaced."""
    path = place.home / "bin" / "gofer"
    path.parent.mkdir()
    shutil.copy2(place.program, path)
    return path


@pytest.fixture
def server(place: Place, installed: Path, go: Path) -> Iterator[FrozenServer]:
    """It runs the copy, and a run that waits."""
    server = FrozenServer(place, installed)
    api = server.start()
    try:
        api.register({"id": "p", "tasks": [{"id": "t", "image": "i", "script": OWN.format(go=go)}]})
        api.until("taskrun.running", "p", api.start("p"), "t")
        yield server
    finally:
        go.touch()
        assert server.stop() == 0, server.log_text()


def replace(place: Place, installed: Path) -> None:
    """As an upgrade does: the new file is whole before it gets the name."""
    new = place.home / "new"
    shutil.copy2(place.program, new)
    new.rename(installed)


@pytest.mark.parametrize("way", ["replaced", "deleted"])
def test_what_runs_goes_on(place: Place, installed: Path, server: FrozenServer, go: Path, way: str) -> None:
    if way == "replaced":
        replace(place, installed)
    else:
        installed.unlink()
    serves_what_it_has_not_needed_yet(server.api)
    api = server.api
    api.register({"id": "new", "tasks": [{"id": "t", "image": "i", "script": "echo new"}]})
    assert api.ended("new", api.start("new"))["status"] == "successful"
    assert server.stop() == 0
    if way == "deleted":
        replace(place, installed)
    api = server.start()
    assert api.run("p", 1)["status"] == "running"
    go.touch()
    assert api.ended("p", 1)["status"] == "successful"
    assert api.log("p", 1, "t") == b"there\nend\n"


def serves_what_it_has_not_needed_yet(api: Api) -> None:
    for path in ("/docs/", "/docs/cli/", "/api/docs", "/api/openapi.json", "/metrics"):
        assert api.raw("GET", path)[0] == 200, path
    assert api.get("namespaces/default/pipelines/p/graph", format="svg") is not None
    assert api.get("system/checks")
    where = api.address.replace("http://", "ws://")
    attach = f"{where}/api/v1/namespaces/default/pipelines/p/runs/1/tasks/t/attach?command=echo&command=attached"
    with connect(attach, compression=None) as websocket:
        assert b"attached" in b"".join(one if isinstance(one, bytes) else one.encode() for one in websocket)


def test_the_new_file_is_used_where_a_new_process_is_needed(
    place: Place, installed: Path, server: FrozenServer
) -> None:
    """The process engine's helper, when it has died: what the old one has unpacked does not fit the new one."""
    replace(place, installed)
    (nursery,) = [number for number in place.processes() if is_nursery(number)]
    os.kill(nursery, signal.SIGKILL)
    until(lambda: nursery not in place.processes(), "the end of the helper")
    api = server.api
    api.register({"id": "new", "tasks": [{"id": "t", "image": "i", "script": "env"}]})
    assert api.ended("new", api.start("new"))["status"] == "successful"
    assert b"LD_LIBRARY_PATH" not in api.log("new", 1, "t")


def is_nursery(number: int) -> bool:
    """Its shims have the same command line; their parent is the helper or nobody, its own is the server."""
    line = Path(f"/proc/{number}/cmdline").read_bytes()
    parent = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[1]
    above = Path(f"/proc/{parent}/cmdline").read_bytes()
    return b"process-nursery" in line and b"\0start\0" in above
