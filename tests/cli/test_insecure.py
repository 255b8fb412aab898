"""What the command line gives up only when it is told to, and says so."""

from __future__ import annotations

import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Gofer
from tests.support.addresses import own_address
from tests.support.certificates import Authority
from tests.support.server import ServerProcess

NOT_CHECKED = "warning: the certificate of"
IN_THE_CLEAR = "in the clear"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Of a server whose certificate nobody here trusts, and that is for another name."""
    made = Authority(tmp_path_factory.mktemp("authority")).sign("server", names="DNS:elsewhere.example.org")
    environ = {"GOFER_SERVER__TLS_CERT_PATH": str(made.cert), "GOFER_SERVER__TLS_KEY_PATH": str(made.key)}
    process = ServerProcess(tmp_path_factory.mktemp("server"), "process", environ)
    try:
        yield process.start().address
    finally:
        assert process.stop() == 0, process.log_text()


@pytest.fixture
def secure(address: str, tmp_path: Path) -> Gofer:
    return Gofer(tmp_path, address)


def test_requests_uploads_and_streams_without_a_check_say_so_once(secure: Gofer, address: str) -> None:
    assert secure("service", "info").code == 3
    said = secure.ok("service", "info", "--insecure", "--format", "json")
    assert said.json["address"] == address
    manifest = b'{"id": "insecure", "tasks": [{"id": "x", "image": "i", "command": ["echo", "seen"]}]}'
    calls = [
        secure.ok("pipeline", "create", "-", "--insecure", stdin=manifest),
        secure.ok("run", "start", "insecure", "--follow", "--insecure"),
        secure.ok("pipeline", "store", "put", "insecure", "key=value", "--insecure"),
        secure.ok("event", "list", "--insecure"),
    ]
    for one in [said, *calls]:
        assert one.err.count(NOT_CHECKED) == 1, one
        assert "the token included" in one.err
    assert "seen" in calls[1].out


def test_the_three_ways_to_say_so(secure: Gofer) -> None:
    assert secure("service", "info", environ={"GOFER_CLI_INSECURE": "true"}).err.count(NOT_CHECKED) == 1
    (secure.home / ".gofer.hcl").write_text("insecure = true\n")
    said = secure.ok("service", "info", "--format", "silent")
    assert said.err.count(NOT_CHECKED) == 1


def test_not_together_with_a_file_to_check_with(secure: Gofer) -> None:
    said = secure("service", "info", "--insecure", "--ca-file", "ca.pem")
    assert said.code == 2
    assert "insecure and ca_file are both set" in said.err


def test_a_token_does_not_go_in_the_clear(alone: Gofer) -> None:
    """Nothing is sent: there is a listener, and it hears nothing."""
    with socket.create_server((own_address(), 0)) as listener:
        host = "{}:{}".format(*listener.getsockname())
        said = alone("service", "info", "--host", host, environ={"GOFER_CLI_TOKEN": "secret-token"})
        assert said.code == 2
        assert f"the token would go to {host} in the clear" in said.err
        assert f"https://{host}" in said.err
        assert "secret-token" not in said.err
        listener.setblocking(False)
        with pytest.raises(BlockingIOError):
            listener.accept()


def test_a_token_in_the_clear_is_told_of(alone: Gofer) -> None:
    said = alone(
        "service", "info", "--host", "gofer.invalid:1", "--insecure", environ={"GOFER_CLI_TOKEN": "secret-token"}
    )
    assert said.code == 3
    assert said.err.count(IN_THE_CLEAR) == 1
    assert "secret-token" not in said.err


@pytest.mark.parametrize("host", ["127.0.0.1:1", "localhost:1", "http://127.9.9.9:1", "[::1]:1", "unix:///no.sock"])
def test_on_this_machine_nobody_is_between(alone: Gofer, host: str) -> None:
    said = alone("service", "info", "--host", host, environ={"GOFER_CLI_TOKEN": "secret-token"})
    assert said.code == 3
    assert IN_THE_CLEAR not in said.err


def test_a_name_that_looks_like_loopback(alone: Gofer) -> None:
    for host in ("127.0.0.1.example.org", "127.example.org", "localhost.example.org"):
        assert alone("service", "info", "--host", host, environ={"GOFER_CLI_TOKEN": "x"}).code == 2


def test_without_a_token_there_is_nothing_to_tell(alone: Gofer) -> None:
    said = alone("service", "info", "--host", "gofer.invalid:1")
    assert said.code == 3
    assert IN_THE_CLEAR not in said.err


@pytest.mark.parametrize(("mode", "warned"), [(0o644, True), (0o640, True), (0o604, True), (0o600, False)])
def test_a_file_with_a_token_that_others_may_read(alone: Gofer, mode: int, warned: bool) -> None:
    path = alone.home / ".gofer.hcl"
    path.write_text('token = "secret-token"\n')
    path.chmod(mode)
    said = alone("service", "info")
    assert (f"chmod 600 {path}" in said.err) is warned
    assert "secret-token" not in said.err
    path.write_text('namespace = "default"\n')
    path.chmod(mode)
    assert "chmod" not in alone("service", "info").err
    assert stat.S_IMODE(path.stat().st_mode) == mode
