"""gofer_sdk.client against a real server: through the tasks' socket and over TCP."""

from __future__ import annotations

import hashlib
import io
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from gofer.server.auth.tokens import token_of
from gofer_sdk.client import Client, ClientError
from tests.integration.api.server import ServerThread
from tests.integration.api.task_caller import TaskCaller
from tests.support.certificates import Authority


@pytest.fixture(scope="module")
def task(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TaskCaller]:
    home = tmp_path_factory.mktemp("gofer")
    server = ServerThread(home)
    server.start()
    yield TaskCaller(server, home)
    server.stop()


@pytest.fixture
def environ(task: TaskCaller) -> dict[str, str]:
    return {
        "GOFER_API_URL": f"unix://{task.socket}",
        "GOFER_API_TOKEN": task.token,
        "GOFER_NAMESPACE_ID": "default",
        "GOFER_PIPELINE_ID": "mine",
        "GOFER_RUN_ID": "1",
    }


@pytest.fixture(params=["socket", "tcp"])
def gofer(request: pytest.FixtureRequest, task: TaskCaller, environ: dict[str, str]) -> Iterator[Client]:
    if request.param == "tcp":
        environ["GOFER_API_URL"] = task.server.services.address
    with Client.from_environment(environ) as client:
        yield client


def test_what_is_known_of_runs(gofer: Client) -> None:
    mine = gofer.run()
    assert (mine.namespace, mine.pipeline, mine.id, mine.version) == ("default", "mine", 1, 1)
    assert not mine.ended
    assert mine.ended_at is None
    assert [(task.id, task.ended) for task in gofer.task_runs()] == [("t", False)]


def test_starting_a_run_and_waiting_for_its_end(gofer: Client, task: TaskCaller) -> None:
    parameters = [{"name": "day"}, {"name": "count", "type": "integer"}]
    tasks = [{"id": "x", "image": "i", "command": ["exit", "3"]}]
    task.server.api.register({"id": "report", "parameters": parameters, "tasks": tasks})
    started = gofer.start_run("report", {"day": "monday", "count": 3}, version=1)
    assert started.parameters == {"day": "monday", "count": 3}
    ended = gofer.wait_run(started, timeout=60)
    assert (ended.pipeline, ended.id, ended.status, ended.reason) == ("report", started.id, "failed", "task_failed")
    assert ended.ended
    (only,) = gofer.task_runs(started.id, "report")
    assert (only.status, only.exit_code) == ("failed", 3)


def test_waiting_has_an_end(gofer: Client) -> None:
    with pytest.raises(TimeoutError, match="run 1 of mine is still running after 0"):
        gofer.wait_run(gofer.run(), timeout=0)


def test_errors_say_what_and_what_to_do(gofer: Client) -> None:
    with pytest.raises(ClientError, match="there is no pipeline") as caught:
        gofer.start_run("missing")
    error = caught.value
    assert (error.status, error.title) == (404, "Not found")
    assert error.hint
    assert len(error.request_id) == 24
    with pytest.raises(ClientError) as refused:
        Client(gofer._connection._url, token=gofer._connection._token, namespace="elsewhere").run(1, "mine")
    assert (refused.value.status, refused.value.title) == (403, "Refused")
    with pytest.raises(ClientError, match="Name the pipeline"):
        Client(gofer._connection._url).pipeline_objects()
    with pytest.raises(ClientError, match="number of the run"):
        gofer.run(pipeline="other")


def test_a_task_that_has_not_asked(environ: dict[str, str]) -> None:
    del environ["GOFER_API_TOKEN"]
    with pytest.raises(ClientError, match="inject_api_token"):
        Client.from_environment(environ)


@pytest.mark.parametrize("url", ["", "localhost:8080", "unix://relative", "ftp://x", "http://"])
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(ClientError, match="not the address of a server"):
        Client(url).run(1, "p")


@pytest.mark.parametrize("host", ["gofer.invalid", "127.0.0.1.gofer.invalid", "192.0.2.1", "[2001:db8::1]"])
def test_a_token_does_not_leave_the_machine_in_the_clear(host: str) -> None:
    with pytest.raises(ClientError, match="in the clear") as caught:
        Client(f"http://{host}:8080", token="gofer_run_secret", patience=0.0).run(1, "p")
    assert "gofer_run_secret" not in str(caught.value)


def test_it_does_so_when_it_is_told_to() -> None:
    with pytest.raises(ClientError, match="cannot be reached"):
        Client("http://gofer.invalid:8080", token="gofer_run_x", patience=0.0, insecure=True).run(1, "p")


def test_https_is_checked_unless_it_is_told_otherwise(tmp_path: Path) -> None:
    made = Authority(tmp_path / "authority").sign("server", names="DNS:elsewhere")
    server = ServerThread(tmp_path / "data", tls_cert_path=made.cert, tls_key_path=made.key)
    server.start()
    try:
        url = server.services.address
        for ca_file in ("", str(tmp_path / "authority" / "ca.pem")):
            with pytest.raises(ClientError, match="cannot be reached"):
                Client(url, patience=0.0, ca_file=ca_file).run(1, "p")
        with Client(url, insecure=True) as gofer, pytest.raises(ClientError) as caught:
            gofer.run(1, "p")
        assert caught.value.status == 404
        with pytest.raises(ClientError, match="ca_file would count for nothing"):
            Client(url, insecure=True, ca_file="ca.pem").run(1, "p")
    finally:
        server.stop()


@pytest.mark.parametrize("token", ["gofer_run_a\r\nb", "gofer_run_a b", "gofer_run_\u2603"])
def test_what_is_no_token_is_not_shown(token: str) -> None:
    with pytest.raises(ClientError, match="The token is none") as caught:
        Client("unix:///run/gofer/api.sock", token=token)
    assert token not in str(caught.value)


def test_a_token_loses_the_end_of_its_line(environ: dict[str, str]) -> None:
    environ["GOFER_API_TOKEN"] += "\r\n"
    with Client.from_environment(environ) as gofer:
        assert gofer.run().pipeline == "mine"


def test_nobody_there(tmp_path: Path) -> None:
    with pytest.raises(ClientError, match="cannot be reached") as caught:
        Client(f"unix://{tmp_path}/none.sock", patience=0.0).run(1, "p")
    assert caught.value.status == 0


def test_who_comes_back_in_time_is_waited_for(task: TaskCaller, environ: dict[str, str], tmp_path: Path) -> None:
    """The socket is not there, then refuses, then hangs up, then says that it starts, and then answers."""
    path = tmp_path / "api.sock"
    asked: list[bytes] = []

    def come_back() -> None:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(path))
            listener.listen()
            listener.accept()[0].close()
            for answer in (
                b"HTTP/1.1 503 X\r\nContent-Length: 2\r\n\r\n{}",
                b'HTTP/1.1 201 X\r\nContent-Length: 13\r\n\r\n{"id": 7, "x"',
                b'HTTP/1.1 201 X\r\nContent-Length: 9\r\n\r\n{"id": 7}',
            ):
                connection = listener.accept()[0]
                asked.append(connection.recv(100_000))
                connection.sendall(answer)
                connection.close()

    back = threading.Timer(0.3, come_back)
    back.start()
    environ["GOFER_API_URL"] = f"unix://{path}"
    with Client.from_environment(environ) as client:
        with pytest.raises(ClientError, match="broke off"):
            client.start_run("p")
        assert client.start_run("p").id == 7
    back.join()
    keys = [line for request in asked for line in request.split(b"\r\n") if line.startswith(b"Idempotency-Key")]
    assert keys[0] == keys[1] != keys[2]


def test_the_package_itself_does_not_load_it() -> None:
    code = "import sys, gofer_sdk; sys.exit(bool({'http.client', 'gofer_sdk.client', 'ssl'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_it_needs_the_standard_library_alone() -> None:
    code = (
        "import sys, gofer_sdk.client\n"
        "named = {name.partition('.')[0] for name in sys.modules}\n"
        "print(sorted(named - set(sys.stdlib_module_names) - {'gofer_sdk', '__main__'}))"
    )
    found = subprocess.run([sys.executable, "-S", "-c", code], check=True, capture_output=True, text=True, env=_bare())
    assert found.stdout == "[]\n"


def _bare() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3] / "sdk" / "python")}


CONTENT = os.urandom(3_000_000)


def _kinds(folder: Path) -> dict[str, object]:
    (folder / "file").write_bytes(CONTENT)
    return {
        "bytes": CONTENT,
        "array": bytearray(CONTENT),
        "path": folder / "file",
        "stream": io.BytesIO(CONTENT),
        "pipe": _Pipe(CONTENT),
    }


class _Pipe(io.RawIOBase):
    """Can be read once, a little at a time, and says nothing of its length."""

    def __init__(self, content: bytes) -> None:
        self._rest = io.BytesIO(content)

    def read(self, size: int = -1) -> bytes:
        return self._rest.read(min(size, 10_007))


@pytest.mark.parametrize("kind", ["bytes", "array", "path", "stream", "pipe"])
def test_objects_come_and_go(gofer: Client, tmp_path: Path, kind: str) -> None:
    for objects in (gofer.pipeline_objects(), gofer.run_objects()):
        stored = objects.put("big", _kinds(tmp_path)[kind], force=True)  # type: ignore[arg-type]
        assert (stored.key, stored.size, stored.sha256) == ("big", len(CONTENT), hashlib.sha256(CONTENT).hexdigest())
        assert stored.created_by == "task mine/1/t"
        assert objects.get("big") == CONTENT
        objects.download("big", tmp_path / "copy")
        assert (tmp_path / "copy").read_bytes() == CONTENT
        assert [found.key for found in objects.list()] == ["big"]
        assert objects.exists("big")
        objects.delete("big")
        assert not objects.exists("big")
        with pytest.raises(ClientError) as gone:
            objects.delete("big")
        assert gone.value.status == 404


def test_texts_and_types(gofer: Client) -> None:
    objects = gofer.run_objects()
    assert objects.put("note", "zwölf", force=True).content_type == "text/plain; charset=utf-8"
    assert objects.text("note") == "zwölf"
    assert objects.put("data", b"{}", content_type="application/json", force=True).content_type == "application/json"
    assert objects.put("empty", b"", force=True).size == 0
    assert objects.get("empty") == b""
    for found in list(objects.list()):
        objects.delete(found.key)


def test_another_content_needs_force(gofer: Client) -> None:
    objects = gofer.pipeline_objects()
    objects.put("key", "one", force=True)
    assert objects.put("key", "one").size == 3
    for other in ("two", b"x" * 3_000_000, _Pipe(CONTENT)):
        with pytest.raises(ClientError) as refused:
            objects.put("key", other)  # type: ignore[arg-type]
        assert refused.value.status == 409
    assert objects.put("key", "two", force=True).size == 3
    assert objects.text("key") == "two"
    objects.delete("key")


def test_many_objects_are_listed_page_by_page(gofer: Client) -> None:
    objects = gofer.run_objects()
    keys = [f"k{number:03}" for number in range(60)]
    for key in keys:
        objects.put(key, key)
    assert [found.key for found in objects.list()] == keys
    # While a content comes, and in the middle of a list, others may be asked for.
    objects.put("big", CONTENT)
    pieces = objects.chunks("big")
    got = next(pieces) + objects.get("k001") * 0 + b"".join(pieces)
    assert got == CONTENT
    for found in objects.list():
        objects.delete(found.key)


def test_a_download_that_is_given_up(gofer: Client, tmp_path: Path) -> None:
    objects = gofer.run_objects()
    objects.put("big", CONTENT, force=True)
    pieces = objects.chunks("big")
    next(pieces)
    pieces.close()  # type: ignore[attr-defined]
    with pytest.raises(ClientError):
        objects.download("missing", tmp_path / "file")
    assert list(tmp_path.iterdir()) == []
    objects.delete("big")


@pytest.mark.parametrize("key", ["", "..", "a/b", "ä", "x" * 65])
def test_what_is_no_key(gofer: Client, key: str) -> None:
    with pytest.raises(ClientError) as refused:
        gofer.run_objects().put(key, b"x")
    assert refused.value.status in (404, 405, 422)


def test_what_cannot_be_put(gofer: Client, tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="not int"):
        gofer.run_objects().put("key", 12)  # type: ignore[arg-type]
    with pytest.raises(FileNotFoundError):
        gofer.run_objects().put("key", tmp_path / "missing")


def test_a_file_that_becomes_shorter_leaves_nothing(gofer: Client, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(CONTENT)
    objects = gofer.run_objects()
    with path.open("rb") as file, pytest.raises(ClientError, match="became shorter"):
        objects._put("short", file, len(CONTENT) + 1, "text/plain", force=False)
    assert not objects.exists("short")


def test_a_dead_token_and_a_large_object(gofer: Client) -> None:
    dead = Client(gofer._connection._url, token=token_of(bytes(32), "dead"), pipeline="mine")
    for content in (CONTENT * 10, _Pipe(CONTENT)):
        with dead, pytest.raises(ClientError, match="its run has ended") as refused:
            dead.pipeline_objects().put("key", content)  # type: ignore[arg-type]
        assert refused.value.status == 401


def test_another_namespace_is_refused_before_a_byte_is_stored(gofer: Client) -> None:
    other = Client(gofer._connection._url, token=gofer._connection._token, namespace="elsewhere", pipeline="p")
    with other, pytest.raises(ClientError) as refused:
        other.pipeline_objects().put("key", CONTENT * 10)
    assert refused.value.status == 403
