"""What is given up by calling a server in a certain way."""

from __future__ import annotations

from collections.abc import Iterator

from gofer.client.address import Address, Server
from gofer.errors import ConfigError

_WHERE = "(--insecure, GOFER_CLI_INSECURE, or insecure in ~/.gofer.hcl)"


def risks(server: Server) -> Iterator[str]:
    """Warnings for a person. Raises ConfigError where nobody can have meant it: a token in the clear, or a certificate
    that is to be checked and is not."""
    address = server.address
    if server.insecure and server.ca_file:
        raise ConfigError(
            f"insecure and ca_file are both set: with the one no certificate is checked, so that {server.ca_file} "
            "would count for nothing",
            f"Leave one of the two out {_WHERE}.",
        )
    if address.scheme == "https":
        if server.insecure:
            yield (
                f"the certificate of {address} is not checked: whoever is between here and there can read everything, "
                f"the token included, and answer in its place {_WHERE}"
            )
    elif server.token and not _is_here(address):
        if not server.insecure:
            raise ConfigError(
                f"the token would go to {address} in the clear, for everybody on the way to read",
                f"Write --host https://{address.netloc}. Only on a network that you trust: --insecure.",
            )
        yield f"the token goes to {address} in the clear: everybody on the way can read it {_WHERE}"


def _is_here(address: Address) -> bool:
    """Whether what is sent there stays on this machine."""
    if address.socket or address.host in ("localhost", "::1"):
        return True
    parts = address.host.split(".")
    return len(parts) == 4 and parts[0] == "127" and all(part.isascii() and part.isdigit() for part in parts)
