"""`gofer service backup` and `gofer service restore`, against a real server and without one."""

from __future__ import annotations

import http.client
import os
import re
import signal
import socket
import stat
import subprocess
import tarfile
import threading
import urllib.request
from pathlib import Path

import pytest

from tests.cli.conftest import GOFER, Gofer, Register
from tests.cli.small_server import Answer, small_server
from tests.cli.terminal import in_terminal
from tests.support.server import Api, ServerProcess


@pytest.fixture
def archive(gofer: Gofer, register: Register, server: Api) -> Path:
    """A backup of a server with one ended run whose log is `hello`."""
    pipeline = register({"id": "say", "command": ["echo", "hello"]})
    server.ended(pipeline, server.start(pipeline))
    gofer.ok("service", "backup", "gofer.tar")
    return gofer.home / "gofer.tar"


def test_a_backup_as_cron_makes_it(archive: Path, gofer: Gofer) -> None:
    said = gofer.ok("service", "backup", "second.tar")
    assert (said.out, said.err) == ("", "")
    assert stat.S_IMODE((gofer.home / "second.tar").stat().st_mode) == 0o600
    assert sorted(path.name for path in gofer.home.iterdir()) == ["gofer.tar", "second.tar"]
    with tarfile.open(archive) as tar:
        names = tar.getnames()
    assert names[:2] == ["gofer-backup.json", "gofer.db"]
    assert names[-1] == "gofer-backup-end.json"
    assert any(name.startswith("logs/default/") for name in names)


def test_what_is_printed_as_json(archive: Path, gofer: Gofer) -> None:
    told = gofer.ok("service", "backup", "x.tar", "--no-logs", "--no-objects", "--format", "json").json
    assert told["file"] == "x.tar"
    assert told["backup"]["head"]["logs"] is False
    assert told["backup"]["size"] == (gofer.home / "x.tar").stat().st_size
    told = gofer.ok("service", "restore", "x.tar", "--verify-only", "--format", "json").json
    assert [part["name"] for part in told["parts"]] == ["gofer.db", "secrets.db"]


def test_nothing_is_overwritten_unasked(archive: Path, gofer: Gofer) -> None:
    before = archive.read_bytes()
    said = gofer("service", "backup", "gofer.tar")
    assert said.code == 2
    assert "gofer.tar exists already" in said.err
    assert "--force" in said.err
    assert archive.read_bytes() == before
    archive.write_bytes(b"old")
    gofer.ok("service", "backup", "gofer.tar", "--force")
    assert archive.stat().st_size > 10_000


def test_stdout_holds_the_archive_and_nothing_else(server: Api, gofer: Gofer) -> None:
    command = [*GOFER, "service", "backup", "-", "--no-logs"]
    done = subprocess.run(command, env=gofer.environ, cwd=gofer.home, capture_output=True, check=True)
    assert done.stderr == b""
    verify = [*GOFER, "service", "restore", "-", "--verify-only"]
    said = subprocess.run(verify, env=gofer.environ, cwd=gofer.home, input=done.stdout, capture_output=True, check=True)
    assert said.stdout.startswith(b"The backup is whole and sound: ")
    said = subprocess.run(verify, env=gofer.environ, input=done.stdout[:-3], capture_output=True, check=False)
    assert said.returncode == 5
    assert b"breaks off" in said.stderr


def test_a_terminal_gets_no_archive_but_a_bar(server: Api, gofer: Gofer) -> None:
    with in_terminal([*GOFER, "service", "backup", "-"], gofer.environ, gofer.home) as terminal:
        assert terminal.wait() == 2
        assert b"not for a terminal" in terminal.seen
    with in_terminal([*GOFER, "service", "backup", "x.tar"], gofer.environ, gofer.home) as terminal:
        assert terminal.wait() == 0
        assert b"Backup" in terminal.seen
        assert b"x.tar: " in terminal.seen


def test_no_server(alone: Gofer) -> None:
    said = alone("service", "backup", "x.tar")
    assert said.code == 3
    assert "cannot reach the server" in said.err
    assert list(alone.home.iterdir()) == []


def test_a_folder_that_is_not_there_or_cannot_be(gofer: Gofer) -> None:
    for target in ("nowhere/x.tar", "."):
        said = gofer("service", "backup", target)
        assert said.code in (2, 74)
        assert "hint: " in said.err
        assert "Traceback" not in said.err


def test_a_stream_that_breaks_off_leaves_nothing(archive: Path, gofer: Gofer) -> None:
    """Also where the connection ends as if all was well: a proxy may do that."""
    whole = archive.read_bytes()
    for sent, code in ((whole[:-1], 7), (whole[: len(whole) // 2], 7), (b"", 7), (b"<html>" * 200, 7)):
        with small_server(lambda _, sent=sent: Answer(200, sent, "application/x-tar")) as small:  # type: ignore[misc]
            said = gofer("service", "backup", "broken.tar", "--host", small.address)
        assert said.code == code, said
        assert "no whole backup" in said.err
        assert sorted(path.name for path in gofer.home.iterdir()) == ["gofer.tar"]


def test_a_token_that_is_disabled_in_the_middle(archive: Path, gofer: Gofer) -> None:
    """The server ends the answer before its last piece."""

    def serve() -> None:
        connection, _ = listener.accept()
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n200\r\n" + archive.read_bytes()[:512])
        connection.close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        said = gofer("service", "backup", "broken.tar", "--host", f"127.0.0.1:{listener.getsockname()[1]}")
        thread.join()
    assert said.code == 3
    assert "broke off" in said.err
    assert "gofer token whoami" in said.err
    assert sorted(path.name for path in gofer.home.iterdir()) == ["gofer.tar"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_one_leaves_nothing(archive: Path, gofer: Gofer, number: int) -> None:
    """The server has sent a part, and is silent since; meanwhile cron calls for a second one."""
    listener = socket.create_server(("127.0.0.1", 0))
    sent, done = threading.Event(), threading.Event()

    def serve() -> None:
        connection, _ = listener.accept()
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n" + archive.read_bytes()[:4000])
        sent.set()
        done.wait(60)
        connection.close()

    thread = threading.Thread(target=serve)
    thread.start()
    address = f"127.0.0.1:{listener.getsockname()[1]}"
    with gofer.popen("service", "backup", "broken.tar", "--host", address) as process:
        assert sent.wait(60)
        assert (gofer.home / "broken.tar.part").exists()
        second = gofer("service", "backup", "broken.tar")
        assert (second.code, "another backup is being written" in second.err) == (5, True)
        assert (gofer.home / "broken.tar.part").exists()
        process.send_signal(number)
        process.communicate()
    done.set()
    thread.join()
    listener.close()
    assert process.returncode == 128 + number
    assert sorted(path.name for path in gofer.home.iterdir()) == ["gofer.tar"]


def test_restored_to_another_place_and_started(archive: Path, gofer: Gofer, server: Api, tmp_path: Path) -> None:
    home = tmp_path / "other"
    said = gofer.ok("service", "restore", "gofer.tar", "--storage", "other/data")
    assert said.err.endswith("Next: gofer service start --storage other/data\n")
    assert "gofer token list" in said.err
    assert re.match(
        r"Restored: .*, database \(schema \d+\), secrets, \d+ logs, the contents of \d+ objects, taken ", said.out
    )
    assert "gofer service start" in said.err
    other = ServerProcess(home, "process")
    api = other.start()
    try:
        runs = api.get("namespaces/default/runs", limit=200)["items"]
        assert runs == server.get("namespaces/default/runs", limit=200)["items"]
        mine = next(run for run in runs if run["pipeline"].startswith("test-restored"))
        assert api.log(mine["pipeline"], mine["id"], "say") == b"hello\n"
        assert api.start(mine["pipeline"]) == mine["id"] + 1
        api.ended(mine["pipeline"], mine["id"] + 1)
        kinds = [event["kind"] for event in api.get("events", limit=200, newest_first="true")["items"]]
        assert "backup.restored" in kinds
        said = gofer("service", "restore", "gofer.tar", "--storage", "other/data", "--force")
        assert said.code == 2
        assert "in use by another Gofer" in said.err
        assert "Stop that server first" in said.err
    finally:
        assert other.stop() == 0, other.log_text()


def test_restored_without_logs_says_that_they_are_gone(archive: Path, gofer: Gofer, tmp_path: Path) -> None:
    gofer.ok("service", "backup", "x.tar", "--no-logs")
    gofer.ok("service", "restore", "x.tar", "--storage", "other/data")
    other = ServerProcess(tmp_path / "other", "process")
    api = other.start()
    try:
        run = next(r for r in api.get("namespaces/default/runs")["items"] if r["pipeline"].startswith("test-restored"))
        path = f"namespaces/default/pipelines/{run['pipeline']}/runs/{run['id']}/tasks/say/log"
        assert api.call("GET", path)[0] == 410
    finally:
        other.stop()


def test_a_restore_over_data_wants_force(archive: Path, gofer: Gofer) -> None:
    gofer.ok("service", "restore", "gofer.tar", "--storage", "data")
    said = gofer("service", "restore", "gofer.tar", "--storage", "data")
    assert said.code == 5
    assert "--force" in said.err
    told = gofer.ok("service", "restore", "gofer.tar", "--storage", "data", "--force", "--format", "json").json
    assert Path(told["kept"], "gofer.db").exists()
    assert Path(told["kept_logs"]).exists()


def test_where_the_configuration_says(archive: Path, gofer: Gofer) -> None:
    gofer.home.joinpath("gofer.hcl").write_text(
        f'task_run_logs_dir = "{gofer.home}/its-logs"\nserver {{\n  storage_path = "{gofer.home}/its-data"\n}}\n'
    )
    gofer.ok("service", "restore", "gofer.tar", "--config", "gofer.hcl")
    assert (gofer.home / "its-data" / "gofer.db").exists()
    assert (gofer.home / "its-logs" / "default").is_dir()


@pytest.mark.parametrize(("name", "data"), [("missing.tar", None), ("text.tar", b"hello"), ("empty.tar", b"")])
def test_files_that_are_none(gofer: Gofer, name: str, data: bytes | None) -> None:
    if data is not None:
        (gofer.home / name).write_bytes(data)
    for more in (["--verify-only"], ["--storage", "data"]):
        said = gofer("service", "restore", name, *more)
        assert said.code in (4, 5)
        assert "hint: " in said.err
        assert "Traceback" not in said.err
    assert not (gofer.home / "data").exists()


def test_who_restores_as_root_restores_for_the_folders_owner(archive: Path, gofer: Gofer) -> None:
    data = gofer.home / "data"
    data.mkdir(mode=0o700)
    os.chown(data, 4321, 4321)
    for _ in range(2):
        gofer.ok("service", "restore", "gofer.tar", "--storage", "data", "--force")
    strangers = [str(path) for path in data.rglob("*") if path.stat().st_uid != 4321]
    assert strangers == []


def test_the_api_alone_will_do(server: Api) -> None:
    host = server.address.removeprefix("http://")
    connection = http.client.HTTPConnection(host, timeout=30)
    connection.request("GET", "/api/v1/system/backup?logs=false")
    answer = connection.getresponse()
    assert answer.status == 200
    assert answer.getheader("Content-Type") == "application/x-tar"
    assert answer.getheader("Content-Disposition", "").endswith('.tar"')
    assert answer.read()[:17] == b"gofer-backup.json"
    connection.close()


def test_secrets_and_objects_on_another_server(gofer: Gofer, register: Register, server: Api, tmp_path: Path) -> None:
    """With the other engine, and the key that the first one has in dev mode."""
    pipeline = register({"id": "keeps", "command": ["true"]})
    data = os.urandom(700_000)
    (gofer.home / "data.bin").write_bytes(data)
    gofer.ok("pipeline", "store", "put", pipeline, "large=@data.bin")
    gofer.ok("pipeline", "store", "put", pipeline, "small=words")
    (gofer.home / "password").write_text("hunter2-hunter2")
    gofer.ok("secret", "put", "password", "--pipeline", pipeline, "--file", "password")
    gofer.ok("service", "backup", "gofer.tar")
    assert b"hunter2" not in (gofer.home / "gofer.tar").read_bytes()
    filesystem = {"GOFER_OBJECT_STORE__ENGINE": "filesystem"}
    command = [*GOFER, "service", "restore", "gofer.tar", "--storage", "other/data"]
    subprocess.run(command, env=gofer.environ | filesystem, cwd=gofer.home, check=True, capture_output=True)
    assert (tmp_path / "other" / "data" / "objects").is_dir()
    other = ServerProcess(tmp_path / "other", "process", filesystem)
    api = other.start()
    try:
        path = f"{api.address}/api/v1/namespaces/default/pipelines/{pipeline}"
        with urllib.request.urlopen(f"{path}/objects/large") as answer:
            assert answer.read() == data
        with urllib.request.urlopen(f"{path}/objects/small") as answer:
            assert answer.read() == b"words"
        assert api.call("POST", f"namespaces/default/pipelines/{pipeline}/secrets/password/reveal")[1] == {
            "value": "hunter2-hunter2"
        }
        checks = {check["name"]: check["level"] for check in api.get("system/checks", deep="true")}
        assert (checks["secrets"], checks["objects"]) == ("ok", "ok")
    finally:
        other.stop()
