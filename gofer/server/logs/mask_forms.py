"""The forms of a value that are hidden: as it is, and as programs commonly write it. docs/masking.md has the rules."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus

SHORTEST = 4
"""Bytes. What is shorter is not hidden: it would hide much that is no secret."""

_URL_ALPHABET = bytes.maketrans(b"+/", b"-_")

_WRAPS = (76, 64)
"""Columns at which base64 is wrapped: MIME (RFC 2045) and `base64`; PEM (RFC 7468) and `openssl base64`."""

# What no URL, JSON or shell writes in another way.
_PLAIN = re.compile(rb"[A-Za-z0-9_.-]*")

# What encoders leave as it is, beside letters, digits and `-._`: RFC 3986, paths, JavaScript's encodeURIComponent,
# its encodeURI, Java's URLEncoder (which encodes `~`).
_URL_SAFE = ("", "/", "!~*'()", ";/?:@&=+$,#!~*'()", "*")
_ESCAPE = re.compile(r"%[0-9A-F]{2}")
_UNICODE_ESCAPE = re.compile(r"\\u[0-9a-f]{4}")

# bash, lib/sh/shquote.c: what `printf %q` puts a backslash before; `,` since 4.3, `#` only at the beginning, `~` there
# and after `:` and `=`.
_BACKSLASHED = re.compile(r"([ \t\n!\"$&'()*,;<>?\[\\\]^`{|}#~])")
_BARE_WITHIN = re.compile(r"(?<!^)\\(#|(?<![:=]\\)~)")
_DOUBLE_QUOTED = re.compile(r"([$`\"\\])")
_ANSI = {7: r"\a", 8: r"\b", 9: r"\t", 10: r"\n", 11: r"\v", 12: r"\f", 13: r"\r", 27: r"\E", 39: r"\'", 92: r"\\"}


def forms(values: Iterable[str]) -> set[bytes]:
    """Everything to hide for these values, each form `SHORTEST` bytes or longer."""
    found: set[bytes] = set()
    for value in values:
        for text in _texts(value):
            found.update(_forms(text))
    return {form for form in found if len(form) >= SHORTEST}


def is_hidden(value: str) -> bool:
    """Whether a value is long enough, and more than white space."""
    return len(_bytes(value)) >= SHORTEST and not value.isspace()


def _texts(value: str) -> Iterator[str]:
    """The value, without line ends around it, and each of its lines; of lines also without the white space around."""
    seen = {value: None, value.strip("\r\n"): None}
    for line in value.split("\n") if "\n" in value else ():
        seen[line.strip("\r")] = None
        seen[line.strip()] = None
    return filter(is_hidden, seen)


def _forms(text: str) -> Iterator[bytes]:
    data = _bytes(text)
    yield data
    yield data.hex().encode()
    yield data.hex().upper().encode()
    yield from _base64(data)
    if _PLAIN.fullmatch(data):
        return
    for one in (*_url(data), *_json(text), *_shell(text)):
        yield _bytes(one)


def _base64(data: bytes) -> Iterator[bytes]:
    """What base64 (both alphabets) makes of `data` within any text, and at the end of one."""
    for before in range(3):
        # Each character stands for six bits; those that have bits of a neighbour are left out.
        begin, end = -(-8 * before // 6), 8 * (before + len(data)) // 6
        padded = bytes(before) + data
        inner = base64.b64encode(padded + bytes(3))[begin:end]
        ends = [base64.b64encode(padded + newline)[begin:] for newline in (b"", b"\n", b"\r\n")]
        encoded = {inner, *ends, *(one.rstrip(b"=") for one in ends)}
        if before == 0:
            encoded.update(line for one in list(encoded) for line in _wrapped(one))
        for one in encoded:
            yield one
            yield one.translate(_URL_ALPHABET)


def _wrapped(encoded: bytes) -> Iterator[bytes]:
    """The lines of a base64 text that begins with the value; the last with the one before it, if it is short."""
    for width in _WRAPS:
        if len(encoded) > width:
            lines = [encoded[begin : begin + width] for begin in range(0, len(encoded), width)]
            yield from lines
            if len(lines[-1]) < SHORTEST:
                yield b"\n".join(lines[-2:])
                yield b"\r\n".join(lines[-2:])


def _url(data: bytes) -> Iterator[str]:
    for safe in _URL_SAFE:
        for one in (quote(data, safe), quote_plus(data, safe)):
            for encoded in (one, one.replace("~", "%7E")):
                yield encoded
                yield _ESCAPE.sub(lambda match: match[0].lower(), encoded)


def _json(text: str) -> Iterator[str]:
    """Also what Go makes (RFC 8259 leaves encoders much freedom), and Python's `repr`."""
    readable = json.dumps(text, ensure_ascii=False)[1:-1]
    ascii_only = json.dumps(text)[1:-1]
    go = readable.replace("<", r"\u003c").replace(">", r"\u003e").replace("&", r"\u0026")
    for one in (readable, ascii_only, go):
        for encoded in (one, one.replace("/", r"\/")):
            yield encoded
            yield _UNICODE_ESCAPE.sub(lambda match: r"\u" + match[0][2:].upper(), encoded)
    yield repr(text)[1:-1]
    yield repr(_bytes(text))[2:-1]


def _shell(text: str) -> Iterator[str]:
    """Within single quotes (both ways to write one), double quotes, after backslashes, and as `$'…'`."""
    yield text.replace("'", "'\"'\"'")
    yield text.replace("'", r"'\''")
    yield _DOUBLE_QUOTED.sub(r"\\\1", text)
    backslashed = _BACKSLASHED.sub(r"\\\1", text)
    within = _BARE_WITHIN.sub(r"\1", backslashed)
    for one in (backslashed, within):
        yield one
        yield one.replace("\\,", ",")
    yield "".join(_ANSI.get(ord(c), c if c.isprintable() else _octal(c)) for c in text)
    yield "".join(_ANSI.get(ord(c), c if c.isascii() and c.isprintable() else _octal(c)) for c in text)


def _octal(character: str) -> str:
    return "".join(f"\\{byte:03o}" for byte in _bytes(character))


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
