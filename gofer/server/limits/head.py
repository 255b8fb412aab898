"""What a request's head may say about its body: two programs that disagree on where a request ends can be played off
against each other (request smuggling).

httptools refuses most of it by itself: two Content-Length headers, one beside Transfer-Encoding, folded headers, bare
CR or LF, NUL and other control characters. This is what it lets through.
"""

from __future__ import annotations

from collections.abc import Sequence

from gofer.errors import BadRequest
from gofer.server.limits.answers import malformed

# More digits than any file has bytes, and few enough for int().
_DIGITS = 19


def check_header(name: bytes, value: bytes) -> None:
    """`name` in small letters. Raises BadRequest."""
    if name == b"content-length":
        if len(value) > _DIGITS:
            raise malformed("an impossible Content-Length")
    elif name == b"transfer-encoding" and value.strip().lower() != b"chunked":
        raise malformed("a Transfer-Encoding other than chunked")


def check_head(version: str, url: bytes, headers: Sequence[tuple[bytes, bytes]], *, upgrades: bool) -> None:
    """The whole head; `upgrades`: it asks for another protocol. Raises BadRequest."""
    if version not in ("1.1", "1.0"):
        raise malformed(f"version {version} of HTTP")
    if not url.startswith(b"/"):
        _check_target(url, headers)
    if version == "1.0" or upgrades:
        for name, value in headers:
            if name == b"transfer-encoding":
                raise malformed("a Transfer-Encoding where none may be")
            if upgrades and name == b"content-length" and value.strip(b"0 \t"):
                raise malformed("a body together with an Upgrade")


def _check_target(url: bytes, headers: Sequence[tuple[bytes, bytes]]) -> None:
    """`*`, or an absolute one that names the same host as the Host header: else one could be checked and the other
    meant (RFC 9112, 3.2.2)."""
    if url == b"*":
        return
    scheme, separator, rest = url.partition(b"://")
    if not separator or scheme.lower() not in (b"http", b"https"):
        raise malformed("a target that is no path")
    authority = rest.partition(b"/")[0].partition(b"?")[0]
    hosts = [value for name, value in headers if name == b"host"]
    if hosts != [authority]:
        raise malformed("a target on another host than the Host header names")


def problem_of(error: BaseException) -> BadRequest:
    """The problem for what httptools refuses."""
    text = str(error).rstrip(".")
    return malformed(text[:1].lower() + text[1:] if text else "it cannot be read")
