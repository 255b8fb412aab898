"""Where the Docker Engine listens, and how a connection to it is made."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

import msgspec

from gofer.errors import ConfigError, EngineUnavailable
from gofer.models.ids import shown

P = TypeVar("P", bound=asyncio.BaseProtocol)

DEFAULT_SOCKET = "/var/run/docker.sock"
_FORMS = "Use unix:///path/of/docker.sock or tcp://host:port (with DOCKER_TLS_VERIFY=1 and DOCKER_CERT_PATH for TLS)."
_KEEPALIVE_IDLE, _KEEPALIVE_INTERVAL, _KEEPALIVE_COUNT = 30, 10, 3


class Address(msgspec.Struct, frozen=True):
    """An engine's address: either a unix `path`, or `host` and `port`, the latter with TLS if `certificates` is set.

    `certificates` is a folder with ca.pem and, where the engine asks for a client certificate, cert.pem and key.pem.
    """

    path: str = ""
    host: str = ""
    port: int = 0
    certificates: str | None = None

    @property
    def text(self) -> str:
        """For people."""
        return f"unix://{self.path}" if self.path else f"tcp://{self._authority}"

    @property
    def url(self) -> str:
        """The base of request URLs; a unix socket needs some name for its host."""
        if self.path:
            return "http://docker"
        return f"{'https' if self.certificates is not None else 'http'}://{self._authority}"

    @property
    def _authority(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def tls(self) -> ssl.SSLContext | None:
        """What TLS needs, None without TLS. Raises ConfigError for certificates that cannot be used."""
        if self.certificates is None:
            return None
        folder = Path(self.certificates)
        try:
            context = ssl.create_default_context(cafile=str(folder / "ca.pem"))
            if (folder / "cert.pem").exists():
                context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
        except OSError as error:
            raise ConfigError(
                f"the Docker Engine's certificates in {folder} cannot be used: {error}",
                "DOCKER_CERT_PATH must name a folder with ca.pem, cert.pem and key.pem.",
            ) from error
        return context

    async def connect(self, make: Callable[[], P], tls: ssl.SSLContext | None) -> P:
        """A connection that `make()`'s protocol drives. Raises EngineUnavailable."""
        loop = asyncio.get_running_loop()
        try:
            if self.path:
                return (await loop.create_unix_connection(make, self.path))[1]
            transport, protocol = await loop.create_connection(make, self.host, self.port, ssl=tls)
        except OSError as error:
            raise unavailable(self, error) from error
        keep_alive(transport.get_extra_info("socket"))
        return protocol


def keep_alive(connection: socket.socket) -> None:
    """Have the kernel find out within a minute that the other machine is gone."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if hasattr(socket, "TCP_KEEPIDLE"):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _KEEPALIVE_IDLE)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, _KEEPALIVE_INTERVAL)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, _KEEPALIVE_COUNT)


def find_address(configured: str, environ: Mapping[str, str]) -> Address:
    """The engine's address: as configured, else DOCKER_HOST, else the first socket there is of the usual ones.

    Raises ConfigError when it cannot be understood.
    """
    text = configured or environ.get("DOCKER_HOST", "")
    if not text:
        return Address(path=_usual_socket(environ))
    if text.startswith("unix://") and text.removeprefix("unix://").startswith("/"):
        return Address(path=text.removeprefix("unix://"))
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise _no_address(text) from error
    if parts.scheme not in {"tcp", "http", "https"} or not parts.hostname or parts.path.strip("/"):
        raise _no_address(text)
    certificates = None
    if parts.scheme == "https" or environ.get("DOCKER_TLS_VERIFY", "") not in {"", "0"}:
        certificates = environ.get("DOCKER_CERT_PATH", "") or str(Path.home() / ".docker")
    return Address(host=parts.hostname, port=port or (2376 if certificates else 2375), certificates=certificates)


def _no_address(text: str) -> ConfigError:
    scheme, mark, rest = text.partition("://")
    shown_text = shown(scheme + mark + rest.rpartition("@")[2])
    return ConfigError(f"{shown_text} is not an address of a Docker Engine", _FORMS)


def _usual_socket(environ: Mapping[str, str]) -> str:
    usual = [DEFAULT_SOCKET, str(Path.home() / ".docker/run/docker.sock")]
    if environ.get("XDG_RUNTIME_DIR"):
        usual.insert(1, str(Path(environ["XDG_RUNTIME_DIR"]) / "docker.sock"))
    return next((path for path in usual if Path(path).is_socket()), DEFAULT_SOCKET)


def unavailable(address: Address, cause: BaseException | str) -> EngineUnavailable:
    """The error for a Docker Engine that does not answer; `cause` says why."""
    hint = "Start it (systemctl start docker); Gofer goes on by itself as soon as it answers."
    reason = _os_error(cause) if isinstance(cause, BaseException) else None
    if isinstance(reason, PermissionError):
        hint = "Allow this user to use it (usermod -aG docker USER, then log in again)."
    elif address.host:
        hint = "Check that it runs and that this address is right (DOCKER_HOST or scheduler.docker.host)."
    text = str(cause) if not isinstance(cause, BaseException) else _words(reason or cause)
    return EngineUnavailable(f"the Docker Engine at {address.text} does not answer: {text}", hint)


def _os_error(error: BaseException) -> OSError | None:
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, OSError) and seen.errno is not None and seen.strerror:
            return seen
        seen = seen.__cause__ or seen.__context__
    return None


def _words(error: BaseException) -> str:
    if isinstance(error, OSError) and error.errno is not None and error.strerror:
        # asyncio puts a sentence with the address into strerror; what the kernel says is enough.
        return os.strerror(error.errno).lower() if error.errno > 0 else error.strerror
    return str(error) or type(error).__name__
