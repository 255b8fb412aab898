"""The archive that a cache is: each of its paths, below `relative/` or `absolute/`, one after the other.

Owners are left out and times are all the same, so that unchanged files make the same bytes and are stored once.
"""

from __future__ import annotations

import posixpath
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Final

from gofer.archive.entry import Member, Members
from gofer.archive.tree import Tree, checked
from gofer.errors import InvalidArchive

# 1 January 2000. Not 1970, as there are tools that cannot pack what is older than 1980.
_TIME: Final = 946_684_800


def stored_name(path: str) -> str:
    """What a path of the container is called in the archive."""
    return f"absolute{path}" if path.startswith("/") else f"relative/{path}"


def below(name: str, members: Members) -> AsyncIterator[Member]:
    """The members of a folder whose name is `name`, as they are called in it."""
    return _renamed(members, lambda inner: inner.removeprefix(name).removeprefix("/"))


async def as_stored(path: str, first: Member, rest: Members) -> AsyncIterator[Member]:
    """A path's members, first of all the thing itself, as they stand in the archive. They are checked already."""
    name = stored_name(path)
    entry, content = first
    yield Member(entry._replace(name=name, at=_TIME), content)
    async for entry, content in _renamed(rest, lambda inner: f"{name}/{inner}"):
        yield Member(entry._replace(at=_TIME), content)


class Unpacked:
    """Reads an archive path by path. Give every path's members to its end before the next path is asked for."""

    def __init__(self, members: Members, paths: Sequence[str], tree: Callable[[], Tree]) -> None:
        """`tree`: what checks one path's members."""
        self._members = members
        self._paths = {stored_name(path): path for path in paths}
        self._tree = tree
        self._held: Member | None = None

    async def parts(self) -> AsyncIterator[tuple[str, Members]]:
        """Folders of the container, and what is to be placed in each. Raises InvalidArchive.

        What belongs to none of the paths, as the task once had others, is passed over.
        """
        while (member := await self._next()) is not None:
            name = next((n for n in self._paths if _is_at(member.entry.name, n)), None)
            if name is None:
                continue
            path = self._paths[name]
            if member.entry.name != name:
                raise InvalidArchive("The archive of a cache begins a folder in its middle.", "It is made anew.")
            if member.entry.kind == "folder":
                yield path, checked(below(name, self._while_at(name)), self._tree())
            else:
                folder, base = posixpath.split(path)
                alone = _alone(member, base)
                yield folder or ".", checked(alone, self._tree())

    async def _while_at(self, name: str) -> AsyncIterator[Member]:
        while (member := await self._next()) is not None:
            if not _is_at(member.entry.name, name):
                self._held = member
                return
            yield member

    async def _next(self) -> Member | None:
        held, self._held = self._held, None
        return held if held is not None else await anext(self._members, None)


async def _alone(member: Member, name: str) -> AsyncIterator[Member]:
    yield Member(member.entry._replace(name=name), member.content)


async def _renamed(members: Members, name: Callable[[str], str]) -> AsyncIterator[Member]:
    async for entry, content in members:
        target = name(entry.target) if entry.kind == "hard_link" else entry.target
        yield Member(entry._replace(name=name(entry.name), target=target), content)


def _is_at(name: str, path: str) -> bool:
    return name == path or name.startswith(f"{path}/")
