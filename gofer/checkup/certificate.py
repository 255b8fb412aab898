"""The certificate that is served, or would be."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from gofer.checkup.finding import Level, found
from gofer.config.certificate import read_certificate
from gofer.config.rules import certificate_doubts
from gofer.config.tls_files import configured_certificate, dev_paths
from gofer.errors import ConfigError
from gofer.models.system import Check

if TYPE_CHECKING:
    from gofer.config.load import Configuration


def certificate(configuration: Configuration) -> Check:
    """Whether its files can be read, fit together, and are good for the server's name and for some time yet."""
    settings = configuration.settings
    if settings.dev_mode and settings.server.dev_certificate:
        return _of_dev_mode(configuration)
    now = time.time()
    try:
        read = configured_certificate(settings)
    except ConfigError as error:
        return found("certificate", "error", f"The next start or reload will fail: {error.message}.", error.hint)
    if read is None:
        return found("certificate", "ok", "None is served: the API speaks plain HTTP.")
    doubts = certificate_doubts(configuration, read, now)
    if doubts:
        level: Level = "error" if now > read.not_after else "warning"
        return found("certificate", level, f"{doubts[0].message}.", doubts[0].hint)
    days = int((read.not_after - now) // 86_400)
    path = settings.server.tls_cert_path
    return found("certificate", "ok", f"The certificate in {path} is good for {days} more days.")


def _of_dev_mode(configuration: Configuration) -> Check:
    path, key = dev_paths(configuration.settings)
    try:
        read = read_certificate(path, key)
    except ConfigError:
        return found("certificate", "ok", f"Dev mode makes one at the next start, in {path}.")
    days = int((read.not_after - time.time()) // 86_400)
    message = f"Dev mode's own, in {path}, is good for {days} more days; a start or a reload renews it."
    return found("certificate", "ok", message)
