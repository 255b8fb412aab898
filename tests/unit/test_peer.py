"""Where a request comes from: what is believed, and from whom."""

from __future__ import annotations

from typing import Any

import pytest

from gofer.errors import ConfigError
from gofer.server.api.peer import Peer, Peers
from gofer.server.api.task_door import TASK_SOCKET


def scope(client: str, *headers: tuple[str, str], scheme: str = "http") -> dict[str, Any]:
    encoded = [(name.encode(), value.encode("latin-1")) for name, value in headers]
    return {"type": "http", "scheme": scheme, "client": (client, 4711) if client else None, "headers": encoded}


def forwarded(*values: str) -> list[tuple[str, str]]:
    return [("x-forwarded-for", value) for value in values]


PROXIES = ["10.0.0.0/8", "127.0.0.1", "2001:db8::/32"]


@pytest.mark.parametrize(
    ("client", "values", "address"),
    [
        ("10.1.1.1", ["192.0.2.7"], "192.0.2.7"),
        ("10.1.1.1", ["6.6.6.6, 192.0.2.7"], "192.0.2.7"),
        ("10.1.1.1", ["6.6.6.6", "192.0.2.7"], "192.0.2.7"),
        ("10.1.1.1", ["192.0.2.7, 10.2.2.2"], "192.0.2.7"),
        ("10.1.1.1", ["10.9.9.9, 192.0.2.7 ,10.2.2.2, 2001:db8::5"], "192.0.2.7"),
        ("10.1.1.1", ["10.9.9.9, 10.2.2.2"], "10.9.9.9"),
        ("10.1.1.1", ["192.0.2.7:4711"], "192.0.2.7"),
        ("10.1.1.1", ["[2a00::7]:4711"], "2a00::7"),
        ("10.1.1.1", ["2a00::7"], "2a00::7"),
        ("10.1.1.1", ["fe80::7%eth0"], "fe80::7"),
        ("10.1.1.1", ["::ffff:192.0.2.7"], "192.0.2.7"),
        ("::ffff:10.1.1.1", ["192.0.2.7"], "192.0.2.7"),
        ("10.1.1.1", [], "10.1.1.1"),
        ("10.1.1.1", [""], "10.1.1.1"),
        ("10.1.1.1", ["unknown"], "10.1.1.1"),
        ("10.1.1.1", ["192.0.2.7, unknown"], "10.1.1.1"),
        ("10.1.1.1", ["192.0.2.7, unknown, 10.2.2.2"], "10.2.2.2"),
        ("10.1.1.1", [",,,"], "10.1.1.1"),
        ("10.1.1.1", ["999.1.1.1"], "10.1.1.1"),
        ("10.1.1.1", ["[::1"], "::1"),
        ("10.1.1.1", ["\xff\x00]["], "10.1.1.1"),
        ("192.0.2.9", ["192.0.2.7"], "192.0.2.9"),
        ("11.0.0.1", ["10.1.1.1"], "11.0.0.1"),
        ("2a00::1", ["192.0.2.7"], "2a00::1"),
        ("2001:db8::1", ["192.0.2.7"], "192.0.2.7"),
        ("::ffff:192.0.2.9", ["192.0.2.7"], "192.0.2.9"),
        ("fe80::1%eth0", [], "fe80::1"),
        ("", ["192.0.2.7"], ""),
        ("no address", ["192.0.2.7"], ""),
    ],
)
def test_the_address_is_what_trusted_proxies_say(client: str, values: list[str], address: str) -> None:
    assert Peers(PROXIES).of(scope(client, *forwarded(*values))).address == address


@pytest.mark.parametrize("trusted", ["::ffff:10.1.1.1", "::ffff:10.0.0.0/104"])
def test_a_proxy_may_be_named_as_a_socket_for_both_families_has_it(trusted: str) -> None:
    for client in ("10.1.1.1", "::ffff:10.1.1.1"):
        assert Peers([trusted]).of(scope(client, *forwarded("192.0.2.7"))).address == "192.0.2.7"
    assert Peers([trusted]).of(scope("11.1.1.1", *forwarded("192.0.2.7"))).address == "11.1.1.1"


def test_without_trusted_proxies_nobody_is_believed() -> None:
    said = [*forwarded("192.0.2.7"), ("x-forwarded-proto", "https")]
    assert Peers([]).of(scope("127.0.0.1", *said)) == Peer("127.0.0.1", secure=False, is_loopback=False)


@pytest.mark.parametrize(
    ("client", "scheme", "values", "secure"),
    [
        ("10.1.1.1", "http", ["https"], True),
        ("10.1.1.1", "http", ["HTTPS"], True),
        ("10.1.1.1", "ws", ["wss"], True),
        ("10.1.1.1", "http", ["http, https"], True),
        ("10.1.1.1", "http", ["https", "http"], False),
        ("10.1.1.1", "http", ["https, http"], False),
        ("10.1.1.1", "http", ["", "\xffhttps"], False),
        ("10.1.1.1", "http", [], False),
        ("192.0.2.9", "http", ["https"], False),
        ("192.0.2.9", "https", [], True),
        ("192.0.2.9", "wss", ["http"], True),
    ],
)
def test_who_may_say_that_the_connection_is_encrypted(
    client: str, scheme: str, values: list[str], secure: bool
) -> None:
    said = [("x-forwarded-proto", value) for value in values]
    assert Peers(PROXIES).of(scope(client, *said, scheme=scheme)).secure is secure


@pytest.mark.parametrize("client", ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"])
def test_loopback_is_the_straight_way_only(client: str) -> None:
    for trusted in ([], PROXIES):
        peers = Peers(trusted)
        assert peers.of(scope(client)).is_loopback
        for name in ("x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "x-real-ip", "forwarded", "via"):
            assert not peers.of(scope(client, (name, ""))).is_loopback
            assert not peers.of(scope(client, (name, "127.0.0.1"))).is_loopback
    assert not Peers([]).of(scope("192.0.2.7")).is_loopback


def test_a_proxy_cannot_say_loopback() -> None:
    assert not Peers(PROXIES).of(scope("10.1.1.1", *forwarded("127.0.0.1"))).is_loopback


def test_a_task_has_no_address() -> None:
    given = scope("", ("x-forwarded-for", "192.0.2.7")) | {TASK_SOCKET: True}
    assert Peers(PROXIES).of(given) == Peer("task socket", secure=False, is_loopback=False)


def test_what_is_trusted_changes_at_once() -> None:
    peers, given = Peers([]), scope("192.0.2.9", *forwarded("192.0.2.7"))
    assert peers.of(given).address == "192.0.2.9"
    peers.trust(["192.0.2.0/28"])
    assert peers.of(given).address == "192.0.2.7"
    peers.trust([])
    assert peers.of(given).address == "192.0.2.9"


@pytest.mark.parametrize("text", ["", "proxy", "10.0.0.1/8", "10.0.0.0/33", "*", "10.0.0.0/8 ", "300.0.0.1"])
def test_what_is_no_network_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=r"server\.trusted_proxies: "):
        Peers([text])
