from __future__ import annotations

import pytest

from gofer.config.address import Address, covers, ip_of, parse_address, parse_names
from gofer.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("localhost:8080", Address("localhost", 8080, "127.0.0.1")),
        ("127.0.0.1:0", Address("127.0.0.1", 0, "127.0.0.1")),
        ("[::1]:8080", Address("::1", 8080, "::1")),
        ("0.0.0.0:443", Address("0.0.0.0", 443, "0.0.0.0")),
        ("[::]:443", Address("::", 443, "::")),
        ("192.0.2.7:65535", Address("192.0.2.7", 65535, "192.0.2.7")),
    ],
)
def test_addresses(text: str, expected: Address) -> None:
    assert parse_address(text) == expected


@pytest.mark.parametrize(
    "text", ["", "8080", ":8080", "localhost", "localhost:", "localhost:65536", "localhost:-1", "a.example:1", "*:80"]
)
def test_what_is_no_address_is_refused_with_a_way_out(text: str) -> None:
    with pytest.raises(ConfigError, match=r"server\.host") as refused:
        parse_address(text)
    assert "localhost" in refused.value.hint


@pytest.mark.parametrize(
    ("text", "names", "host"),
    [
        # Nobody can call a wildcard.
        ("0.0.0.0:1", (), "localhost"),
        ("[::]:1", (), "localhost"),
        ("0.0.0.0:1", ("localhost", "127.0.0.1", "gofer.example.org"), "gofer.example.org"),
        ("0.0.0.0:1", ("192.0.2.7", "gofer.example.org"), "gofer.example.org"),
        ("0.0.0.0:1", ("192.0.2.7",), "192.0.2.7"),
        ("0.0.0.0:1", ("localhost",), "localhost"),
        ("0.0.0.0:1", ("*.example.org",), "localhost"),
        # An address can be called, unless the certificate is for a name.
        ("192.0.2.7:1", (), "192.0.2.7"),
        ("192.0.2.7:1", ("gofer.example.org", "192.0.2.7"), "192.0.2.7"),
        ("192.0.2.7:1", ("gofer.example.org",), "gofer.example.org"),
        ("192.0.2.7:1", ("*.example.org",), "192.0.2.7"),
        ("[2001:db8::7]:1", ("2001:db8::7",), "2001:db8::7"),
        # Loopback is called as it is configured, whatever the certificate says.
        ("localhost:1", ("gofer.example.org",), "localhost"),
        ("127.0.0.1:1", ("gofer.example.org",), "127.0.0.1"),
    ],
)
def test_the_address_that_people_are_told(text: str, names: tuple[str, ...], host: str) -> None:
    assert parse_address(text).called(names).host == host


def test_a_url_has_brackets_where_it_needs_them() -> None:
    assert Address("::1", 80, "::1").url == "http://[::1]:80"
    assert Address("x", 443, "192.0.2.1", "https").url == "https://x:443"


def test_what_a_name_covers() -> None:
    assert covers("a.example.org", "a.example.org")
    assert covers("*.example.org", "a.example.org")
    for host in ("example.org", ".example.org", "a.b.example.org", "a.example.org.evil.example"):
        assert not covers("*.example.org", host)


def test_addresses_of_both_families_are_one() -> None:
    assert str(ip_of("::ffff:192.0.2.7")) == "192.0.2.7"
    assert str(ip_of("fe80::1%eth0")) == "fe80::1"
    assert parse_names(["A.Example.org", "2001:DB8:0::1"]) == ("a.example.org", "2001:db8::1")
