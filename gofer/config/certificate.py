"""The server's certificate and its key: read, proved to fit, and what the certificate says of itself."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from gofer.config.address import covers, ip_of
from gofer.errors import ConfigError

if TYPE_CHECKING:
    import ssl

DEV_ORGANIZATION: Final = "Gofer dev mode, never for production"
"""Whose certificates dev mode makes: by this they are known wherever they are."""

# OpenSSL's X509_V_FLAG_NO_CHECK_TIME, which Python does not name: an expired certificate must be readable as well.
_NO_CHECK_TIME = 0x200000
_SOON = 14 * 86_400
_TURNS = 8
_MAX_BYTES = 1024 * 1024


class Certificate(NamedTuple):
    """`context` serves it. Times in seconds since the Unix epoch; `names` are the hosts that it is good for.
    `fingerprint`: SHA-256, in hexadecimal digits. `is_dev`: dev mode has made it, whoever keeps it where.
    """

    context: ssl.SSLContext
    not_before: int
    not_after: int
    names: tuple[str, ...]
    fingerprint: str
    is_dev: bool

    def doubts(self, host: str, now: float) -> list[str]:
        """What clients may refuse: sentences without a hint. `host`: the name under which the server is called; empty
        if nobody can tell."""
        found = []
        day = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(self.not_after))
        if now < self.not_before:
            begin = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(self.not_before))
            found.append(f"the certificate is not valid before {begin}")
        if now > self.not_after:
            found.append(f"the certificate has expired, on {day}")
        elif now > self.not_after - _SOON:
            found.append(f"the certificate expires soon, on {day}")
        if host and not any(covers(name, host) for name in self.names):
            names = ", ".join(self.names) or "nothing"
            found.append(f'the certificate is not for "{host}", only for {names}')
        return found


def read_certificate(cert_path: Path, key_path: Path) -> Certificate:
    """The certificate that both files make. Raises ConfigError, which says which of the two is to be mended and how."""
    import ssl

    _check_file(cert_path, "server.tls_cert_path", "CERTIFICATE")
    _check_file(key_path, "server.tls_key_path", "PRIVATE KEY")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(cert_path, key_path, password=_no_password)
    except _Encrypted:
        raise ConfigError(
            f"server.tls_key_path: the key in {key_path} is encrypted",
            f"Decrypt it: openssl pkey -in {key_path} -out FILE, with FILE readable for Gofer's user only.",
        ) from None
    except ssl.SSLError as error:
        raise _unfit(cert_path, key_path, error) from None
    except OSError as error:  # removed since it was looked at, by what puts another there
        raise _unreadable("server.tls_cert_path", cert_path, error) from None
    return _described(context, cert_path)


class _Encrypted(Exception):
    """The key asks for a password."""


def _no_password() -> str:
    raise _Encrypted


def _check_file(path: Path, key: str, what: str) -> None:
    try:
        with path.open("rb") as file:
            found = f"{what}-----".encode() in file.read(_MAX_BYTES)
    except OSError as error:
        raise _unreadable(key, path, error) from None
    if not found:
        raise ConfigError(
            f"{key}: there is no {what.lower()} in {path}", f"Give a PEM file: text with a line -----BEGIN {what}-----."
        )


def _unreadable(key: str, path: Path, error: OSError) -> ConfigError:
    reason = error.strerror or str(error)
    return ConfigError(f"{key}: {path} cannot be read: {reason}", "Check the path, and that Gofer's user may read it.")


def _unfit(cert_path: Path, key_path: Path, error: ssl.SSLError) -> ConfigError:
    reason = (error.reason or str(error)).replace("_", " ").lower()
    # The second: the key is of another kind than the certificate's.
    if "mismatch" in reason or reason == "no certificate assigned":
        return ConfigError(
            f"server.tls_key_path: the key in {key_path} does not belong to the certificate in {cert_path}",
            "Give the key with which the certificate was requested; the server's own certificate must be the first "
            "in its file.",
        )
    return ConfigError(
        f"server.tls_cert_path: {cert_path} and {key_path} cannot be used: {reason}",
        "Both must be PEM files: the certificate first, then those between it and the authority; and its private key.",
    )


def _described(context: ssl.SSLContext, cert_path: Path) -> Certificate:
    """What the certificate says of itself, as a client sees it that trusts it: a handshake in memory."""
    import ssl

    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    try:
        client.load_verify_locations(cert_path)
        # The server's own certificate may be where trust begins, whoever has signed it.
        client.verify_flags = ssl.VerifyFlags(ssl.VERIFY_X509_PARTIAL_CHAIN | _NO_CHECK_TIME)
        seen = _shake_hands(context, client)
    except ssl.SSLError as error:
        reason = getattr(error, "verify_message", "") or (error.reason or str(error)).replace("_", " ").lower()
        raise ConfigError(
            f"server.tls_cert_path: no client will accept the certificate in {cert_path}: {reason}",
            "Have one made for a server (extended key usage: serverAuth).",
        ) from None
    except OSError as error:
        raise _unreadable("server.tls_cert_path", cert_path, error) from None
    told: dict[str, Any] = dict(seen.getpeercert() or {})
    return Certificate(
        context,
        ssl.cert_time_to_seconds(told["notBefore"]),
        ssl.cert_time_to_seconds(told["notAfter"]),
        tuple(_name(kind, value) for kind, value in told.get("subjectAltName", ()) if kind in ("DNS", "IP Address")),
        hashlib.sha256(seen.getpeercert(binary_form=True) or b"").hexdigest(),
        any(pair == ("organizationName", DEV_ORGANIZATION) for part in told.get("issuer", ()) for pair in part),
    )


def _name(kind: str, value: str) -> str:
    """OpenSSL writes `::1` as `0:0:0:0:0:0:0:1`."""
    return str(ip_of(value)) if kind == "IP Address" else value


def _shake_hands(server: ssl.SSLContext, client: ssl.SSLContext) -> ssl.SSLObject:
    """The client's end after it has accepted the certificate. Raises SSLError."""
    import ssl

    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        client.wrap_bio(to_client, to_server, server_side=False),
        server.wrap_bio(to_server, to_client, server_side=True),
    ]
    for turn in range(_TURNS):
        try:
            ends[turn % 2].do_handshake()
        except ssl.SSLWantReadError:
            continue
        if turn % 2 == 0:
            break
    return ends[0]
