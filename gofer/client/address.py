"""Where the server listens, as people write it."""

from __future__ import annotations

from typing import Literal, NamedTuple

from gofer.errors import ConfigError
from gofer.models.ids import shown

DEFAULT_PORT = 8080
_HINT = 'Write "localhost:8080", "http://127.0.0.1:8080", "https://gofer.example.org" or "unix:///run/gofer.sock".'


class Address(NamedTuple):
    """Of a server. `socket` is the path of a Unix socket, empty where TCP is used."""

    scheme: Literal["http", "https"]
    host: str
    port: int
    socket: str = ""

    @property
    def netloc(self) -> str:
        """`host:port`, as the Host header carries it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    def __str__(self) -> str:
        if self.socket:
            return f"unix://{self.socket}"
        return self.netloc if self.scheme == "http" else f"https://{self.netloc}"


class Server(NamedTuple):
    """Where to connect, and as whom. `ca_file`: who has signed the server's certificate; empty: one that the system
    trusts. `insecure`: whoever has signed it, and whoever listens on the way."""

    address: Address
    token: str = ""
    ca_file: str = ""
    insecure: bool = False


def parse_address(text: str) -> Address:
    """The address that `text` names. Raises ConfigError with the accepted forms."""
    scheme, separator, rest = text.strip().partition("://")
    if not separator:
        scheme, rest = "http", text.strip()
    if scheme == "unix":
        if not rest.startswith("/"):
            raise ConfigError(f"{shown(text)} is not a server address: a Unix socket needs an absolute path", _HINT)
        return Address("http", "localhost", DEFAULT_PORT, rest)
    if scheme not in ("http", "https"):
        raise ConfigError(f"{shown(text)} is not a server address: {shown(scheme)} is not a known scheme", _HINT)
    host, port = _host_and_port(text, rest.removesuffix("/"), 443 if scheme == "https" else DEFAULT_PORT)
    return Address("https" if scheme == "https" else "http", host, port)


def parse_token(text: str) -> str:
    """The token without white space around it, as files end with a newline. Raises ConfigError, which does not show
    it, where it cannot be one: a header could not carry it."""
    token = text.strip()
    if not (token.isascii() and token.isprintable() and " " not in token):
        raise ConfigError(
            "the token is none: expected printable ASCII without spaces, of one line",
            "Look at --token-file, GOFER_CLI_TOKEN, GOFER_API_TOKEN and the `token` of the configuration file.",
        )
    return token


def _host_and_port(text: str, netloc: str, default_port: int) -> tuple[str, int]:
    if netloc.startswith("["):
        host, closed, rest = netloc[1:].partition("]")
        separator, port = (":", rest[1:]) if rest.startswith(":") else ("", rest)
        if not closed:
            host = ""
    else:
        host, separator, port = netloc.partition(":")
    if not host or not host.isprintable() or any(letter in host for letter in " /?#@"):
        raise ConfigError(f"{shown(text)} is not a server address", _HINT)
    if not separator and not port:
        return host, default_port
    if not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise ConfigError(f"{shown(text)} is not a server address: {shown(port)} is not a port", _HINT)
    return host, int(port)
