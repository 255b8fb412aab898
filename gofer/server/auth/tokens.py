"""Tokens of runs: how they are made, told from other texts, and looked up.

A token is `gofer_run_`, 43 characters of base 62 for 32 bytes, and 6 for the CRC-32 of all before: a scanner that finds
one in a repository or a log can tell without asking anybody, as with the tokens of GitHub, from whom the form is taken.

The 32 bytes are HMAC-SHA256 of the attempt's unique id under a key of this server's: they cannot be told from random
ones without it, and a server that comes back knows again what it has to mask in the log of a task that still runs. The
database has SHA-256 digests of tokens only.
"""

from __future__ import annotations

import hashlib
import hmac
import zlib

from gofer.errors import NotAuthenticated
from gofer.server.auth.caller import Caller
from gofer.server.store import run_tokens
from gofer.server.store.database import Database

PREFIX = "gofer_run_"

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SECRET, _CHECK = 43, 6
_LENGTH = len(PREFIX) + _SECRET + _CHECK


def token_of(key: bytes, uid: str) -> str:
    """The token of the attempt with that unique id. `key`: 32 bytes that nobody else has."""
    secret = hmac.digest(key, uid.encode(), "sha256")
    text = PREFIX + _base62(int.from_bytes(secret, "big"), _SECRET)
    return text + _checksum(text)


def is_token(text: str) -> bool:
    """Whether `text` has the form of a token, its checksum included."""
    return (
        len(text) == _LENGTH
        and text.isascii()
        and text.startswith(PREFIX)
        and _checksum(text[:-_CHECK]) == text[-_CHECK:]
    )


def digest_of(token: str) -> bytes:
    """What the database has of it."""
    return hashlib.sha256(token.encode()).digest()


class Verifier:
    """Finds out whom a token stands for."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def caller(self, text: str) -> Caller:
        """The run and task of the token. Raises NotAuthenticated, or Unavailable if the database cannot be asked.

        The token is looked up by its digest, so how long that takes says nothing about how much of a guess was right.
        """
        if not is_token(text):
            raise NotAuthenticated(
                "This is no token that Gofer has made.", "Send it whole, as GOFER_API_TOKEN has it: Bearer gofer_run_…"
            )
        digest = digest_of(text)
        found = await self._database.read(lambda connection: run_tokens.get(connection, digest))
        if found is None:
            raise NotAuthenticated(
                "This token is dead: its run has ended.",
                "A task's token holds until its run ends. Each attempt finds its own in GOFER_API_TOKEN.",
            )
        return Caller("run", *found)


def _checksum(text: str) -> str:
    return _base62(zlib.crc32(text.encode()), _CHECK)


def _base62(number: int, length: int) -> str:
    digits = []
    for _ in range(length):
        number, digit = divmod(number, 62)
        digits.append(_DIGITS[digit])
    return "".join(reversed(digits))
