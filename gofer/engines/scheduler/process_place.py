"""Files for a job, placed in the folder that becomes its scratch folder before its shim hears of it.

Until then nothing of the job exists: should Gofer die meanwhile, the folder is swept up with what spare shims left.
"""

from __future__ import annotations

import asyncio
import errno
import os
import posixpath
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Final

from gofer.archive.entry import Members, encoded, visible
from gofer.engines.scheduler.base import PlaceFiles
from gofer.engines.scheduler.process_launcher import unavailable
from gofer.engines.scheduler.process_leftovers import delete_folder
from gofer.engines.scheduler.process_order import Order, Owner
from gofer.engines.scheduler.process_thread import in_thread, open_in_thread
from gofer.engines.scheduler.process_write import Small, Writer, make_folder, open_below
from gofer.errors import GoferError, InvalidInput, StartFailed
from gofer.models.status import Reason

# So many small files, or bytes of them, are written in one go in a thread.
_AT_ONCE: Final = 128
_BYTES_AT_ONCE: Final = 1024 * 1024
_NO_PLACE: Final = {errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ELOOP, errno.ENAMETOOLONG, errno.EILSEQ}


async def prepare(spare: str, order: Order, place: PlaceFiles) -> str:
    """A new folder below `spare` in which everything stands that is to be placed; raises what `place` raises.

    Its name is like that of what a spare shim prepares, so it is swept up with those when no shim answers for it.
    """
    folder = f"{spare}/{secrets.token_hex(16)}.work"
    try:
        Path(folder).mkdir(mode=0o700)
    except OSError as error:
        raise unavailable(error) from error
    try:
        await place(ProcessFiles(folder, order.directory, order.owner))
    except BaseException:
        await asyncio.shield(asyncio.to_thread(delete_folder, Path(folder)))
        raise
    return folder


async def drop(prepared: str) -> None:
    """Delete what was prepared, unless it is a scratch folder now."""
    if prepared:
        await asyncio.to_thread(delete_folder, Path(prepared))


class ProcessFiles:
    """Implements `Files` for the folder `root`. `directory`: the job's working directory; `owner`: whose it will be."""

    def __init__(self, root: str, directory: str, owner: Owner | None) -> None:
        self._root = root
        self._directory = directory
        self._owner = owner

    def check(self, path: str) -> None:
        self._within(path)

    async def put(self, path: str, members: Members) -> None:
        where = self._within(path)
        try:
            folder = await open_in_thread(lambda: self._open(where))
        except OSError as error:
            raise _failed(path, error) from error
        writer = Writer(folder, self._owner)
        try:
            await _write_all(writer, path, members)
        finally:
            writer.close()

    def _within(self, path: str) -> str:
        try:
            return within_scratch(self._directory, path)
        except InvalidInput as error:
            raise StartFailed(error.message, error.hint, reason=Reason.INPUT_FAILED) from error

    def _open(self, where: str) -> int:
        root = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            return open_below(root, encoded(where), lambda name, fd: make_folder(name, fd, self._owner))
        finally:
            os.close(root)


def within_scratch(directory: str, path: str) -> str:
    """Where a path is in the scratch folder of a job with this working directory. Raises InvalidInput."""
    where = posixpath.normpath(posixpath.join(directory, path))
    if where.startswith("/") or where.split("/")[0] == "..":
        raise InvalidInput(
            f"{visible(path)} is not in the task's scratch folder, and the process engine neither places nor collects "
            "files anywhere else",
            "Use a relative path, and leave the working directory out: that means the same on the docker engine.",
        )
    return where


async def _write_all(writer: Writer, path: str, members: Members) -> None:
    held: list[Small] = []
    size = 0

    async def flush() -> None:
        nonlocal size
        batch, size = held.copy(), 0
        held.clear()
        await _in_thread(path, lambda: writer.write(batch))

    async for entry, content in members:
        if entry.kind == "file" and entry.size > _BYTES_AT_ONCE:
            await flush()
            await _in_thread(path, lambda entry=entry: writer.begin(entry))  # type: ignore[misc]
            async for piece in content:
                await _in_thread(path, lambda piece=piece: writer.add(piece))  # type: ignore[misc]
            await _in_thread(path, lambda entry=entry: writer.end(entry))  # type: ignore[misc]
            continue
        held.append(Small(entry, b"".join([piece async for piece in content])))
        size += entry.size
        if len(held) == _AT_ONCE or size >= _BYTES_AT_ONCE:
            await flush()
    await flush()


async def _in_thread(path: str, work: Callable[[], None]) -> None:
    try:
        await in_thread(work)
    except OSError as error:
        raise _failed(path, error) from error


def _failed(path: str, error: OSError) -> GoferError:
    if error.errno not in _NO_PLACE:
        return unavailable(error)
    return StartFailed(
        f"nothing can be placed in {visible(path)}: {error.strerror or error}",
        "Something else was placed there before; give each input a place of its own.",
        reason=Reason.INPUT_FAILED,
    )
