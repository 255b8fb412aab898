"""Objects on their way, with servers and connections that do what Gofer's own do not."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import ssl
import subprocess
import threading
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import GOFER, Gofer
from tests.cli.raw_server import Peer, raw_server
from tests.support.certificates import Authority

MIB = 1024 * 1024
PUT = ("pipeline", "store", "put", "p")
GET = ("pipeline", "store", "get", "p")


def described(data: bytes) -> bytes:
    """As the server answers a PUT of `data`."""
    digest = hashlib.sha256(data).hexdigest()
    facts: dict[str, Any] = {"namespace": "default", "pipeline": "p", "key": "k", "size": len(data), "sha256": digest}
    facts |= {"content_type": "text/plain", "created_at": 1, "modified_at": 1, "created": True}
    return json.dumps(facts).encode()


def digest_header(data: bytes) -> str:
    return f"Content-Digest: sha-256=:{b64encode(hashlib.sha256(data).digest()).decode()}:"


@pytest.fixture
def big(alone: Gofer) -> Path:
    """More than fits into what lies between two sockets."""
    path = alone.home / "big"
    path.write_bytes(os.urandom(MIB) * 16)
    return path


@pytest.mark.parametrize("then", ["close", "stall"])
@pytest.mark.parametrize("way", ["file", "pipe"])
def test_a_refusal_before_the_end_is_told_as_what_it_is(then: str, way: str, big: Path, alone: Gofer) -> None:
    """Of a server, too, that does not read on: who first sends everything would wait for ever."""

    def handle(peer: Peer) -> None:
        peer.read_head()
        peer.take(MIB)
        peer.refuse(413, "The object is too large", "Put less")
        if then == "stall":
            assert over.wait(60)

    over = threading.Event()
    with raw_server(handle) as server:
        given, stdin = ("k=@big", b"") if way == "file" else ("k=-", big.read_bytes())
        said = alone(*PUT, given, "--host", server.address, stdin=stdin)
        over.set()
    assert (said.code, said.err) == (5, "error: The object is too large\nhint: Put less\n")
    assert server.connections == 1


@pytest.mark.parametrize("status", [404, 409, 503])
def test_the_same_over_tls(status: int, big: Path, alone: Gofer, tmp_path: Path) -> None:
    """TLS sends messages of its own meanwhile, which are no answer."""
    authority = Authority(tmp_path / "authority")
    made = authority.sign("server")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made.cert, made.key)

    def handle(peer: Peer) -> None:
        if "/info" in peer.read_head():
            peer.refuse(500, "No info")
        else:
            peer.take(3 * MIB)
            peer.refuse(status, "No, thanks")
            peer.drain()

    with raw_server(handle, context=context) as server:
        said = alone(*PUT, "k=@big", "--host", f"https://{server.address}", "--ca-file", str(authority.ca))
    assert said.err.startswith("error: No, thanks\n")
    assert said.code == {404: 4, 409: 5, 503: 7}[status]


def test_whole_over_tls_and_over_a_unix_socket(big: Path, alone: Gofer, tmp_path: Path) -> None:
    authority = Authority(tmp_path / "authority")
    made = authority.sign("server")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made.cert, made.key)
    data = big.read_bytes()
    heads: list[str] = []

    def handle(peer: Peer) -> None:
        heads.append(peer.read_head())
        if heads[-1].startswith("GET"):
            peer.say(200, data, digest_header(data))
            return
        peer.take(len(data))
        peer.say(201, described(data))

    secure = "--ca-file", str(authority.ca)
    with raw_server(handle, context=context) as server:
        alone.ok(*PUT, "k=@big", "--host", f"https://{server.address}", *secure)
        alone.ok(*GET, "k", "-o", "back", "--host", f"https://{server.address}", *secure)
    assert (alone.home / "back").read_bytes() == data
    with raw_server(handle, unix=str(tmp_path / "sock")) as server:
        (tmp_path / "token").write_text("t0ken\n")
        (tmp_path / "token").chmod(0o600)
        alone.ok(*PUT, "k=@big", "--host", server.address, "--token-file", str(tmp_path / "token"))
        alone.ok(*GET, "k", "-o", "again", "--host", server.address)
    assert (alone.home / "again").read_bytes() == data
    assert f"Content-Length: {len(data)}\r\n" in f"{heads[0]}\r\n"
    assert "Authorization: Bearer t0ken" in heads[2]


def test_a_file_is_sent_again_where_the_connection_is_dropped_but_not_a_pipe(big: Path, alone: Gofer) -> None:
    data = big.read_bytes()

    def handle(peer: Peer) -> None:
        peer.read_head()
        if server.connections == 1:
            peer.take(MIB)
            return
        peer.take(len(data))
        peer.say(201, described(data))

    with raw_server(handle) as server:
        alone.ok(*PUT, "k=@big", "--host", server.address)
        assert server.connections == 2
    with raw_server(handle) as server:
        said = alone(*PUT, "k", "--host", server.address, stdin=data)
        assert server.connections == 1
    assert said.code == 3
    assert "the connection to the server" in said.err
    assert "broke after" in said.err
    assert "Nothing was kept." in said.err


def test_a_server_that_dies_with_the_file_half_sent(big: Path, alone: Gofer) -> None:
    """Not that nobody listens there is what matters, but what became of the file."""

    def handle(peer: Peer) -> None:
        peer.read_head()
        peer.take(3 * MIB)
        server.stop_listening()

    with raw_server(handle) as server:
        said = alone(*PUT, "k=@big", "--host", server.address)
    assert said.code == 3
    assert "broke after" in said.err
    assert "Nothing was kept." in said.err


def test_an_answer_that_does_not_come_leaves_it_open(alone: Gofer) -> None:
    def handle(peer: Peer) -> None:
        peer.read_head()
        peer.take(5 + len(b"5\r\n\r\n0\r\n\r\n"))

    with raw_server(handle) as server:
        said = alone(*PUT, "k", "--host", server.address, stdin=b"value")
    assert said.code == 3
    assert "Whether it was kept is not known" in said.err


def test_a_server_that_keeps_something_else(alone: Gofer) -> None:
    def handle(peer: Peer) -> None:
        peer.read_head()
        peer.take(5)
        peer.say(201, described(b"other"))

    with raw_server(handle) as server:
        said = alone(*PUT, "k=value", "--host", server.address)
    assert said.code == 7
    assert 'keeps something else as "k" than was sent' in said.err
    assert "--force" in said.err


@pytest.mark.parametrize(
    ("body", "claims", "length", "code", "fault"),
    [
        (b"wrong", b"right", 5, 7, "what came is not what the server keeps"),
        (b"half", b"half of it", 10, 3, "broke off after 4B of 10B"),
        (b"", b"all", 3, 3, "broke off after 0B of 3B"),
    ],
)
def test_what_comes_is_checked(body: bytes, claims: bytes, length: int, code: int, fault: str, alone: Gofer) -> None:
    def handle(peer: Peer) -> None:
        peer.read_head()
        peer.say(200, body, digest_header(claims), length=length)

    with raw_server(handle) as server:
        said = alone(*GET, "k", "--output", "out", "--host", server.address)
        assert (said.code, fault in said.err, "Nothing was kept." in said.err) == (code, True, True), said
        (alone.home / "out").write_bytes(b"mine")
        said = alone(*GET, "k", "--output", "out", "--force", "--host", server.address)
        assert said.code == code
        assert (alone.home / "out").read_bytes() == b"mine"
        said = alone(*GET, "k", "--host", server.address)
    assert (said.code, said.out, "do not use it" in said.err) == (code, body.decode(), True)
    assert [path.name for path in alone.home.iterdir()] == ["out"]


def test_without_a_checksum_nothing_is_taken(alone: Gofer) -> None:
    def handle(peer: Peer) -> None:
        peer.read_head()
        peer.say(200, b"data", headers[-1])

    headers: list[str] = []
    with raw_server(handle) as server:
        for header in ("Content-Digest: sha-512=:AAAA:", "Content-Digest: sha-256=:A:", 'ETag: "abc"'):
            headers.append(header)
            said = alone(*GET, "k", "--host", server.address)
            assert (said.code, said.out, "SHA-256" in said.err) == (3, "", True), said
        headers.append(f'ETag: W/"{hashlib.sha256(b"data").hexdigest()}"')
        assert alone.ok(*GET, "k", "--host", server.address).out == "data"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_download_leaves_nothing(number: int, alone: Gofer) -> None:
    def handle(peer: Peer) -> None:
        peer.read_head()
        peer.say(200, b"x" * 100, digest_header(b""), length=MIB)
        sent.set()
        peer.drain()

    sent = threading.Event()
    with raw_server(handle) as server, alone.popen(*GET, "k", "-o", "out", "--host", server.address) as process:
        assert sent.wait(60)
        process.send_signal(number)
        printed = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert printed == (b"", b"")
    assert list(alone.home.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_upload_is_broken_off(number: int, big: Path, alone: Gofer) -> None:
    def handle(peer: Peer) -> None:
        peer.read_head()
        peer.take(MIB)
        began.set()
        go_on.wait(60)
        peer.drain()
        taken.append(peer.taken)

    began, go_on, taken = threading.Event(), threading.Event(), list[int]()
    with raw_server(handle) as server:
        with alone.popen(*PUT, "k=@big", "--host", server.address) as process:
            assert began.wait(60)
            process.send_signal(number)
            assert process.communicate(timeout=60) == (b"", b"")
        go_on.set()
    assert process.returncode == 128 + number
    assert taken[0] < 15 * MIB


@pytest.mark.parametrize("change", ["append", "truncate", "touch"])
def test_a_file_that_changes_while_it_is_sent(change: str, big: Path, alone: Gofer) -> None:
    def handle(peer: Peer) -> None:
        peer.read_head()
        peer.take(MIB)
        with big.open("ab") as file:
            if change == "append":
                file.write(b"more")
            elif change == "truncate":
                file.truncate(8 * MIB)
        os.utime(big)
        peer.drain()
        taken.append(peer.taken)

    taken: list[int] = []
    with raw_server(handle) as server:
        said = alone(*PUT, "k=@big", "--host", server.address)
    assert said.code == 2
    assert "big was changed while it was sent" in said.err
    assert "Nothing was kept." in said.err
    assert taken[0] < 16 * MIB, "the last piece is held back"


def test_what_a_pipe_brings_is_sent_as_it_comes(alone: Gofer) -> None:
    """Not when it is at its end: that may be hours later."""

    def handle(peer: Peer) -> None:
        assert "Transfer-Encoding: chunked" in peer.read_head()
        peer.take(len(b"5\r\nfirst\r\n"))
        came.set()
        peer.take(len(b"5\r\nfirst\r\n6\r\nsecond\r\n0\r\n\r\n"))
        peer.say(201, described(b"firstsecond"))

    came = threading.Event()
    with raw_server(handle) as server:
        process = subprocess.Popen(
            [*GOFER, *PUT, "k", "--host", server.address], env=alone.environ, stdin=subprocess.PIPE
        )
        assert process.stdin is not None
        process.stdin.write(b"first")
        process.stdin.flush()
        assert came.wait(60)
        process.communicate(b"second", timeout=60)
    assert process.returncode == 0
