"""The contract of an object store: it keeps contents, each named by its SHA-256 digest.

What an object is called, to which pipeline or run it belongs, its type and its age are the server's to know (table
`objects`): a store knows bytes only, so identical content is there once. The server counts who uses a content, and
deletes it when nobody does any more.

Order of calls: `open` once, then `claim`, then everything else in any order and concurrently, `close` at the end. The
server never calls `commit` and `delete` for the same digest at the same time.

After a sudden end (SIGKILL, power) at any moment every content is there whole or not at all; what an upload that was
not committed has left is removed by `open`.

Errors: `Unavailable` (and its kinds `StoreFull`, `StoreBusy`) when the store cannot work now; nothing was changed and
the call may be made again. `DamagedContent` when what is kept is not what was put there. Cancelling the calling asyncio
task is always safe: an upload whose `write` or `commit` failed or was cancelled must be aborted. A `commit` that was
cancelled, or that died with the process, may have taken effect all the same.

A digest that is not 64 lower-case hexadecimal digits is a ValueError everywhere.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import NamedTuple, Protocol

from gofer.errors import GoferError, NotFound

PIECE = 1024 * 1024
"""What an upload is handed and a download gives has at most so many bytes."""

_DIGEST = re.compile(r"[0-9a-f]{64}\Z")


class DamagedContent(GoferError):
    """The kept bytes are not those that were put there."""

    title = "Damaged object"


class Content(NamedTuple):
    """`digest`: SHA-256 in 64 lower-case hexadecimal digits; `size` in bytes."""

    digest: str
    size: int


def check_digest(digest: str) -> str:
    """The same digest. Raises ValueError for what is none: it may become a path."""
    if not _DIGEST.match(digest):
        raise ValueError(f"a digest is 64 lower-case hexadecimal digits, not {digest!r}")
    return digest


def no_content(digest: str) -> NotFound:
    """The error of `get`."""
    return NotFound(f"The object store has no content {digest}.", "Put the object again, or restore a backup.")


class Upload(Protocol):
    """A content on its way in. Used by one task only. Ends with `commit` or `abort`."""

    async def write(self, data: bytes) -> None:
        """Add at most `PIECE` bytes."""

    async def commit(self, digest: str) -> None:
        """Keep what was written as the content `digest`, which the caller has computed. On disk when this returns.

        If that content is there already, it is there once afterwards, and whole: to put it again mends what was
        damaged. Who reads it meanwhile notices nothing.
        """

    async def abort(self) -> None:
        """Drop what was written. Idempotent; does nothing after `commit`. Never raises."""


class ObjectStore(Protocol):
    """See the module's text for order, concurrency and errors."""

    @property
    def name(self) -> str:
        """The name in the registry, such as `sqlite`."""

    async def open(self) -> None:
        """Prepare. Raises ConfigError, with what to do, for a place that cannot be used at all."""

    async def close(self) -> None:
        """Free everything that lives in this process."""

    async def check(self) -> None:
        """A quick sign of life. Raises Unavailable."""

    async def claim(self, server_id: str) -> str:
        """Take the store for that server, if nobody has: whose it is then. Called after `open`, before all else.

        `server_id`: letters and digits. A store belongs to one database for good: whose names decide what stays.
        """

    async def upload(self) -> Upload:
        """Begin a content."""

    def get(self, digest: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """The bytes from `start` to before `end` (None: to the last), in pieces, in constant memory.

        A slow reader holds up nobody. Raises NotFound before the first piece if there is no such content. Whoever
        reads all of it is told by DamagedContent, at the latest instead of the last piece, if it is not what was put.
        """

    async def delete(self, digest: str) -> None:
        """Remove the content and give its room back. Idempotent. Who reads it meanwhile gets NotFound or the rest."""

    async def exists(self, digest: str) -> bool:
        """Whether there is that content."""

    def list(self, prefix: str = "") -> AsyncIterator[Content]:
        """Every content whose digest begins with `prefix`, by digest. What comes or goes meanwhile may be missing."""
