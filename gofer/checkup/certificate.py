"""The certificate that is served, or would be."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from gofer.checkup.finding import Level, found
from gofer.config.certificate import read_certificate
from gofer.config.rules import certificate_doubts, tls_paths
from gofer.errors import ConfigError
from gofer.models.system import Check

if TYPE_CHECKING:
    from gofer.config.load import Configuration


def certificate(configuration: Configuration) -> Check:
    """Whether its files can be read, fit together, and are good for the server's name and for some time yet."""
    now = time.time()
    try:
        paths = tls_paths(configuration)
        if paths is None:
            return found("certificate", "ok", "None is served: the API speaks plain HTTP, on a loopback address.")
        read = read_certificate(*paths)
    except ConfigError as error:
        return found("certificate", "error", f"The next start or reload will fail: {error.message}.", error.hint)
    doubts = certificate_doubts(configuration, read, now)
    if doubts:
        level: Level = "error" if now > read.not_after else "warning"
        return found("certificate", level, f"{doubts[0].message}.", doubts[0].hint)
    days = int((read.not_after - now) // 86_400)
    return found("certificate", "ok", f"The certificate in {paths[0]} is good for {days} more days.")
