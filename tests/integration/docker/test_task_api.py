"""Gofer's API from inside a container: curl and the SDK, any user, over a restart of the server."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.integration.docker.task_image import task_image
from tests.support.server import Api, ServerProcess
from tests.support.until import until

pytestmark = [pytest.mark.docker, pytest.mark.timeout(180)]

CURL = """
ask() { curl -sS -o /tmp/answer -w '%{http_code} ' --unix-socket /run/gofer/api.sock "$@"; }
base=http://gofer/api/v1/namespaces
token="Authorization: Bearer $GOFER_API_TOKEN"
ask $base/$GOFER_NAMESPACE_ID/pipelines/$GOFER_PIPELINE_ID/runs/$GOFER_RUN_ID
ask -H "$token" $base/$GOFER_NAMESPACE_ID/pipelines/$GOFER_PIPELINE_ID/runs/$GOFER_RUN_ID
ask -H "Authorization: Bearer garbage" $base/$GOFER_NAMESPACE_ID/runs
ask -H "$token" $base/elsewhere/runs
ask -H "$token" http://gofer/api/v1/system/info
ask -H "$token" $base/default/pipelines/p/secrets
head -c 3000000 /dev/urandom > /tmp/model
ask -H "$token" -T /tmp/model $base/default/pipelines/p/runs/$GOFER_RUN_ID/objects/model
ask -H "$token" $base/default/pipelines/p/runs/$GOFER_RUN_ID/objects/model
cmp /tmp/answer /tmp/model
touch /run/gofer/mine 2>/dev/null && echo writable
id -u
"""

SDK = """
import filecmp, os
from pathlib import Path
from gofer_sdk.client import Client
big = Path("/tmp/big")
big.write_bytes(os.urandom(5_000_000))
with Client.from_environment() as gofer:
    run = gofer.run()
    print(run.pipeline, run.id, run.status, [task.id for task in gofer.task_runs()])
    other = gofer.start_run("other", {"word": "hello"})
    ended = gofer.wait_run(other, timeout=60)
    print(ended.pipeline, ended.id, ended.status, ended.parameters)
    for objects in gofer.run_objects(), gofer.pipeline_objects():
        stored = objects.put("big", big)
        objects.download("big", "/tmp/copy")
        print(stored.size, stored.created_by, filecmp.cmp(big, "/tmp/copy", shallow=False))
    gofer.pipeline_objects("other").put("word", "for another pipeline")
"""


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with task_image(f"gofer-test-task-{os.getpid()}:1", tmp_path_factory.mktemp("image")) as name:
        yield name


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    server = ServerProcess(tmp_path, "docker")
    yield server
    server.stop()


def register(api: Api, image: str, command: Sequence[str], **task: Any) -> None:
    fields = {"id": "t", "image": image, "command": command, "inject_api_token": True, **task}
    api.register({"id": "p", "tasks": [{name: value for name, value in fields.items() if value is not None}]})


def printed(api: Api, run: int) -> str:
    """What the task has printed, once the run has ended well."""
    ended = api.ended("p", run)
    text = api.log("p", run, "t").decode()
    assert ended["status"] == "successful", text
    return text


@pytest.mark.parametrize("user", [None, "65534:65534"])
def test_curl_as_root_and_as_nobody(server: ServerProcess, image: str, user: str | None) -> None:
    api = server.start()
    register(api, image, ["sh", "-c", CURL], user=user)
    expected = "65534" if user else "0"
    assert printed(api, api.start("p")) == f"401 200 401 403 403 403 201 200 {expected}\n"


def test_a_storage_path_that_is_longer_than_a_sockets_may_be(image: str, tmp_path: Path) -> None:
    server = ServerProcess(tmp_path / ("long" * 30), "docker")
    try:
        api = server.start()
        register(api, image, ["sh", "-c", CURL])
        assert printed(api, api.start("p")).startswith("401 200 ")
    finally:
        server.stop()


def test_the_sdk(server: ServerProcess, image: str) -> None:
    api = server.start()
    register(api, image, ["python", "-c", SDK])
    parameters = [{"name": "word"}]
    api.register({"id": "other", "parameters": parameters, "tasks": [{"id": "x", "image": image, "command": ["true"]}]})
    first, second, *stored = printed(api, api.start("p")).splitlines()
    assert first == "p 1 running ['t']"
    assert second == "other 1 successful {'word': 'hello'}"
    assert stored == ["5000000 task p/1/t True"] * 2
    path = "/api/v1/namespaces/default/pipelines/other/objects/word"
    assert api.raw("GET", path) == (200, b"for another pipeline")
    assert api.run("other", 1)["initiator"] == {"kind": "task", "name": "p/1/t"}


def test_a_server_that_is_killed_is_reached_again_and_nothing_has_the_token(
    server: ServerProcess, image: str, tmp_path: Path
) -> None:
    api = server.start()
    # It waits for the server to be gone and back, on one and the same token.
    script = """
    ask() { curl -fsS -o /dev/null --unix-socket /run/gofer/api.sock -H "Authorization: Bearer $GOFER_API_TOKEN" \\
        http://gofer/api/v1/namespaces/default/pipelines/p/runs/1 2>/dev/null; }
    ask && echo there
    while ask; do sleep 0.1; done; echo gone
    until ask; do sleep 0.1; done; echo back
    while [ ! -e /tmp/end ]; do sleep 0.1; done
    """
    register(api, image, ["sh", "-c", script])
    run = api.start("p")
    api.until("taskrun.running", "p", run, "t")
    until(lambda: b"there" in api.log("p", run, "t"), "the task reaches the API")
    server.kill()
    api = server.start()
    until(lambda: b"back" in api.log("p", run, "t"), "the task reaches the new server")

    container = api.tasks("p", run)["t"]["attempts"][0]["container"]
    (found,) = json.loads(docker("inspect", container))
    environment = dict(each.split("=", 1) for each in found["Config"]["Env"])
    token = environment["GOFER_API_TOKEN"]
    assert environment["GOFER_API_URL"] == "unix:///run/gofer/api.sock"
    assert token not in json.dumps(found["Config"]["Labels"])
    (mount,) = (one for one in found["Mounts"] if one["Destination"] == "/run/gofer")
    assert (mount["Source"], mount["RW"]) == (str(tmp_path / "data" / "task-api"), False)
    assert api.call("GET", "/api/v1/system/info", headers={"Authorization": f"Bearer {token}"})[0] == 403

    docker("exec", container, "touch", "/tmp/end")
    api.ended("p", run)
    path = f"/api/v1/namespaces/default/pipelines/p/runs/{run}"
    status, problem = api.call("GET", path, headers={"Authorization": f"Bearer {token}"})
    assert (status, problem["detail"]) == (401, "This token is dead: its run has ended.")
    assert token not in json.dumps([api.get("events", limit=1000), api.tasks("p", run), api.get("system/logs")])
    server.stop()
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert [file for file in files if token.encode() in file.read_bytes()] == []
    assert tmp_path / "data" / "gofer.db" in files
    assert tmp_path / "server.log" in files


def docker(*arguments: str) -> str:
    return subprocess.run(["docker", *arguments], check=True, capture_output=True, text=True).stdout
