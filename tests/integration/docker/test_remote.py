"""An engine on another machine: over TCP, with and without TLS, and with a network that breaks."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from gofer.engines.scheduler.base import Exit, Position
from gofer.engines.scheduler.docker import DockerScheduler
from gofer.engines.scheduler.docker_spec import DockerOptions
from gofer.errors import EngineUnavailable
from tests.conformance import steps
from tests.conformance.conftest import Engine
from tests.conformance.steps import Hang, Lines, Say, UntilStopped, lines
from tests.integration.docker.conftest import Raw, open_engine

pytestmark = [pytest.mark.docker, pytest.mark.timeout(60)]


class Network:
    """Carries TCP connections to the machine's engine."""

    def __init__(self, socket: str) -> None:
        self._socket = socket
        self._open: set[asyncio.StreamWriter] = set()
        self.port = 0

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        engine_reader, engine_writer = await asyncio.open_unix_connection(self._socket)
        writers = {writer, engine_writer}
        self._open |= writers
        await asyncio.gather(_copy(reader, engine_writer), _copy(engine_reader, writer))
        self._open -= writers
        for each in writers:
            each.close()

    def cut(self) -> None:
        """Every connection breaks."""
        for writer in list(self._open):
            writer.transport.abort()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()
        else:
            writer.close()


@asynccontextmanager
async def network(raw: Raw, tls: ssl.SSLContext | None = None) -> AsyncIterator[Network]:
    carrier = Network("/var/run/docker.sock")
    server = await asyncio.start_server(carrier.carry, "127.0.0.1", 0, ssl=tls)
    carrier.port = server.sockets[0].getsockname()[1]
    try:
        yield carrier
    finally:
        server.close()
        carrier.cut()
        await server.wait_closed()
        await asyncio.sleep(0.05)


async def _works(engine: Engine) -> None:
    assert (await engine.scheduler.check()).name == "docker"
    name = await engine.start(Lines(3_000), UntilStopped(), Say(b"err", "stderr"), steps.Exit(3))
    position = await engine.printed(name, "stdout", lines(3_000))
    session = await engine.scheduler.exec(name, ["head", "-n", "1"], terminal=False)
    await session.write(b"hello\n")
    assert b"".join([chunk.data async for chunk in session.output()]) == b"hello\n"
    assert await session.exit_code() == 0
    await session.close()
    reading = asyncio.ensure_future(engine.output(name, position))
    await engine.scheduler.stop(name, 30)
    assert await engine.scheduler.wait(name) == Exit(3)
    assert await reading == {"stdout": b"", "stderr": b"err"}
    assert await engine.output(name, Position(1, 1)) == {"stdout": lines(3_000)[1:], "stderr": b"rr"}


async def test_over_tcp(raw: Raw) -> None:
    async with network(raw) as carrier:
        engine = await open_engine(DockerOptions(host=f"tcp://127.0.0.1:{carrier.port}"))
        try:
            await _works(engine)
        finally:
            await engine.close()


async def test_over_tls_with_certificates_on_both_sides(
    raw: Raw, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _make_certificates(tmp_path)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(tmp_path / "ca.pem"))
    tls.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    tls.verify_mode = ssl.CERT_REQUIRED
    monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
    monkeypatch.setenv("DOCKER_CERT_PATH", str(tmp_path))
    async with network(raw, tls) as carrier:
        engine = await open_engine(DockerOptions(host=f"tcp://127.0.0.1:{carrier.port}"))
        try:
            await _works(engine)
        finally:
            await engine.close()


async def test_a_network_that_breaks_loses_and_doubles_nothing(raw: Raw) -> None:
    async with network(raw) as carrier:
        engine = await open_engine(DockerOptions(host=f"tcp://127.0.0.1:{carrier.port}"))
        try:
            name = await engine.start(Lines(500), Say(b"un"), UntilStopped(), Say(b"finished\n"), Hang())
            position = await engine.printed(name, "stdout", lines(500) + b"un")
            waiting = asyncio.ensure_future(engine.scheduler.wait(name))
            reading = asyncio.ensure_future(engine.output(name, position))
            await asyncio.sleep(0)
            carrier.cut()
            for broken in (waiting, reading):
                with pytest.raises(EngineUnavailable):
                    await broken
            await engine.scheduler.check()
            waiting = asyncio.ensure_future(engine.scheduler.wait(name))
            reading = asyncio.ensure_future(engine.output(name, position))
            await engine.scheduler.exec(name, ["kill", "-TERM", "1"], terminal=False)
            await engine.printed(name, "stdout", lines(500) + b"unfinished\n")
            await engine.scheduler.stop(name, 0)
            assert await reading == {"stdout": b"finished\n", "stderr": b""}
            assert await waiting == Exit(137)
        finally:
            await engine.close()


async def test_nobody_there(raw: Raw) -> None:
    async with network(raw) as carrier:
        port = carrier.port
    engine = await open_engine(DockerOptions(host=f"tcp://127.0.0.1:{port}"))
    with pytest.raises(EngineUnavailable, match="connection refused") as error:
        await engine.scheduler.check()
    assert "DOCKER_HOST" in error.value.hint
    await engine.scheduler.close()


def _make_certificates(folder: Path) -> None:
    """An authority, and one certificate that serves both sides."""

    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    extensions = ["-addext", "keyUsage=critical,keyCertSign", "-addext", "basicConstraints=critical,CA:TRUE"]
    openssl("req", "-x509", *key, "-subj", "/CN=tests", "-keyout", "ca.key", "-out", "ca.pem", *extensions)
    (folder / "ext").write_text("subjectAltName=IP:127.0.0.1\n")
    openssl("req", *key[:-2], "-subj", "/CN=127.0.0.1", "-keyout", "key.pem", "-out", "request")
    sign = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "ext"]
    openssl("x509", "-req", "-in", "request", "-out", "cert.pem", *sign)


@pytest.mark.parametrize(
    ("host", "expected"),
    [("unix:///var/run/docker.sock", "/run/gofer"), ("tcp://127.0.0.1:2375", None), ("tcp://[::1]:2375", None)],
)
async def test_what_is_behind_tcp_shares_no_folders(host: str, expected: str | None) -> None:
    scheduler = DockerScheduler(DockerOptions(host=host))
    await scheduler.open()
    assert scheduler.share("/srv/gofer/task-api", "/run/gofer") == expected
    await scheduler.close()
