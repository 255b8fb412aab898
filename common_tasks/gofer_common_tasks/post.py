"""POST over HTTP: no redirects, certificates checked, bounded in time and in what is read."""

from __future__ import annotations

import http.client
import os
import ssl
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from email.message import Message
from typing import IO, NamedTuple

from gofer_common_tasks.environment import Problem

_READ = 64 * 1024
# Where distributions keep the authorities that they trust: a program that brings its own OpenSSL looks elsewhere.
_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)


class Answer(NamedTuple):
    status: int
    body: bytes


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """What was meant for one place, with its signature or token, is not for another."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> None:
        return None


def check_url(name: str, url: str) -> str:
    """The address, if it is one of http or https. Never shows it: it may be a secret. Raises Problem."""
    try:
        parts = urllib.parse.urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        good = False
    if not good or not url.isprintable() or " " in url:
        raise Problem(f"{name} is to be an address such as https://example.org/path")
    return url


def post(url: str, body: bytes, headers: Mapping[str, str], *, timeout: float) -> Answer:
    """Whatever answers. Raises Problem, which never has the address in it: those of webhooks are secrets."""
    request = urllib.request.Request(url, body, dict(headers), method="POST")  # noqa: S310 - checked by check_url
    handlers: list[urllib.request.BaseHandler] = [_NoRedirects()]
    if url.startswith("https:"):
        handlers.append(urllib.request.HTTPSHandler(context=context()))
    host = urllib.parse.urlsplit(url).hostname
    try:
        return _asked(urllib.request.build_opener(*handlers), request, timeout)
    except TimeoutError:
        raise Problem(f"{host} has not answered within {timeout:g} seconds") from None
    except (urllib.error.URLError, http.client.HTTPException, OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        if isinstance(reason, TimeoutError):
            raise Problem(f"{host} has not answered within {timeout:g} seconds") from None
        raise Problem(f"{host} cannot be reached: {reason}") from None


def _asked(opener: urllib.request.OpenerDirector, request: urllib.request.Request, timeout: float) -> Answer:
    try:
        with opener.open(request, timeout=timeout) as answer:
            return Answer(answer.status, answer.read(_READ))
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, error.read(_READ))


def context() -> ssl.SSLContext:
    """Checks certificates, by what this machine trusts or SSL_CERT_FILE says."""
    known = ssl.get_default_verify_paths()
    if known.cafile or known.capath:
        return ssl.create_default_context()
    return ssl.create_default_context(cafile=next((bundle for bundle in _BUNDLES if os.path.exists(bundle)), None))


def shown(body: bytes) -> str:
    """The beginning of an answer, on one line, for the log."""
    text = " ".join(body[:300].decode(errors="replace").split())
    return "".join(c for c in text if c.isprintable())[:200]
