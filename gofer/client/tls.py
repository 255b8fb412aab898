"""https on the client's side: whom to trust, and what to say when trust fails. Imported only for https."""

from __future__ import annotations

import http.client
import socket
import ssl
from pathlib import Path

from gofer.client.address import Address, Server
from gofer.client.answers import Untrusted
from gofer.errors import ClientError, ConfigError

# Where the systems keep the authorities that they trust: Debian, Fedora, openSUSE, Alpine. OpenSSL knows its own place
# only, which in the one-file program is that of the machine where it was built.
_SYSTEM_FILES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)


def context_for(server: Server) -> ssl.SSLContext:
    """What checks the server's certificate: against its `ca_file` (PEM), or the system's authorities if that is empty;
    or what does not check it.

    Raises ConfigError where the file is none.
    """
    ca_file = server.ca_file
    if server.insecure:
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    if not ca_file:
        context = ssl.create_default_context()
        known = ssl.get_default_verify_paths()
        if not known.cafile and not known.capath:
            for path in _SYSTEM_FILES:
                if Path(path).is_file():
                    context.load_verify_locations(path)
                    break
        return context
    try:
        return ssl.create_default_context(cafile=ca_file)
    except ssl.SSLError as error:
        raise ConfigError(
            f"ca_file: there is no certificate in {ca_file} that can be read",
            "Give a PEM file: -----BEGIN CERTIFICATE-----.",
        ) from error
    except OSError as error:
        raise ConfigError(
            f"ca_file: {ca_file} cannot be read: {error.strerror}",
            "Check --ca-file, GOFER_CLI_CA_FILE or ca_file in ~/.gofer.hcl.",
        ) from error


def refused(address: Address, error: ssl.SSLError) -> ClientError:
    """The error for a handshake that failed."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _untrusted(address, error)
    if error.reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE"):
        plain = f"http://{address.netloc}"
        return Untrusted(
            f"the server at {address} does not speak https", f"Call it by its plain address: --host {plain}"
        )
    reason = (error.reason or str(error)).replace("_", " ").lower()
    return ClientError(f"no secure connection to {address}: {reason}", "Does a Gofer server listen there?")


def _untrusted(address: Address, error: ssl.SSLCertVerificationError) -> Untrusted:
    reason = error.verify_message.rstrip(".")
    if "mismatch" in reason.lower() or "doesn't match" in reason:
        return Untrusted(
            f"the certificate of {address} is for another name: {reason}",
            "Call the server by a name in its certificate (--host https://NAME:PORT), or have one made for this name.",
        )
    if "expired" in reason or "not yet valid" in reason:
        return Untrusted(
            f"the certificate of {address} is not valid now: {reason}",
            "Have it renewed, then run `systemctl reload gofer` on the server, or start Gofer again there: no job ends "
            "by that. And check this machine's clock.",
        )
    return Untrusted(
        f"the certificate of {address} is not trusted: {reason}",
        "If the server is yours, give the certificate of the authority that signed its own: --ca-file FILE, "
        "GOFER_CLI_CA_FILE, or ca_file in ~/.gofer.hcl.",
    )


class TlsConnection(http.client.HTTPConnection):
    """HTTP over TLS."""

    def __init__(self, address: Address, timeout: float, context: ssl.SSLContext) -> None:
        super().__init__(address.host, address.port, timeout=timeout)
        self._context = context

    def connect(self) -> None:
        super().connect()
        plain: socket.socket = self.sock
        try:
            self.sock = self._context.wrap_socket(plain, server_hostname=self.host)
        except BaseException:
            plain.close()
            self.sock = None
            raise
