"""The files of a fake container: in memory, and only what was placed or what its words have written."""

from __future__ import annotations

import posixpath
from collections.abc import AsyncGenerator

from gofer.archive.entry import Entry, Member, Members, encoded, held, visible
from gofer.errors import NotFound, StartFailed
from gofer.models.status import Reason


class FakeFiles:
    """Implements `Files`. `directory`: the working directory."""

    def __init__(self, directory: str | None) -> None:
        self._directory = directory or "/"
        self._found: dict[str, tuple[Entry, bytes]] = {}

    def check(self, path: str) -> None:
        """Anything is possible."""

    async def put(self, path: str, members: Members) -> None:
        folder = self._absolute(path)
        self._make(folder)
        async for entry, content in members:
            data = b"".join([piece async for piece in content])
            name = posixpath.join(folder, entry.name)
            if entry.kind == "hard_link":
                entry, data = self._found[posixpath.join(folder, entry.target)]
            self._make(posixpath.dirname(name))
            self._place(name, entry, data)

    def write(self, path: str, data: bytes) -> None:
        """A file, with the folders around it. Raises StartFailed if there is no place for it."""
        name = self._absolute(path)
        self._make(posixpath.dirname(name))
        self._place(name, Entry("", "file", len(data)), data)

    def read(self, path: str) -> bytes | None:
        """A file's bytes; None if there is none."""
        found = self._found.get(self._absolute(path))
        return found[1] if found is not None and found[0].kind == "file" else None

    async def collect(self, path: str) -> AsyncGenerator[Member, None]:
        """See `base.Scheduler.collect`."""
        name = self._absolute(path)
        if name not in self._found:
            raise NotFound(f"there is no {visible(name)} in the container")
        inside = [key for key in self._found if key == name or key.startswith(f"{name}/")]
        above = len(posixpath.dirname(name).rstrip("/")) + 1
        for key in sorted(inside, key=lambda key: [encoded(part) for part in key.split("/")]):
            entry, data = self._found[key]
            yield Member(entry._replace(name=key[above:]), held(data))

    def _absolute(self, path: str) -> str:
        return posixpath.normpath(posixpath.join("/", self._directory, path))

    def _make(self, folder: str) -> None:
        if folder not in ("/", ""):
            self._make(posixpath.dirname(folder))
            if folder not in self._found or self._found[folder][0].kind != "folder":
                self._place(folder, Entry("", "folder", mode=0o755), b"")

    def _place(self, name: str, entry: Entry, data: bytes) -> None:
        there = self._found.get(name)
        if there is not None and "folder" in (there[0].kind, entry.kind) and there[0].kind != entry.kind:
            raise StartFailed(
                f"nothing can be placed in {visible(name)}: something else is there",
                "Give each input a place of its own.",
                reason=Reason.INPUT_FAILED,
            )
        self._found[name] = (entry, data)
