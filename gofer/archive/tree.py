"""What may be unpacked: the rules that keep every entry within the folder that it is unpacked into.

They hold whoever made the archive, and whatever unpacks it: no entry is written through a link, and no link leads out,
also not by way of other links. What passes is complete: folders that were only implied are there, and permissions are
such that their owner can read and delete all of it.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Callable
from typing import Final, NamedTuple

from gofer.archive.entry import (
    DEEPEST,
    LONGEST_NAME,
    LONGEST_PART,
    Entry,
    Kind,
    Member,
    Members,
    encoded,
    nothing,
    visible,
)
from gofer.errors import InvalidArchive, TooLarge
from gofer.models.units import format_size

_FOLDER_MODE: Final = 0o755
_MOST_OF_FOLDER: Final = 0o700
_LEAST_OF_FILE: Final = 0o400
_HINT: Final = "Such an archive is not unpacked. Make it anew from the folder that it should hold."


class Limits(NamedTuple):
    """`bytes`: of all contents together; `entries`: files, folders and links, implied folders too."""

    bytes: int
    entries: int


class Unfit(InvalidArchive):
    """One entry that cannot be taken along: something that is no file, or a link that leads out."""


LeftOut = Callable[[Entry, str], None]
"""Is told of each entry that was left out, and why."""


class Tree:
    """Judges entry after entry. Of each it keeps a digest of its name: memory is bounded by the limit of entries."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._known: dict[bytes, tuple[Kind, int]] = {}
        self._bytes = 0

    @property
    def bytes(self) -> int:
        """Of all contents so far."""
        return self._bytes

    @property
    def entries(self) -> int:
        """How many there are so far."""
        return len(self._known)

    def admit(self, entry: Entry) -> list[Entry]:
        """The entry as it may be unpacked, with folders that it implies before it; nothing if that is there already.

        Raises Unfit, InvalidArchive for what cannot be meant well, TooLarge.
        """
        parts = _parts(entry.name)
        if not parts:
            if entry.kind != "folder":
                raise _hostile(entry, "has no name")
            return []
        name = "/".join(parts)
        self._check(entry, parts)
        entry = self._linked(entry._replace(mode=_mode(entry)), parts)
        wanted = [*self._implied(parts), entry._replace(name=name)]
        if entry.kind == "folder" and self._kind(name) == "folder":
            wanted.pop()
        elif self._kind(name) is not None:
            raise _hostile(entry, "is there twice")
        for one in wanted:
            self._add(one)
        return wanted

    def _check(self, entry: Entry, parts: list[str]) -> None:
        if len(encoded(entry.name)) > LONGEST_NAME or any(len(encoded(part)) > LONGEST_PART for part in parts):
            raise _hostile(entry, "has too long a name")
        if len(parts) > DEEPEST:
            raise _hostile(entry, f"lies more than {DEEPEST} folders deep")
        if entry.kind == "special":
            raise _unfit(entry, "is a device, a named pipe or a socket")

    def _implied(self, parts: list[str]) -> list[Entry]:
        """The folders around it that have not been mentioned."""
        implied = []
        for end in range(1, len(parts)):
            folder = "/".join(parts[:end])
            kind = self._kind(folder)
            if kind is None:
                implied.append(Entry(folder, "folder", mode=_FOLDER_MODE))
            elif kind != "folder":
                raise InvalidArchive(f"The archive holds something below {visible(folder)}, which is no folder.", _HINT)
        return implied

    def _linked(self, entry: Entry, parts: list[str]) -> Entry:
        """The entry with a target that may be followed."""
        if entry.kind == "link":
            return entry._replace(target=_within(entry, parts))
        if entry.kind == "hard_link":
            target = "/".join(_parts(entry.target))
            kind, mode = self._known.get(_key(target), (None, 0))
            if kind != "file":
                raise _unfit(entry, f"is a hard link to {visible(entry.target)}, which is no file before it")
            return entry._replace(target=target, mode=mode)
        return entry._replace(target="")

    def _add(self, entry: Entry) -> None:
        if entry.kind == "file":
            self._bytes += entry.size
            if self._bytes > self._limits.bytes:
                raise TooLarge(
                    f"The files are larger than {format_size(self._limits.bytes)} together.",
                    "Take less, or have object_store.max_object_bytes raised in the server's configuration.",
                )
        if len(self._known) >= self._limits.entries:
            raise TooLarge(
                f"There are more than {self._limits.entries} files and folders.",
                "Take less, or have object_store.max_archive_files raised in the server's configuration.",
            )
        kind: Kind = "file" if entry.kind == "hard_link" else entry.kind
        self._known[_key(entry.name)] = (kind, entry.mode)

    def _kind(self, name: str) -> Kind | None:
        return self._known.get(_key(name), (None, 0))[0]


async def checked(members: Members, tree: Tree, left_out: LeftOut | None = None) -> AsyncIterator[Member]:
    """The members as they may be unpacked, by what `tree` says. Raises InvalidArchive or TooLarge at the first that
    may not.

    `left_out`: those that are unfit are left out, and it is told; otherwise they raise Unfit.
    """
    async for entry, content in members:
        try:
            admitted = tree.admit(entry)
        except Unfit as error:
            if left_out is None:
                raise
            left_out(entry, error.message)
            continue
        for one in admitted:
            yield Member(one, content if one.kind == "file" else nothing())


def _parts(name: str) -> list[str]:
    """Raises InvalidArchive for a name that leads out."""
    if name.startswith("/"):
        raise InvalidArchive(f"The archive holds {visible(name)}, an absolute name.", _HINT)
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if ".." in parts or "\0" in name:
        raise InvalidArchive(f"The archive holds {visible(name)}, which leads out of the folder.", _HINT)
    return parts


def _within(entry: Entry, parts: list[str]) -> str:
    """The target of a link if it stays in the folder however it is followed.

    `..` may stand at its beginning only, where it goes through true folders: behind another link's name it would go up
    from wherever that link leads to.
    """
    target = entry.target
    steps = [step for step in target.split("/") if step not in ("", ".")]
    up = 0
    while up < len(steps) and steps[up] == "..":
        up += 1
    if not target or target.startswith("/") or up > len(parts) - 1 or ".." in steps[up:] or "\0" in target:
        raise _unfit(entry, f"is a link to {visible(target)}, out of the folder")
    if len(encoded(target)) > LONGEST_NAME:
        raise _unfit(entry, "is a link to too long a name")
    return "/".join(steps) or "."


def _mode(entry: Entry) -> int:
    plain = entry.mode & 0o777
    if entry.kind == "folder":
        return plain | _MOST_OF_FOLDER
    return plain | _LEAST_OF_FILE if entry.kind == "file" else 0o777


def _key(name: str) -> bytes:
    return hashlib.blake2b(encoded(name), digest_size=16).digest()


def _unfit(entry: Entry, what: str) -> Unfit:
    return Unfit(f"{visible(entry.name)} {what}.", _HINT)


def _hostile(entry: Entry, what: str) -> InvalidArchive:
    return InvalidArchive(f"The archive holds {visible(entry.name)}, which {what}.", _HINT)
