"""https from end to end: whom the command line trusts, and what it says when it does not."""

from __future__ import annotations

import http.client
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.cli.conftest import Gofer
from tests.support.certificates import Authority
from tests.support.server import ServerProcess


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def address(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Of a server that speaks https."""
    made = authority.sign("server")
    environ = {"GOFER_SERVER__TLS_CERT_PATH": str(made.cert), "GOFER_SERVER__TLS_KEY_PATH": str(made.key)}
    process = ServerProcess(tmp_path_factory.mktemp("server"), "process", environ)
    try:
        yield process.start().address
    finally:
        assert process.stop() == 0, process.log_text()


@pytest.fixture
def secure(address: str, tmp_path: Path) -> Gofer:
    return Gofer(tmp_path, address)


def test_requests_and_streams(secure: Gofer, address: str, authority: Authority) -> None:
    assert address.startswith("https://")
    secure.environ["GOFER_CLI_CA_FILE"] = str(authority.ca)
    assert secure.ok("service", "info", "--format", "json").json["address"] == address
    manifest = b'{"id": "tls", "tasks": [{"id": "x", "image": "i", "command": ["sh", "-c", "echo $GOFER_API_URL"]}]}'
    secure.ok("pipeline", "create", "-", stdin=manifest)
    said = secure.ok("run", "start", "tls", "--follow")
    assert address in said.out


def test_three_ways_to_name_the_authority(secure: Gofer, authority: Authority) -> None:
    secure.ok("service", "info", "--ca-file", str(authority.ca))
    (secure.home / "ca.pem").write_text(authority.ca.read_text())
    (secure.home / ".gofer.hcl").write_text('ca_file = "~/ca.pem"\n')
    secure.ok("service", "info")


@pytest.mark.parametrize("arguments", [["service", "info"], ["event", "follow"]])
def test_an_unknown_authority(secure: Gofer, arguments: list[str]) -> None:
    said = secure(*arguments)
    assert said.code == 3
    assert "is not trusted" in said.err
    assert "--ca-file FILE" in said.err
    assert "Traceback" not in said.err


def test_another_name(secure: Gofer, authority: Authority) -> None:
    made = authority.sign("elsewhere", names="DNS:elsewhere.example.org")
    environ = {"GOFER_SERVER__TLS_CERT_PATH": str(made.cert), "GOFER_SERVER__TLS_KEY_PATH": str(made.key)}
    process = ServerProcess(secure.home / "server", "process", environ)
    try:
        host = process.start().address
        said = secure("service", "info", "--ca-file", str(authority.ca), "--host", host)
        assert said.code == 3
        assert "is for another name" in said.err
        assert "only for elsewhere.example.org" in process.log_text()
    finally:
        assert process.stop() == 0


def test_a_wrong_file(secure: Gofer) -> None:
    said = secure("service", "info", "--ca-file", "none.pem")
    assert said.code == 2
    assert "none.pem cannot be read: No such file" in said.err
    (secure.home / "junk.pem").write_text("junk")
    said = secure("service", "info", "--ca-file", "junk.pem")
    assert said.code == 2
    assert "there is no certificate in" in said.err


def test_http_to_a_server_that_speaks_https(secure: Gofer, address: str) -> None:
    said = secure("service", "info", "--host", address.replace("https://", "http://"))
    assert said.code == 3
    assert address in said.err


def test_https_to_a_server_that_speaks_http(alone: Gofer, server: object, gofer: Gofer) -> None:
    plain = gofer.environ["GOFER_CLI_HOST"]
    said = alone("service", "info", "--host", plain.replace("http://", "https://"))
    assert said.code == 3
    assert "does not speak https" in said.err
    assert plain in said.err


def test_an_expired_certificate(alone: Gofer, authority: Authority, tmp_path: Path) -> None:
    made = authority.sign("expired", days=0)
    environ = {"GOFER_SERVER__TLS_CERT_PATH": str(made.cert), "GOFER_SERVER__TLS_KEY_PATH": str(made.key)}
    process = ServerProcess(tmp_path / "server", "process", environ)
    try:
        address = process.start().address
        said = alone("service", "info", "--host", address, "--ca-file", str(authority.ca))
        assert said.code == 3
        assert "expired" in said.err
        assert "systemctl reload gofer" in said.err
        assert "has expired" in process.log_text()
    finally:
        assert process.stop() == 0


def test_versions_of_tls(address: str, authority: Authority) -> None:
    host, _, port = address.removeprefix("https://").rpartition(":")
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        context = ssl.create_default_context(cafile=str(authority.ca))
        context.minimum_version = context.maximum_version = version
        with (
            socket.create_connection((host, int(port)), timeout=30) as connection,
            context.wrap_socket(connection, server_hostname=host) as secured,
        ):
            assert (secured.version() or "").replace(".", "_") == version.name
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        # A ClientHello of TLS 1.1. What is answered, if anything, is no ServerHello (0x16).
        hello = bytes.fromhex("0302") + bytes(32) + b"\x00" + bytes.fromhex("0004c014c00a") + bytes.fromhex("0100")
        body = b"\x01" + len(hello).to_bytes(3, "big") + hello
        connection.sendall(b"\x16\x03\x01" + len(body).to_bytes(2, "big") + body)
        assert connection.recv(1) in (b"", b"\x15")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["server.tls_cert_path=CERT"], "server.tls_key_path is not"),
        (["server.tls_cert_path=CERT", "server.tls_key_path=none.key"], "none.key cannot be read"),
        (["server.tls_cert_path=CERT", "server.tls_key_path=CA"], "there is no private key in"),
    ],
)
def test_a_start_that_is_refused(alone: Gofer, authority: Authority, settings: list[str], message: str) -> None:
    made = authority.sign("refused")
    given = [text.replace("CERT", str(made.cert)).replace("CA", str(authority.ca)) for text in settings]
    options = [part for text in given for part in ("--set", text)]
    said = alone("service", "start", "--host", "127.0.0.1:0", "--storage", "data", "--engine", "process", *options)
    assert said.code == 2
    assert message in said.err
    assert "Traceback" not in said.err


def test_http_does_not_load_ssl() -> None:
    script = "import sys, gofer.client.http; print('ssl' in sys.modules); import ssl; print(ssl.OPENSSL_VERSION)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("False\nOpenSSL")


def test_a_stop_does_not_wait_for_a_client_that_is_silent(authority: Authority, tmp_path: Path) -> None:
    """As a pool keeps connections: open, and nobody reads there."""
    made = authority.sign("silent")
    environ = {"GOFER_SERVER__TLS_CERT_PATH": str(made.cert), "GOFER_SERVER__TLS_KEY_PATH": str(made.key)}
    process = ServerProcess(tmp_path, "process", {**environ, "GOFER_SERVER__SHUTDOWN_TIMEOUT": "1m"})
    where = urlsplit(process.start().address)
    context = ssl.create_default_context(cafile=str(authority.ca))
    client = http.client.HTTPSConnection(str(where.hostname), int(where.port or 0), context=context)
    client.request("GET", "/healthz")
    assert client.getresponse().read()
    assert process.stop() == 0
    client.close()
    assert "graceful shutdown exceeded" not in process.log_text()
