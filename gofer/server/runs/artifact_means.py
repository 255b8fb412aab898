"""What placing and collecting files have in common: of whom they speak, and patience."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Final, NamedTuple, Protocol, TypeVar

from gofer.archive.entry import Entry
from gofer.archive.tree import Limits, Tree
from gofer.config.live import Live
from gofer.engines.scheduler.base import Scheduler
from gofer.errors import EngineUnavailable, Unavailable
from gofer.models.object import Object
from gofer.models.units import format_size
from gofer.server.objects.place import Place
from gofer.server.runs.engine_watch import EngineWatch

T = TypeVar("T")

FOLDER_TYPE: Final = "application/x-tar"
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0
_NAMES_SHOWN: Final = 3


class ObjectAccess(Protocol):
    """What of `server.objects.objects.Objects` is used here; see there."""

    async def find(self, place: Place, key: str) -> Object: ...

    def held(self, place: Place, key: str) -> AbstractAsyncContextManager[Object]: ...

    def read(self, found: Object, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]: ...

    async def put(
        self,
        place: Place,
        key: str,
        chunks: AsyncIterator[bytes],
        *,
        content_type: str = ...,
        force: bool = ...,
        digest: str | None = ...,
        size: int | None = ...,
        by: str = ...,
    ) -> tuple[Object, bool]: ...


class Means(NamedTuple):
    """One attempt's. `note` writes a line into its log; `by` is who puts its objects; `container` is its name."""

    objects: ObjectAccess
    scheduler: Scheduler
    watch: EngineWatch
    live: Live
    note: Callable[[str], Awaitable[None]]
    run: Place
    by: str
    container: str

    @property
    def pipeline(self) -> Place:
        """Where the objects of the pipeline are."""
        return self.run._replace(run=None)

    def limits(self) -> Limits:
        """Of one archive, as they are now."""
        settings = self.live.settings.object_store
        return Limits(settings.max_object_bytes, settings.max_archive_files)

    async def with_store(self, make: Callable[[], Awaitable[T]]) -> T:
        """The result of `make()`, made again for as long as the object store cannot work. An engine that is away is
        the caller's affair."""
        pause, told = _FIRST_PAUSE, False
        while True:
            try:
                return await make()
            except EngineUnavailable:
                raise
            except Unavailable as error:
                if not told:
                    told = True
                    await self.note(f"waiting for the object store: {error.message}")
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)

    async def with_both(self, make: Callable[[], Awaitable[T]]) -> T:
        """The same for a call that needs the engine too, waiting for either."""
        return await self.watch.call(lambda: self.with_store(make))


class LeftOut:
    """Collects what could not be taken along, for one line in the log."""

    def __init__(self) -> None:
        self._reasons: list[str] = []
        self._count = 0

    def __call__(self, entry: Entry, reason: str) -> None:
        self._count += 1
        if self._count <= _NAMES_SHOWN:
            self._reasons.append(reason.rstrip("."))

    def text(self) -> str:
        """A sentence's end; nothing where nothing was left out."""
        if not self._count:
            return ""
        more = f" and {self._count - _NAMES_SHOWN} more" if self._count > _NAMES_SHOWN else ""
        return f"; left out: {'; '.join(self._reasons)}{more}"


class Stopwatch:
    """Counts from when it is made."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    def __str__(self) -> str:
        return f"{time.monotonic() - self._began:.2f} s"


def files_text(tree: Tree) -> str:
    """Such as `12 KiB in 3 files and folders`."""
    what = "file or folder" if tree.entries == 1 else "files and folders"
    return f"{format_size(tree.bytes)} in {tree.entries} {what}"
