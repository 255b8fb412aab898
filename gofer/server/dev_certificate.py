"""Dev mode's certificate: made on the machine that serves it, for the names of that machine, and for nobody else."""

from __future__ import annotations

import datetime
import ipaddress
import os
import socket
from contextlib import suppress
from pathlib import Path

from gofer.config.address import is_ip
from gofer.config.certificate import DEV_ORGANIZATION, Certificate, read_certificate
from gofer.config.settings import Settings
from gofer.config.tls_files import dev_paths
from gofer.errors import ConfigError

_ALWAYS = ("localhost", "127.0.0.1", "::1")
_DAYS = 365
_RENEWED_BEFORE = 30 * 86_400
_CLOCKS_DIFFER = datetime.timedelta(hours=1)
_LONGEST_NAME = 64  # of a common name: RFC 5280, appendix A.1, ub-common-name


def dev_certificate(settings: Settings, now: float, host_name: str = "") -> Certificate:
    """The certificate in the server's folder; a new one where there is none, or it fits no more, or not for long.

    `now`: seconds since the Unix epoch. `host_name`: this machine's, if it is not to be looked up. Raises ConfigError
    where it cannot be kept.
    """
    cert, key = dev_paths(settings)
    names = _names(host_name or socket.gethostname())
    with suppress(ConfigError):
        kept = read_certificate(cert, key)
        if kept.is_dev and set(kept.names) == set(names) and kept.not_before <= now < kept.not_after - _RENEWED_BEFORE:
            return kept
    try:
        cert.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        made_cert, made_key = _make(names, now)
        # The key first: a certificate without its key is found out, and made anew.
        _write(key, made_key, 0o600)
        _write(cert, made_cert, 0o644)
    except OSError as error:
        raise ConfigError(
            f"server.dev_certificate: {cert.parent} cannot be written: {error.strerror or error}",
            "Mend the folder's owner, or do without: server.dev_certificate = false.",
        ) from error
    return read_certificate(cert, key)


def _names(host_name: str) -> tuple[str, ...]:
    plain = host_name.lower()
    is_name = plain.isascii() and 0 < len(plain) <= 253 and plain.replace("-", "").replace(".", "").isalnum()
    return tuple(dict.fromkeys((*_ALWAYS, plain))) if is_name and not is_ip(plain) else _ALWAYS


def _make(names: tuple[str, ...], now: float) -> tuple[bytes, bytes]:
    """A certificate that signs itself and nothing else, so that who trusts it trusts nothing more; and its key. PEM."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    title = names[-1] if len(names[-1]) <= _LONGEST_NAME else names[0]
    who = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, DEV_ORGANIZATION),
            x509.NameAttribute(NameOID.COMMON_NAME, title),
        ]
    )
    begin = datetime.datetime.fromtimestamp(now, datetime.UTC)
    alternatives = [x509.IPAddress(ipaddress.ip_address(name)) if is_ip(name) else x509.DNSName(name) for name in names]
    made = (
        x509.CertificateBuilder()
        .subject_name(who)
        .issuer_name(who)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin - _CLOCKS_DIFFER)
        .not_valid_after(begin + datetime.timedelta(days=_DAYS))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return made.public_bytes(serialization.Encoding.PEM), private


def _write(path: Path, content: bytes, mode: int) -> None:
    """Whole or not at all."""
    passing = path.with_name(f"{path.name}.new")
    with suppress(FileNotFoundError):
        passing.unlink()
    with os.fdopen(os.open(passing, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    passing.replace(path)
