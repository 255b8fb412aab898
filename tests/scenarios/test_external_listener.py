"""The listener of external events as a part of the server: its TLS, its address, its end."""

from __future__ import annotations

import asyncio
import http.client
import socket
import ssl
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from gofer.config.live import Live
from gofer.config.settings import ExternalEventsSettings, SchedulerSettings, ServerSettings, Settings
from gofer.errors import ConfigError
from gofer.server.app import running
from tests.support.certificates import Authority


def settings(home: Path, host: str = "127.0.0.1:0", *, enable: bool = True, **server: Path) -> Settings:
    return Settings(
        server=ServerSettings(host="127.0.0.1:0", storage_path=home, **server),  # type: ignore[arg-type]
        scheduler=SchedulerSettings(engine="fake"),
        external_events_api=ExternalEventsSettings(enable=enable, host=host),
        task_run_logs_dir=home / "logs",
    )


def ask(url: str, ca: Path, path: str) -> int:
    where = urlsplit(url)
    context = ssl.create_default_context(cafile=str(ca))
    connection = http.client.HTTPSConnection(str(where.hostname), where.port, timeout=30, context=context)
    try:
        connection.request("POST", path, b"{}")
        return connection.getresponse().status
    finally:
        connection.close()


async def test_it_speaks_the_servers_tls_and_ends_with_it(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "authority")
    made = authority.sign("server")
    live = Live.fixed(settings(tmp_path / "data", tls_cert_path=made.cert, tls_key_path=made.key))
    async with running(live) as server:
        url = server.external_address
        assert url.startswith("https://")
        assert url != server.address
        assert await asyncio.to_thread(ask, url, authority.ca, "/events/nobody") == 404
        # The API is where it was, and only there.
        assert await asyncio.to_thread(ask, url, authority.ca, "/api/v1/triggers") == 404
    with pytest.raises(OSError, match="refused"):
        await asyncio.to_thread(ask, url, authority.ca, "/events/nobody")


async def test_an_address_that_is_taken_stops_the_start(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        host = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(ConfigError) as refused:
            async with running(Live.fixed(settings(tmp_path / "data", host))):
                pass
    assert refused.value.message == f"{host} is in use by another program"
    assert "external_events_api.host = " in refused.value.hint


async def test_it_is_off_unless_somebody_wants_it(tmp_path: Path) -> None:
    async with running(Live.fixed(settings(tmp_path / "data", enable=False))) as server:
        assert server.external_address == ""
