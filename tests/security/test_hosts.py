"""Under which names the server answers (DNS rebinding), and to whose pages (forged requests)."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from gofer.errors import ConfigError
from gofer.server.api.host_names import Host, HostNames, parse_host
from tests.integration.api.server import Answer, ServerThread
from tests.security.world import World, changes
from tests.support.addresses import own_address
from tests.support.certificates import Authority

FOREIGN_HOSTS = [
    "evil.example",
    "evil.example:8080",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "127.0.0.1.nip.io",
    "user@localhost",
    "localhost@evil.example",
    "0.0.0.0",
    "[::]",
    "2130706433",
    "0x7f000001",
    "127.1",
    "localhost:80:80",
    "localhost:port",
    "localhost:123456",
    "[::1",
    "[::1]x",
    "[::1%25lo]",
    "::1",
    "localhost,evil.example",
    "localhost evil.example",
    "localhost/evil",
    "localhost.",
    "evil.example#localhost",
    "\xe9vil",
    "",
]
FOREIGN_ORIGINS = [
    "http://evil.example",
    "https://evil.example",
    "null",
    "",
    "localhost",
    "http:localhost",
    "//localhost",
    "http://",
    "file://",
    "http://localhost.evil.example",
    "http://evil.example:80@localhost",
    "http://localhost/",
    "http://localhost:1",
    "http://127.0.0.1",
    "http://localhost http://localhost",
    "ftp://localhost",
    "chrome-extension://localhost",
    "HTTP://LOCALHOST:",
    "http://[::1",
]


def ask(server: ServerThread, *headers: str, method: str = "GET", path: str = "/healthz") -> Answer:
    lines = [f"{method} {path} HTTP/1.1", *headers, "Content-Length: 0", "", ""]
    return server.send_raw("\r\n".join(lines).encode("latin-1"), method)


@pytest.mark.parametrize("headers", [{"Host": "evil.example"}, {"Origin": "http://evil.example"}, {"Origin": "null"}])
def test_every_route_and_stream_refuses_foreign_hosts_and_pages(world: World, headers: dict[str, str]) -> None:
    """Also to who shows the best of tokens, before anything is done."""
    before = world.digest()
    found = {route.name: world.try_route(route, world.root, headers=headers).status for route in world.routes}
    assert {name: status for name, status in found.items() if status != 403} == {}
    assert len(found) > 50
    assert changes(before, world.digest()) == set()


def test_a_request_without_origin_needs_a_host_all_the_same(world: World) -> None:
    assert ask(world.server).status == 400
    assert ask(world.server, "Host: localhost", "Host: localhost").status == 400
    assert ask(world.server, "Host: localhost", "Origin: http://localhost", "Origin: null").status == 400


@pytest.mark.parametrize("host", FOREIGN_HOSTS)
def test_foreign_hosts(world: World, host: str) -> None:
    answer = ask(world.server, f"Host: {host}")
    assert answer.status in (400, 403)
    if answer.status == 403:
        assert "server.allowed_hosts" in answer.problem["hint"]


@pytest.mark.parametrize("origin", FOREIGN_ORIGINS)
def test_foreign_origins(world: World, origin: str) -> None:
    for method in ("GET", "POST", "OPTIONS"):
        answer = ask(world.server, "Host: localhost:8080", f"Origin: {origin}", method=method)
        assert answer.status == 403, method


@pytest.mark.parametrize("origin", [*FOREIGN_ORIGINS, "http://localhost:8080/"])
def test_foreign_origins_of_websockets(world: World, origin: str) -> None:
    with pytest.raises(InvalidStatus) as refused, world.dial("/api/v1/events/stream", world.root, {"Origin": origin}):
        raise AssertionError("the websocket was opened")
    assert refused.value.response.status_code == 403


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerThread]:
    """Behind a proxy on this machine that speaks https, and is trusted."""
    server = ServerThread(
        tmp_path_factory.mktemp("named"),
        production=True,
        allowed_hosts=["Gofer.example.org", "*.lan.example.org", "192.0.2.7", "2001:DB8::7"],
        trusted_proxies=["127.0.0.1"],
    )
    server.start()
    yield server
    server.stop()


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("gofer.example.org", 200),
        ("GOFER.example.org:8443", 200),
        ("a.lan.example.org", 200),
        ("192.0.2.7", 200),
        ("[2001:db8:0::7]:1", 200),
        ("lan.example.org", 403),
        ("a.b.lan.example.org", 403),
        (".lan.example.org", 403),
        ("xgofer.example.org", 403),
        ("example.org", 403),
        ("192.0.2.8", 403),
        ("[2001:db8::8]", 403),
        ("*.lan.example.org", 403),
    ],
)
def test_allowed_hosts(named: ServerThread, host: str, status: int) -> None:
    assert ask(named, f"Host: {host}").status == status


@pytest.mark.parametrize(
    ("host", "origin", "status"),
    [
        ("gofer.example.org", "https://gofer.example.org", 200),
        ("gofer.example.org:443", "https://gofer.example.org", 200),
        ("gofer.example.org", "https://gofer.example.org:443", 200),
        ("gofer.example.org:8443", "https://gofer.example.org:8443", 200),
        ("gofer.example.org", "https://gofer.example.org:8443", 403),
        ("gofer.example.org", "https://a.lan.example.org", 403),
        # A page that came unencrypted may be anybody's who is on the way.
        ("gofer.example.org", "http://gofer.example.org", 403),
        ("gofer.example.org:80", "http://gofer.example.org", 403),
    ],
)
def test_the_origin_behind_a_proxy_that_speaks_https(named: ServerThread, host: str, origin: str, status: int) -> None:
    given = f"Host: {host}", f"Origin: {origin}"
    assert ask(named, *given, "X-Forwarded-Proto: https").status == status


def test_a_websocket_of_the_server_s_own_page_behind_a_proxy(named: ServerThread) -> None:
    own = {"X-Forwarded-Proto": "https", "Authorization": f"Bearer {named.bootstrap()}"}
    url = f"ws://gofer.example.org:{port(named)}/api/v1/events/stream"
    for scheme, is_open in (("https", True), ("http", False)):
        headers = {**own, "Origin": f"{scheme}://gofer.example.org:{port(named)}"}
        if is_open:
            with connect(url, sock=named.connect(), additional_headers=headers) as websocket:
                websocket.ping().wait()
        else:
            with pytest.raises(InvalidStatus), connect(url, sock=named.connect(), additional_headers=headers):
                raise AssertionError("the websocket was opened")


def port(server: ServerThread) -> int:
    return int(server.netloc.rpartition(":")[2])


def test_a_proxy_that_is_not_trusted_may_speak_https(world: World) -> None:
    """What it says is not believed, but the browser's Origin is: nobody can forge that."""
    assert ask(world.server, "Host: localhost", "Origin: https://localhost").status == 200
    assert ask(world.server, "Host: localhost", "Origin: http://localhost").status == 200


def test_names_of_the_certificate_follow_it(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "authority")
    first = authority.sign("first", names="DNS:one.example.org,DNS:*.wild.example.org,IP:192.0.2.1")
    cert, key = tmp_path / "server.crt", tmp_path / "server.key"
    cert.write_bytes(first.cert.read_bytes())
    key.write_bytes(first.key.read_bytes())
    server = ServerThread(tmp_path / "data", production=True, tls_cert_path=cert, tls_key_path=key)
    server.start()
    trusting = ssl.create_default_context(cafile=str(authority.ca))
    trusting.check_hostname = False

    def statuses(*names: str) -> list[int]:
        found = []
        for name in names:
            with server.connect() as plain, trusting.wrap_socket(plain) as connection:
                connection.sendall(f"GET /healthz HTTP/1.1\r\nHost: {name}\r\n\r\n".encode())
                found.append(ServerThread.read_answer(connection).status)
        return found

    names = ["one.example.org", "a.wild.example.org", "192.0.2.1", "two.example.org", "localhost"]
    try:
        assert statuses(*names) == [200, 200, 200, 403, 200]
        second = authority.sign("second", names="DNS:two.example.org", key="rsa")
        cert.write_bytes(second.cert.read_bytes())
        key.write_bytes(second.key.read_bytes())
        assert server.in_loop(server.services.reloader.reload).certificate_renewed
        assert statuses(*names) == [403, 403, 403, 200, 200]
    finally:
        server.stop()


def test_beyond_loopback_any_address_is_a_fine_name_and_no_other(tmp_path: Path) -> None:
    server = ServerThread(tmp_path, production=True, host="0.0.0.0:0", allow_plain_http=True)
    server.start()
    try:
        for host in (own_address(), "203.0.113.9", "[2001:db8::1]", "127.0.0.1", "localhost"):
            assert ask(server, f"Host: {host}").status == 200, host
        for host in ("0.0.0.0", "[::]", "evil.example", "1.2.3.4.nip.io"):
            assert ask(server, f"Host: {host}").status == 403, host
    finally:
        server.stop()


def test_parts_of_a_host() -> None:
    assert parse_host("Example.ORG:80") == Host("example.org", "80")
    assert parse_host("[2001:DB8::1]:8080") == Host("2001:db8::1", "8080")
    assert parse_host("name") == Host("name", "")


@pytest.mark.parametrize(
    "name", ["", "*", "https://x", "x:80", "a b", "*.*.x", "x*", "-x", "x.", ".x", "[::1]", "a" * 300]
)
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=r"server\.allowed_hosts: "):
        HostNames([name], beyond_loopback=False)
