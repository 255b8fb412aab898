"""https: which versions, whose certificate, and that another one drops nobody."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import socket
import ssl
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from websockets.sync.client import connect

from gofer.config.certificate import read_certificate
from gofer.config.settings import ServerSettings, Settings
from gofer.config.tls_files import configured_certificate, dev_paths
from gofer.errors import ConfigError
from gofer.models.encryption_keys import SAMPLE_KEY
from gofer.server.dev_certificate import dev_certificate
from tests.cli.conftest import Gofer
from tests.support.certificates import Authority, Made
from tests.support.server import ServerProcess
from tests.support.until import until

DAY = 86_400


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def alone(tmp_path: Path) -> Gofer:
    """Without a server."""
    return Gofer(tmp_path, "127.0.0.1:1")


class Secure(ServerProcess):
    """Speaks https with a certificate in files of its own, which can be replaced."""

    def __init__(self, home: Path, authority: Authority) -> None:
        self.made = Made(home / "server.crt", home / "server.key")
        home.mkdir(parents=True)
        environ = {"GOFER_SERVER__TLS_CERT_PATH": str(self.made.cert), "GOFER_SERVER__TLS_KEY_PATH": str(self.made.key)}
        super().__init__(home, "process", {**environ, "GOFER_LOG_LEVEL": "debug"})
        self.authority = authority
        self.replace("first")

    def replace(self, name: str, key: str = "ec") -> None:
        made = self.authority.sign(name, key=key)
        for old, new in zip(self.made, made, strict=True):
            shutil.copy(new, old)

    @property
    def where(self) -> tuple[str, int]:
        parts = urlsplit(self.api.address)
        return str(parts.hostname), int(parts.port or 0)

    def context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.authority.ca))

    def whole_log(self) -> str:
        return (self.home / "server.log").read_text()


@pytest.fixture
def server(authority: Authority, tmp_path: Path) -> Iterator[Secure]:
    server = Secure(tmp_path / "server", authority)
    server.start()
    try:
        yield server
    finally:
        assert server.stop() == 0, server.log_text()


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1:DeprecationWarning")
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_old_versions_are_refused_and_the_log_says_why(server: Secure, version: ssl.TLSVersion) -> None:
    context = server.context()
    context.minimum_version = context.maximum_version = version
    # Without it this end would not even try.
    context.set_ciphers("ALL:@SECLEVEL=0")
    with (
        socket.create_connection(server.where, timeout=30) as plain,
        pytest.raises(ssl.SSLError, match=r"(?i)version|eof"),
    ):
        context.wrap_socket(plain, server_hostname=server.where[0])
    until(lambda: "it speaks no TLS 1.2 or newer" in server.whole_log(), "the line in the log")
    (line,) = [line for line in server.whole_log().splitlines() if "TLS handshake" in line]
    assert "level=debug" in line


def test_the_log_says_why_a_client_does_not_come_through(server: Secure) -> None:
    with (
        socket.create_connection(server.where, timeout=30) as plain,
        pytest.raises(ssl.SSLCertVerificationError),
    ):
        ssl.create_default_context().wrap_socket(plain, server_hostname=server.where[0])
    until(lambda: "it does not trust the certificate" in server.whole_log(), "the first line")
    with socket.create_connection(server.where, timeout=30) as plain:
        plain.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        until(lambda: "it speaks plain HTTP" in server.whole_log(), "the second line")


def test_another_certificate_by_sighup_drops_nobody(server: Secure) -> None:
    """A websocket and a kept connection stay open, with what they were served; who connects gets the new one."""
    old = server.made.cert.read_bytes()
    kept = http.client.HTTPSConnection(*server.where, timeout=30, context=server.context())
    kept.request("GET", "/healthz")
    assert kept.getresponse().read()
    first = kept.sock
    assert isinstance(first, ssl.SSLSocket)
    url = f"wss://{server.where[0]}:{server.where[1]}/api/v1/events/stream?after=0"
    with connect(url, ssl=server.context()) as websocket:
        seen = json.loads(websocket.recv(timeout=30))["events"]
        server.replace("second", key="rsa")
        assert server.process is not None
        os.kill(server.process.pid, signal.SIGHUP)
        while not any(event["kind"] == "server.reloaded" for event in seen):
            seen += json.loads(websocket.recv(timeout=30))["events"]
        reloaded = next(event for event in seen if event["kind"] == "server.reloaded")
        assert reloaded["data"]["certificate_renewed"]
        websocket.ping().wait(30)
        kept.request("GET", "/healthz")
        assert kept.getresponse().status == 200
        assert kept.sock is first
        assert first.getpeercert(binary_form=True) == ssl.PEM_cert_to_DER_cert(old.decode())
        new = ssl.get_server_certificate(server.where, ca_certs=str(server.authority.ca), timeout=30)
        assert ssl.PEM_cert_to_DER_cert(new) == ssl.PEM_cert_to_DER_cert(server.made.cert.read_text())
    kept.close()


def test_a_broken_certificate_changes_nothing(server: Secure) -> None:
    kept = http.client.HTTPSConnection(*server.where, timeout=30, context=server.context())
    server.made.cert.write_text("-----BEGIN CERTIFICATE-----\njunk\n-----END CERTIFICATE-----\n")
    assert server.process is not None
    os.kill(server.process.pid, signal.SIGHUP)
    until(lambda: "not reloaded" in server.whole_log(), "the refusal")
    kept.request("GET", "/healthz")
    assert kept.getresponse().status == 200
    kept.close()


# -- dev mode's certificate


def settings(folder: Path, *, dev_mode: bool = True) -> Settings:
    return Settings(dev_mode=dev_mode, server=ServerSettings(storage_path=folder, dev_certificate=True))


def test_dev_mode_makes_a_certificate_that_the_command_line_can_trust(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path / "server", "process", {"GOFER_SERVER__DEV_CERTIFICATE": "true"})
    try:
        address = server.start().address
        assert address.startswith("https://")
        folder = tmp_path / "server" / "data" / "dev-tls"
        gofer = Gofer(tmp_path, address)
        said = gofer("service", "info")
        assert said.code == 3
        assert "is not trusted" in said.err
        port = address.rpartition(":")[2]
        for name in ("127.0.0.1", "localhost"):
            gofer.ok(
                "service", "info", "--host", f"https://{name}:{port}", "--ca-file", str(folder / "certificate.pem")
            )
        assert stat.S_IMODE((folder / "key.pem").stat().st_mode) == 0o600
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        before = (folder / "certificate.pem").read_bytes()
        assert server.stop() == 0
        server.start()
        assert (folder / "certificate.pem").read_bytes() == before
    finally:
        assert server.stop() == 0, server.log_text()


def test_the_start_says_how_to_trust_it(tmp_path: Path) -> None:
    gofer = Gofer(tmp_path, "127.0.0.1:1")
    started = gofer.popen(
        "service", "start", "--host", "127.0.0.1:0", "--storage", "data", "--engine", "fake",
        "--set", "server.dev_certificate=true",
    )  # fmt: skip
    assert started.stderr is not None
    try:
        wanted = f"--ca-file {tmp_path}/data/dev-tls/certificate.pem"
        assert any(wanted in line.decode() for line in started.stderr)
    finally:
        started.terminate()
        started.communicate(timeout=60)


def test_what_is_in_it(tmp_path: Path) -> None:
    now = time.time()
    made = dev_certificate(settings(tmp_path), now, "Machine.example.org")
    assert set(made.names) == {"localhost", "127.0.0.1", "::1", "machine.example.org"}
    assert made.is_dev
    assert 360 * DAY < made.not_after - now < 398 * DAY
    assert made.not_before <= now
    for name in ("not a name", "", "10.0.0.1", "x" * 300):
        found = dev_certificate(settings(tmp_path / "other"), now, name or "\n")
        assert set(found.names) == {"localhost", "127.0.0.1", "::1"}


def test_it_is_made_anew_when_it_ends_soon_or_the_machine_is_called_otherwise(tmp_path: Path) -> None:
    now = time.time()
    first = dev_certificate(settings(tmp_path), now, "one")
    assert dev_certificate(settings(tmp_path), now + 300 * DAY, "one").fingerprint == first.fingerprint
    second = dev_certificate(settings(tmp_path), now, "two")
    assert second.fingerprint != first.fingerprint
    third = dev_certificate(settings(tmp_path), now + 340 * DAY, "two")
    assert third.fingerprint != second.fingerprint
    cert, key = dev_paths(settings(tmp_path))
    key.write_text("junk")
    fourth = dev_certificate(settings(tmp_path), now + 340 * DAY, "two")
    assert read_certificate(cert, key).fingerprint == fourth.fingerprint != third.fingerprint


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "dev-tls").write_text("a file")
    with pytest.raises(ConfigError, match=r"server\.dev_certificate: .* cannot be written"):
        dev_certificate(settings(tmp_path), time.time(), "one")


def test_a_reload_renews_it(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path / "server", "process", {"GOFER_SERVER__DEV_CERTIFICATE": "true"})
    data = tmp_path / "server" / "data"
    try:
        # As if it had been made long ago.
        dev_certificate(settings(data), time.time() - 340 * DAY, socket.gethostname())
        cert, key = dev_paths(settings(data))
        old = Made(cert.rename(tmp_path / "old.crt"), key.rename(tmp_path / "old.key"))
        shutil.rmtree(data)
        address = urlsplit(server.start().address)
        first = cert.read_bytes()
        for kept, place in zip(old, (cert, key), strict=True):
            shutil.copy(kept, place)
        assert server.process is not None
        os.kill(server.process.pid, signal.SIGHUP)
        until(lambda: "certificate_renewed=true" in server.log_text(), "the reload")
        shown = ssl.get_server_certificate((str(address.hostname), int(address.port or 0)), timeout=30)
        served = ssl.PEM_cert_to_DER_cert(shown)
        assert served == ssl.PEM_cert_to_DER_cert(cert.read_text())
        assert served not in (ssl.PEM_cert_to_DER_cert(first.decode()), ssl.PEM_cert_to_DER_cert(old.cert.read_text()))
    finally:
        assert server.stop() == 0, server.log_text()


# -- what production refuses


def start(gofer: Gofer, *settings: str) -> tuple[int, str]:
    options = [part for one in settings for part in ("--set", one)]
    production = ("service", "start", "--no-dev", "--host", "127.0.0.1:0", "--storage", "data", "--engine", "process")
    said = gofer(*production, "--set", "allow_process_engine=true", *options)
    return said.code, said.err


def test_production_refuses_dev_mode_s_certificate_wherever_it_lies(alone: Gofer, tmp_path: Path) -> None:
    dev_certificate(settings(tmp_path / "dev"), time.time(), "one")
    cert, key = dev_paths(settings(tmp_path / "dev"))
    elsewhere = Made(tmp_path / "innocent.crt", tmp_path / "innocent.key")
    shutil.copy(cert, elsewhere.cert)
    shutil.copy(key, elsewhere.key)
    code, told = start(alone, f"server.tls_cert_path={elsewhere.cert}", f"server.tls_key_path={elsewhere.key}")
    assert code == 2
    assert "is a certificate that dev mode has made" in told
    path = tmp_path / "gofer.hcl"
    path.write_text(
        f'dev_mode = false\nserver {{\n  tls_cert_path = "{elsewhere.cert}"\n  tls_key_path = "{elsewhere.key}"\n}}\n'
    )
    said = alone("service", "config", "check", str(path), "--format", "json")
    assert [error["place"] for error in said.json["errors"]] == [f"{path} line 3"]
    in_dev_mode = ServerSettings(storage_path=tmp_path, tls_cert_path=elsewhere.cert, tls_key_path=elsewhere.key)
    assert configured_certificate(Settings(server=in_dev_mode)) is not None


def test_production_makes_no_certificate(alone: Gofer) -> None:
    code, told = start(alone, "server.dev_certificate=true")
    assert code == 2
    assert "server.dev_certificate is set, but dev_mode is false" in told
    assert not (alone.home / "data" / "dev-tls").exists()


def test_one_certificate_is_enough(alone: Gofer, authority: Authority) -> None:
    made = authority.sign("both")
    said = alone(
        "service", "start", "--host", "127.0.0.1:0", "--storage", "data", "--set", "server.dev_certificate=true",
        "--set", f"server.tls_cert_path={made.cert}", "--set", f"server.tls_key_path={made.key}",
    )  # fmt: skip
    assert said.code == 2
    assert "only one can be served" in said.err


def test_production_refuses_the_sample_key(alone: Gofer) -> None:
    key = SAMPLE_KEY.decode()
    for setting in (
        f"secret_store.sqlite.encryption_key={key}",
        f"secret_store.sqlite.previous_encryption_keys={key}",
    ):
        code, told = start(alone, setting)
        assert code == 2
        assert "the sample key protects nothing" in told
        assert "gofer secret generate-key" in told
        assert key not in told
