"""The configuration of nginx that docs/security.md shows, in a real nginx before a real server."""

from __future__ import annotations

import http.client
import json
import os
import re
import socket
import ssl
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from gofer.server.own_log import set_level
from tests.integration.api.server import Answer, ServerThread
from tests.support.addresses import own_address
from tests.support.certificates import Authority
from tests.support.until import until

NGINX = "/usr/local/lib/gofer-tests/nginx"
"""What .ci/test-tools installs."""

NAME = "gofer.example.org"
_AROUND = """\
daemon off; user root; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;
events {{}}
http {{
  access_log off; proxy_temp_path {folder}/1; client_body_temp_path {folder}/2;
  fastcgi_temp_path {folder}/3; uwsgi_temp_path {folder}/4; scgi_temp_path {folder}/5;
  {documented}
}}
"""


class Proxied:
    """A server behind nginx. `where` is nginx's own address."""

    def __init__(self, folder: Path) -> None:
        self.server = ServerThread(
            folder / "data", production=True, allowed_hosts=[NAME], trusted_proxies=["127.0.0.1", "::1"]
        )
        self._folder = folder
        self._authority = Authority(folder / "authority")
        self._nginx: subprocess.Popen[bytes] | None = None
        self.where = ("", 0)

    def start(self) -> None:
        self.server.start()
        made = self._authority.sign("proxy", names=f"DNS:{NAME}")
        with socket.create_server((own_address(), 0)) as chosen:
            self.where = chosen.getsockname()
        text = Path("docs/security.md").read_text()
        found = re.search(r"```nginx\n(.*?)```", text, re.DOTALL)
        assert found is not None
        documented = found[1]
        for said, here in (
            ("listen 443", f"listen {self.where[0]}:{self.where[1]}"),
            ("/etc/ssl/gofer.crt", str(made.cert)),
            ("/etc/ssl/gofer.key", str(made.key)),
            ("127.0.0.1:8080", self.server.netloc),
        ):
            assert documented.count(said) == 1, said
            documented = documented.replace(said, here)
        path = self._folder / "nginx.conf"
        path.write_text(_AROUND.format(folder=self._folder, documented=documented))
        assert Path(NGINX).exists(), "call .ci/test-tools"
        self._nginx = subprocess.Popen([NGINX, "-c", str(path)])
        until(self._listens, "nginx listens")

    def stop(self) -> None:
        if self._nginx is not None:
            self._nginx.terminate()
            self._nginx.wait(60)
        self.server.stop()

    def _listens(self) -> bool:
        with socket.socket() as one:
            return one.connect_ex(self.where) == 0

    def connection(self) -> ssl.SSLSocket:
        context = ssl.create_default_context(cafile=str(self._authority.ca))
        return context.wrap_socket(socket.create_connection(self.where, timeout=30), server_hostname=NAME)

    @property
    def origin(self) -> str:
        """As a browser writes that of the server's own pages."""
        return f"https://{NAME}:{self.where[1]}"

    def ask(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        connection = http.client.HTTPConnection(NAME, self.where[1], timeout=30)
        connection.sock = self.connection()
        try:
            connection.request(method, path, body, dict(headers or {}))
            answer = connection.getresponse()
            return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    @property
    def token(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.server.bootstrap()}"}


@pytest.fixture(scope="module")
def proxied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxied]:
    proxied = Proxied(tmp_path_factory.mktemp("proxied"))
    try:
        proxied.start()
        yield proxied
    finally:
        proxied.stop()


def test_pages_of_the_server_itself_and_no_others(proxied: Proxied) -> None:
    for origin, status in (
        (proxied.origin, 200),
        (proxied.origin.replace("https", "http"), 403),
        (f"https://{NAME}", 403),
        ("https://evil.example", 403),
        ("null", 403),
    ):
        asked = proxied.ask("GET", "/api/v1/namespaces", headers={**proxied.token, "Origin": origin})
        assert asked.status == status, origin
    assert proxied.ask("GET", "/api/v1/namespaces", headers={**proxied.token, "Host": "evil.example"}).status == 403


def test_the_connection_counts_as_encrypted(proxied: Proxied) -> None:
    assert proxied.ask("GET", "/healthz").headers["strict-transport-security"] == "max-age=31536000"


def test_websockets(proxied: Proxied) -> None:
    url = f"ws://{NAME}:{proxied.where[1]}/api/v1/events/stream?after=0"
    own = {**proxied.token, "Origin": proxied.origin}
    with connect(url, sock=proxied.connection(), additional_headers=own) as websocket:
        assert json.loads(websocket.recv(timeout=30))["events"]
    foreign = {**proxied.token, "Origin": "https://evil.example"}
    with (
        pytest.raises(InvalidStatus),
        connect(url, sock=proxied.connection(), additional_headers=foreign),
    ):
        raise AssertionError("the websocket was opened")


def test_large_objects_both_ways(proxied: Proxied) -> None:
    proxied.server.api.register({"id": "p", "tasks": [{"id": "a", "image": "fake", "command": ["say", "x"]}]})
    path, content = "/api/v1/namespaces/default/pipelines/p/objects/key", os.urandom(20_000_000)
    assert proxied.ask("PUT", path, content, proxied.token).status == 201
    assert proxied.ask("GET", path, headers=proxied.token).body == content


def test_the_client_s_address_is_the_one_that_the_proxy_saw(proxied: Proxied) -> None:
    set_level("debug")
    try:
        with capture_logs() as lines:
            proxied.ask("GET", "/healthz", headers={"X-Forwarded-For": "6.6.6.6"})
            proxied.server.settle()
    finally:
        set_level("info")
    assert [line["client"] for line in lines if line["event"] == "request"] == [own_address()]
