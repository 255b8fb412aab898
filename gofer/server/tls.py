"""https: a certificate that can be replaced while the server listens."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable

from gofer.config.certificate import Certificate
from gofer.config.live import Live
from gofer.config.load import Configuration
from gofer.config.rules import certificate_doubts
from gofer.config.settings import Settings
from gofer.config.tls_files import configured_certificate
from gofer.server.own_log import get_logger, says_debug


class Tls:
    """`context` is for the listener. Every new connection gets the certificate of the moment; open ones keep theirs.

    Loading another certificate into one context would keep that of another key type beside it, and a client might
    still be served the old one; so each has a context of its own, chosen as a handshake begins.
    """

    def __init__(self, certificate: Certificate) -> None:
        self._certificate = certificate
        self.on_change: Callable[[tuple[str, ...]], None] = lambda _: None
        """Is told the names of each other certificate."""
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_2
        self.context.sni_callback = self._choose
        self.context.sslobject_class = _Told

    def use(self, certificate: Certificate) -> bool:
        """Serve this one from now on. Says whether it is another than before."""
        changed = certificate.fingerprint != self._certificate.fingerprint
        self._certificate = certificate
        self.on_change(certificate.names)
        return changed

    @property
    def names(self) -> tuple[str, ...]:
        """The hosts that the certificate of the moment is good for."""
        return self._certificate.names

    def _choose(self, connection: ssl.SSLObject | ssl.SSLSocket, _name: str | None, _context: ssl.SSLContext) -> None:
        connection.context = self._certificate.context


class _Told(ssl.SSLObject):
    """One end of a connection. Says in the log why no connection came about: to a server that is asked at night why a
    client cannot reach it, nothing else is left of that."""

    def do_handshake(self) -> None:
        try:
            super().do_handshake()
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise
        except ssl.SSLError as error:
            if says_debug():
                reason = (error.reason or str(error)).replace("_", " ").lower()
                get_logger("gofer").debug("a client did not come through the TLS handshake", reason=_meaning(reason))
            raise


def _meaning(reason: str) -> str:
    """What OpenSSL says, and what it comes from where that is not plain."""
    for word, meaning in (
        ("unsupported protocol", "it speaks no TLS 1.2 or newer"),
        ("version too low", "it speaks no TLS 1.2 or newer"),
        ("http request", "it speaks plain HTTP"),
        ("unknown ca", "it does not trust the certificate"),
        ("bad certificate", "it does not trust the certificate"),
        ("certificate unknown", "it does not trust the certificate"),
    ):
        if word in reason:
            return f"{reason}: {meaning}"
    return reason


def open_tls(live: Live) -> Tls | None:
    """What the settings say; None for plain http. Raises ConfigError for files that cannot be served.

    What clients may refuse, such as a certificate that has expired, is a warning in the log.
    """
    configuration = Configuration(live.settings, live.sources)
    certificate = served_certificate(live.settings)
    if certificate is None:
        return None
    for doubt in certificate_doubts(configuration, certificate, time.time()):
        get_logger("gofer").warning(doubt.message, place=doubt.place, hint=doubt.hint)
    return Tls(certificate)


def served_certificate(settings: Settings) -> Certificate | None:
    """The configured one, or dev mode's, which is made if need be; None for plain http. Raises ConfigError."""
    certificate = configured_certificate(settings)
    if certificate is None and settings.server.dev_certificate:
        from gofer.server.dev_certificate import dev_certificate

        return dev_certificate(settings, time.time())
    return certificate
