"""Where the server listens, what forbids that, and whom it believes where a request comes from."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from structlog.testing import capture_logs

from gofer.config.settings import ServerSettings, Settings
from gofer.errors import ConfigError
from gofer.server.listen import inherited
from gofer.server.own_log import set_level
from tests.cli.conftest import Gofer
from tests.integration.api.server import Answer, ServerThread
from tests.support.addresses import own_address
from tests.support.certificates import Authority

EVERYWHERE = "0.0.0.0:0"


@pytest.fixture
def alone(tmp_path: Path) -> Gofer:
    """Without a server."""
    return Gofer(tmp_path, "127.0.0.1:1")


def ask(address: str, port: int, *headers: str, path: str = "/healthz") -> Answer:
    lines = [f"GET {path} HTTP/1.1", *(headers or [f"Host: {address}"]), "", ""]
    with socket.create_connection((address, port), timeout=30) as connection:
        connection.sendall("\r\n".join(lines).encode())
        return ServerThread.read_answer(connection)


@pytest.fixture(scope="module")
def anywhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerThread]:
    """On every address, behind a proxy that is trusted."""
    server = ServerThread(
        tmp_path_factory.mktemp("anywhere"),
        production=True,
        host=EVERYWHERE,
        allow_plain_http=True,
        trusted_proxies=["127.0.0.2"],
    )
    server.start()
    yield server
    server.stop()


def port_of(server: ServerThread) -> int:
    return int(urlsplit(server.services.address).port or 0)


def test_production_may_listen_on_every_address(anywhere: ServerThread) -> None:
    for address in ("127.0.0.1", "127.0.0.2", own_address()):
        assert ask(address, port_of(anywhere)).status == 200


def test_the_address_that_is_told_can_be_called(anywhere: ServerThread) -> None:
    assert anywhere.services.address == f"http://localhost:{port_of(anywhere)}"
    assert anywhere.api.get("system/info")["address"] == anywhere.services.address


def test_both_families(tmp_path: Path) -> None:
    server = ServerThread(tmp_path, production=True, host="[::]:0", allow_plain_http=True)
    server.start()
    try:
        for address in ("127.0.0.1", "::1", own_address()):
            host = f"[{address}]" if ":" in address else address
            assert ask(address, port_of(server), f"Host: {host}").status == 200
    finally:
        server.stop()


def test_one_address_is_one_address(tmp_path: Path) -> None:
    address = own_address()
    server = ServerThread(tmp_path, production=True, host=f"{address}:0", allow_plain_http=True)
    server.start()
    try:
        assert server.services.address == f"http://{address}:{port_of(server)}"
        assert ask(address, port_of(server)).status == 200
        with pytest.raises(ConnectionRefusedError):
            ask("127.0.0.1", port_of(server))
    finally:
        server.stop()


def test_who_has_no_token_gets_nothing_from_anywhere(anywhere: ServerThread) -> None:
    for address in ("127.0.0.1", own_address()):
        assert ask(address, port_of(anywhere), path="/api/v1/namespaces").status == 401


@pytest.mark.parametrize(
    "host", ["0.0.0.0:0", "[::]:0", "192.0.2.1:8080", "[2001:db8::1]:8080", "[::ffff:192.0.2.1]:1"]
)
def test_what_is_refused_and_the_way_out(alone: Gofer, host: str) -> None:
    start = ("service", "start", "--storage", "data", "--engine", "process", "--host", host)
    said = alone(*start)
    assert said.code == 2
    assert "dev mode asks nobody for a token" in said.err
    assert "dev_mode = false" in said.err
    said = alone(*start, "--no-dev", "--set", "allow_process_engine=true")
    assert said.code == 2
    assert "tokens and secrets would cross the network" in said.err
    assert "server.tls_cert_path" in said.err
    assert "server.allow_plain_http = true" in said.err
    assert not (alone.home / "data").exists()


def test_dev_mode_is_refused_with_a_certificate_too(alone: Gofer, tmp_path: Path) -> None:
    made = Authority(tmp_path / "authority").sign("server")
    options = [f"--set=server.tls_cert_path={made.cert}", f"--set=server.tls_key_path={made.key}"]
    said = alone("service", "start", "--storage", "data", "--host", EVERYWHERE, *options)
    assert said.code == 2
    assert "dev mode asks nobody for a token" in said.err


def settings(*, dev_mode: bool, plain: bool) -> Settings:
    return Settings(dev_mode=dev_mode, server=ServerSettings(allow_plain_http=plain))


def test_a_socket_that_systemd_has_opened_is_no_way_around() -> None:
    with socket.create_server((own_address(), 0)) as far, socket.create_server(("127.0.0.1", 0)) as near:
        with pytest.raises(ConfigError, match=r"the socket that systemd opened is .*: dev mode"):
            inherited([near, far], settings(dev_mode=True, plain=True))
        with pytest.raises(ConfigError, match=r"the socket that systemd opened is .*, and no certificate"):
            inherited([near, far], settings(dev_mode=False, plain=False))
        assert inherited([far, near], settings(dev_mode=False, plain=True)).ip == own_address()
        assert inherited([near], settings(dev_mode=True, plain=False)).ip == "127.0.0.1"


def test_config_check_and_the_doctor_know(alone: Gofer) -> None:
    path = alone.home / "gofer.hcl"
    path.write_text('dev_mode = false\nserver { host = "0.0.0.0:8080" }\n')
    said = alone("service", "config", "check", str(path), "--format", "json")
    assert said.code == 2
    (error,) = said.json["errors"]
    assert error["place"] == f"{path} line 2"
    assert "no certificate is configured" in error["message"]
    checks = {one["name"]: one for one in alone("service", "doctor", "--config", str(path), "--format", "json").json}
    assert checks["network"]["level"] == "error"
    assert "server.allow_plain_http = true" in checks["network"]["hint"]
    path.write_text('dev_mode = false\nserver { host = "0.0.0.0:8080" allow_plain_http = true }\n')
    said = alone.ok("service", "config", "check", str(path), "--format", "json")
    doubts = {one["place"]: one["message"] for one in said.json["warnings"]}
    assert "cross the network unencrypted" in doubts[f"{path} line 2"]
    assert doubts["server.trusted_proxies"].startswith("is empty: ")


def test_the_doctor_of_a_server_on_the_network(anywhere: ServerThread) -> None:
    checks = {one["name"]: one for one in anywhere.api.get("system/checks")}
    assert checks["network"]["level"] == "warning"
    assert "unencrypted" in checks["network"]["message"]


def seen(server: ServerThread, address: str, *headers: str) -> str:
    """The client's address, as the log has it."""
    with capture_logs() as lines:
        assert ask(address, port_of(server), f"Host: {address}", *headers).status == 200
        server.settle()
    return next(str(line["client"]) for line in lines if line["event"] == "request")


@pytest.fixture
def told(anywhere: ServerThread) -> Iterator[ServerThread]:
    set_level("debug")
    yield anywhere
    set_level("info")


@pytest.mark.parametrize(
    "header", ["X-Forwarded-For: 192.0.2.7", "X-Real-IP: 192.0.2.7", "Forwarded: for=192.0.2.7", "Via: 1.1 192.0.2.7"]
)
def test_nobody_but_a_trusted_proxy_may_say_who_asks(told: ServerThread, header: str) -> None:
    address = own_address()
    assert seen(told, address, header) == address
    assert seen(told, "127.0.0.1", header) == "127.0.0.1"


@pytest.mark.parametrize(
    ("value", "address"), [("192.0.2.7", "192.0.2.7"), ("6.6.6.6, 192.0.2.7", "192.0.2.7"), ("junk", "127.0.0.2")]
)
def test_what_a_trusted_proxy_says_is_believed(told: ServerThread, value: str, address: str) -> None:
    request = f"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: {value}\r\n\r\n"
    where, proxy = ("127.0.0.1", port_of(told)), ("127.0.0.2", 0)
    with socket.create_connection(where, timeout=30, source_address=proxy) as way, capture_logs() as lines:
        way.sendall(request.encode())
        assert ServerThread.read_answer(way).status == 200
        told.settle()
    assert [line["client"] for line in lines if line["event"] == "request"] == [address]
