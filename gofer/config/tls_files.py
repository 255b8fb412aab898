"""Which certificate the settings mean, and what they forbid about it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from gofer.config.certificate import Certificate, read_certificate
from gofer.errors import ConfigError

if TYPE_CHECKING:
    from gofer.config.settings import Settings

DEV_FOLDER: Final = "dev-tls"
_PATHS = "Set both for https, or none of them for http."


def dev_paths(settings: Settings) -> tuple[Path, Path]:
    """Where dev mode keeps its certificate and the key of that."""
    folder = settings.server.storage_path / DEV_FOLDER
    return folder / "certificate.pem", folder / "key.pem"


def tls_paths(settings: Settings) -> tuple[Path, Path] | None:
    """Certificate and key that are configured, if the server is to serve such ones.

    Raises ConfigError, whose message begins with the setting, where only one of the two is set, or where dev mode's
    certificate is wanted and may not be.
    """
    server = settings.server
    cert, key = server.tls_cert_path, server.tls_key_path
    if server.dev_certificate:
        if not settings.dev_mode:
            raise ConfigError(
                "server.dev_certificate is set, but dev_mode is false: nobody vouches for a certificate that the "
                "server makes for itself",
                "Set server.tls_cert_path and server.tls_key_path.",
            )
        if cert is not None or key is not None:
            raise ConfigError(
                "server.dev_certificate is set, and so is a certificate: only one can be served",
                "Remove server.dev_certificate, or server.tls_cert_path and server.tls_key_path.",
            )
        return None
    if cert is not None and key is not None:
        return cert, key
    if cert is None and key is None:
        return None
    missing, given = ("tls_key_path", "tls_cert_path") if key is None else ("tls_cert_path", "tls_key_path")
    raise ConfigError(f"server.{given} is set, but server.{missing} is not", _PATHS)


def configured_certificate(settings: Settings) -> Certificate | None:
    """The one that `tls_paths` names. Raises ConfigError, also for dev mode's certificate outside dev mode."""
    paths = tls_paths(settings)
    if paths is None:
        return None
    certificate = read_certificate(*paths)
    if certificate.is_dev and not settings.dev_mode:
        raise ConfigError(
            f"server.tls_cert_path: {paths[0]} is a certificate that dev mode has made: nobody vouches for it",
            "Have one made by an authority that the clients trust.",
        )
    return certificate
