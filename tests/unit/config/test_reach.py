from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from gofer.checkup.network import network
from gofer.config.load import Configuration
from gofer.config.reach import check_reach, reach_doubts
from gofer.config.settings import ServerSettings, Settings
from gofer.errors import ConfigError

FAR = "0.0.0.0:8080"
TLS: dict[str, Any] = {"tls_cert_path": "/c", "tls_key_path": "/k"}


def settings(server: Mapping[str, Any], *, dev_mode: bool = False) -> Settings:
    return Settings(dev_mode=dev_mode, server=ServerSettings(**server))


@pytest.mark.parametrize("ip", ["127.0.0.1", "127.255.0.9", "::1", "::ffff:127.0.0.1"])
def test_loopback_is_always_allowed(ip: str) -> None:
    for dev_mode in (True, False):
        check_reach(ip, settings({}, dev_mode=dev_mode))


@pytest.mark.parametrize("ip", ["0.0.0.0", "::", "192.0.2.7", "10.0.0.1", "2001:db8::1", "::ffff:192.0.2.7", "fe80::1"])
def test_others_need_production_and_a_certificate_or_a_word(ip: str) -> None:
    check_reach(ip, settings(TLS))
    check_reach(ip, settings({"allow_plain_http": True}))
    with pytest.raises(ConfigError, match="no certificate is configured"):
        check_reach(ip, settings({}))
    others: list[dict[str, Any]] = [{}, TLS, {"allow_plain_http": True}, {"dev_certificate": True}]
    for further in others:
        with pytest.raises(ConfigError, match="dev mode asks nobody for a token"):
            check_reach(ip, settings(further, dev_mode=True))


@pytest.mark.parametrize(
    ("server", "keys"),
    [
        ({}, []),
        ({"host": FAR, **TLS}, []),
        ({"host": FAR, "allow_plain_http": True}, ["server.allow_plain_http", "server.trusted_proxies"]),
        ({"host": FAR, "allow_plain_http": True, "trusted_proxies": ["10.0.0.1"]}, ["server.allow_plain_http"]),
        ({"host": FAR, "allow_plain_http": True, **TLS}, ["server.allow_plain_http"]),
        ({"allow_plain_http": True}, ["server.allow_plain_http"]),
        ({"trusted_proxies": ["127.0.0.1"]}, []),
        ({"trusted_proxies": ["0.0.0.0/0"]}, ["server.trusted_proxies"]),
        ({"trusted_proxies": ["::/0"]}, ["server.trusted_proxies"]),
        ({"host": "junk", "trusted_proxies": ["junk"]}, []),
    ],
)
def test_what_is_seldom_meant(server: dict[str, object], keys: list[str]) -> None:
    found = list(reach_doubts(settings(server)))
    assert [key for key, _, _ in found] == keys
    assert all(message and hint for _, message, hint in found)


@pytest.mark.parametrize(
    ("server", "level", "message"),
    [
        ({}, "ok", "localhost:8080 is for programs and proxies of this machine."),
        ({"host": FAR, **TLS}, "ok", "speaks https with whoever reaches this machine"),
        ({"host": FAR}, "error", "The next start will fail: server.host is 0.0.0.0, and no certificate"),
        ({"host": FAR, "allow_plain_http": True}, "warning", "unencrypted"),
        ({"allowed_hosts": ["https://x"]}, "error", "server.allowed_hosts"),
        ({"trusted_proxies": ["x"]}, "error", "server.trusted_proxies"),
    ],
)
def test_what_the_doctor_says(server: dict[str, object], level: str, message: str) -> None:
    check = network(Configuration(settings(server)))
    assert (check.name, check.level) == ("network", level)
    assert message in check.message
    assert (check.hint == "") is (level == "ok")
