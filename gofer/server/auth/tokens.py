"""Tokens: how they are made and told from other texts, and how that of a run is looked up.

A token is `gofer_`, its kind and `_`, 43 characters of base 62 for 32 bytes, and 6 for the CRC-32 of all before: a
scanner that finds one in a repository or a log can tell without asking anybody, as with the tokens of GitHub, from whom
the form is taken. The database has SHA-256 digests of tokens only.

The 32 bytes are random, but those of a run or a trigger: HMAC-SHA256 of the unique id of the attempt, or of the
trigger's start, under a key of this server's. They
cannot be told from random ones without it, and a server that comes back knows again what it has to mask in the log of a
task that still runs.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import zlib
from typing import Literal

Kind = Literal["management", "client", "session", "run", "trigger"]

_PREFIXES: dict[str, Kind] = {f"gofer_{kind}_": kind for kind in ("management", "client", "session", "run", "trigger")}
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SECRET, _CHECK = 43, 6
_LIKE = re.compile(rf"(gofer_(?:management|client|session|run|trigger)_)[0-9A-Za-z]{{{_SECRET + _CHECK}}}")


def new_token(kind: Kind) -> str:
    """A token that nobody has, and nobody can guess."""
    return _written(kind, os.urandom(32))


def token_of(key: bytes, uid: str) -> str:
    """The token of the attempt with that unique id. `key`: 32 bytes that nobody else has."""
    return _written("run", hmac.digest(key, uid.encode(), "sha256"))


def trigger_secret(key: bytes, uid: str) -> str:
    """The secret of the start of a trigger with that unique id. `key` as of `token_of`."""
    return _written("trigger", hmac.digest(key, b"trigger " + uid.encode(), "sha256"))


def kind_of(text: str) -> Kind | None:
    """The kind of a token; None for a text that has not the form of one, checksum included."""
    prefix, rest = text[: -_SECRET - _CHECK], text[-_SECRET - _CHECK :]
    if not text.isascii() or len(rest) != _SECRET + _CHECK or _checksum(text[:-_CHECK]) != text[-_CHECK:]:
        return None
    return _PREFIXES.get(prefix)


def digest_of(token: str) -> bytes:
    """What the database has of it."""
    return hashlib.sha256(token.encode()).digest()


def hide_tokens(text: str) -> str:
    """`text` with `***` in the place of the secret of whatever looks like a token."""
    return _LIKE.sub(r"\1***", text) if "gofer_" in text else text


def _written(kind: Kind, secret: bytes) -> str:
    text = f"gofer_{kind}_" + _base62(int.from_bytes(secret, "big"), _SECRET)
    return text + _checksum(text)


def _checksum(text: str) -> str:
    return _base62(zlib.crc32(text.encode()), _CHECK)


def _base62(number: int, length: int) -> str:
    digits = []
    for _ in range(length):
        number, digit = divmod(number, 62)
        digits.append(_DIGITS[digit])
    return "".join(reversed(digits))
