"""Asking the engine for a sign of life, without the library that everything else needs and that is slow to load."""

from __future__ import annotations

import asyncio
import json
import ssl
from typing import Any, Final

from gofer.engines.scheduler.docker_address import Address, unavailable

# HTTP/1.0, so that the answer ends with the connection and needs no decoding.
_REQUEST: Final = "GET /version HTTP/1.0\r\nHost: {host}\r\nAccept: application/json\r\n\r\n"


async def ask_version(address: Address, tls: ssl.SSLContext | None, timeout: float) -> dict[str, Any]:
    """What the engine says of itself, with at least `Version` and `ApiVersion`. Raises EngineUnavailable."""
    try:
        async with asyncio.timeout(timeout):
            answer = await _ask(address, tls)
    except TimeoutError as error:
        raise unavailable(address, f"nothing came within {timeout:.0f} seconds") from error
    except OSError as error:
        raise unavailable(address, error) from error
    head, _, body = answer.partition(b"\r\n\r\n")
    try:
        version = json.loads(body)
        if head.split()[1] == b"200" and "ApiVersion" in version:
            return dict(version)
    except (ValueError, IndexError, TypeError):
        pass
    raise unavailable(address, f"something else answers: {head[:60]!r}" if head else "the connection broke")


async def _ask(address: Address, tls: ssl.SSLContext | None) -> bytes:
    if address.path:
        reader, writer = await asyncio.open_unix_connection(address.path)
    else:
        reader, writer = await asyncio.open_connection(address.host, address.port, ssl=tls)
    try:
        writer.write(_REQUEST.format(host=address.host or "docker").encode())
        return await reader.read(-1)
    finally:
        writer.transport.abort()
