"""Where the engine is, from settings and environment."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from gofer.engines.scheduler.docker_address import DEFAULT_SOCKET, Address, find_address, unavailable
from gofer.errors import ConfigError


@pytest.mark.parametrize(
    ("configured", "environ", "expected"),
    [
        ("unix:///run/other.sock", {}, Address(path="/run/other.sock")),
        ("unix:///run/other.sock", {"DOCKER_HOST": "tcp://elsewhere:1"}, Address(path="/run/other.sock")),
        ("", {"DOCKER_HOST": "unix:///run/env.sock"}, Address(path="/run/env.sock")),
        ("tcp://docker.example", {}, Address(host="docker.example", port=2375)),
        ("tcp://docker.example:4000/", {}, Address(host="docker.example", port=4000)),
        ("http://[::1]:4000", {}, Address(host="::1", port=4000)),
        (
            "tcp://docker.example",
            {"DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": "/certs"},
            Address(host="docker.example", port=2376, certificates="/certs"),
        ),
        (
            "https://docker.example:4000",
            {"DOCKER_CERT_PATH": "/certs"},
            Address(host="docker.example", port=4000, certificates="/certs"),
        ),
        ("tcp://docker.example", {"DOCKER_TLS_VERIFY": "0"}, Address(host="docker.example", port=2375)),
    ],
)
def test_addresses(configured: str, environ: dict[str, str], expected: Address) -> None:
    assert find_address(configured, environ) == expected


def test_texts_and_urls() -> None:
    assert (Address(path="/a").text, Address(path="/a").url) == ("unix:///a", "http://docker")
    v6 = Address(host="::1", port=1)
    assert (v6.text, v6.url) == ("tcp://[::1]:1", "http://[::1]:1")
    assert Address(host="h", port=1, certificates="/certs").url == "https://h:1"


@pytest.mark.parametrize("text", ["/var/run/docker.sock", "unix://relative", "ssh://host", "tcp://", "tcp://h:x", "x"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="is not an address") as error:
        find_address(text, {})
    assert "unix:///" in error.value.hint


def test_a_password_in_an_address_is_not_shown() -> None:
    with pytest.raises(ConfigError) as error:
        find_address("ssh://user:hunter2@host", {})
    assert "hunter2" not in error.value.message


def test_a_rootless_engines_socket_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gofer.engines.scheduler.docker_address.DEFAULT_SOCKET", str(tmp_path / "absent"))
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "docker.sock"))
        assert find_address("", {"XDG_RUNTIME_DIR": str(tmp_path)}) == Address(path=str(tmp_path / "docker.sock"))
    assert find_address("", {"XDG_RUNTIME_DIR": "/nowhere", "HOME": "/nowhere"}).path.endswith("absent")
    assert DEFAULT_SOCKET == "/var/run/docker.sock"


def test_why_it_does_not_answer_is_said_plainly() -> None:
    address = Address(path="/run/docker.sock")
    refused = unavailable(address, ConnectionRefusedError(111, "Connect call failed ('/run/docker.sock',)"))
    assert refused.message == "the Docker Engine at unix:///run/docker.sock does not answer: connection refused"
    assert "systemctl start docker" in refused.hint
    denied = unavailable(address, PermissionError(13, "Permission denied"))
    assert "usermod -aG docker" in denied.hint
    remote = unavailable(Address(host="h", port=1), "the connection broke")
    assert remote.message == "the Docker Engine at tcp://h:1 does not answer: the connection broke"
    assert "DOCKER_HOST" in remote.hint


def test_unusable_certificates_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="certificates") as error:
        Address(host="h", port=1, certificates=str(tmp_path)).tls()
    assert "ca.pem" in error.value.hint
