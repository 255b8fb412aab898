"""Files into a container that has not been started, and out of one that has ended.

The engine unpacks and packs them itself: PUT and GET of /containers/{id}/archive, which follow no link out of the
container. https://docs.docker.com/reference/api/engine/, "Extract an archive of files or folders to a directory in a
container" and "Get an archive of a filesystem resource in a container".
"""

from __future__ import annotations

import posixpath
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing
from typing import Any, Final

from gofer.archive.entry import Entry, Member, Members, nothing, visible
from gofer.archive.tar_stream import read_tar, write_tar
from gofer.engines.scheduler.docker_client import Client, PathStat
from gofer.engines.scheduler.docker_errors import ApiError, plain
from gofer.engines.scheduler.docker_users import find_owner, needs_lookup
from gofer.errors import Conflict, EngineUnavailable, GoferError, InvalidArchive, NotFound, StartFailed
from gofer.models.status import Reason

_LARGEST_LIST_OF_USERS: Final = 1024 * 1024
_FOLDER_MODE: Final = 0o755


class DockerFiles:
    """Implements `Files` for the created container `container`, of which `config` is what the engine says."""

    def __init__(self, client: Client, container: str, config: Mapping[str, Any]) -> None:
        self._client = client
        self._container = container
        self._config = config
        self._owner: tuple[int, int] | None = None

    def check(self, path: str) -> None:
        """Anything may be possible."""

    async def put(self, path: str, members: Members) -> None:
        target = absolute(path, self._config)
        try:
            if self._owner is None:
                self._owner = await self._find_owner()
            there, missing = await self._deepest(target)
            # By itself and small: what the engine refuses at once it can then say, with nothing more on the way.
            await self._send(there, _folders(missing))
            await self._send(there, _below("/".join(missing), members))
        except ApiError as error:
            raise self._refused(target, error) from error

    async def _send(self, folder: str, members: Members) -> None:
        assert self._owner is not None
        await self._client.put_archive(self._container, folder, write_tar(members, self._owner))

    async def _deepest(self, target: str) -> tuple[str, list[str]]:
        """The folder nearest to the target that is there, and what is missing below it."""
        missing: list[str] = []
        while target != "/":
            found = await self._stat(target)
            if found is not None:
                self._check_folder(target, found)
                break
            target, name = posixpath.split(target)
            missing.insert(0, name)
        return target, missing

    async def _stat(self, path: str) -> PathStat | None:
        try:
            return await self._client.stat(self._container, path)
        except ApiError as error:
            if _is_absent(error):
                return None
            raise

    def _check_folder(self, path: str, found: PathStat) -> None:
        if not (found.is_folder or found.is_link):
            raise _no_place(path, "it is no folder there")

    async def _find_owner(self) -> tuple[int, int]:
        user = str(self._config.get("User") or "")
        lists = {name: await self._small_file(name) for name in needs_lookup(user)}
        return find_owner(user, lists)

    async def _small_file(self, path: str) -> bytes:
        """A file of the container's image; nothing where there is none."""
        data = b""
        try:
            async with self._client.archive(self._container, path) as chunks:
                async for entry, content in read_tar(chunks):
                    if entry.kind != "file" or entry.size > _LARGEST_LIST_OF_USERS:
                        break
                    data = b"".join([piece async for piece in content])
        except ApiError as error:
            if error.passes:
                raise
        except InvalidArchive:
            return b""
        return data

    def _refused(self, target: str, error: ApiError) -> GoferError:
        if error.passes or error.status == 404:
            # It cannot be the path: that was looked at before.
            return EngineUnavailable(f"the Docker Engine could not take files for a container: {plain(error.message)}")
        return _no_place(target, plain(error.message))


async def collect(client: Client, name: str, path: str) -> AsyncGenerator[Member, None]:
    """See `base.Scheduler.collect`."""
    found = await client.inspect(name)
    if found is None:
        raise NotFound("the container is not there any more", "Somebody has removed it.")
    target = absolute(path, found["Config"])
    try:
        async with client.archive(name, target) as chunks, aclosing(_whole(read_tar(chunks))) as members:
            async for member in members:
                yield member
    except ApiError as error:
        if _is_absent(error):
            raise NotFound(f"there is no {visible(target)} in the container") from error
        raise


def _is_absent(error: ApiError) -> bool:
    """Whether there is nothing at a path: where a file stands in a folder's place, the engine has its own error."""
    return error.status == 404 or (error.status == 500 and "not a directory" in error.message)


async def _whole(members: Members) -> AsyncGenerator[Member, None]:
    """The members; that their stream ends too soon can only mean that the engine could not read on."""
    try:
        async for member in members:
            yield member
    except InvalidArchive as error:
        raise Conflict("the engine could not read it to its end", "Something has changed it meanwhile.") from error


def absolute(path: str, config: Mapping[str, Any]) -> str:
    """Where a path is in a container."""
    return posixpath.normpath(posixpath.join("/", str(config.get("WorkingDir") or ""), path))


async def _folders(names: list[str]) -> AsyncIterator[Member]:
    for end in range(1, len(names) + 1):
        yield Member(Entry("/".join(names[:end]), "folder", mode=_FOLDER_MODE), nothing())


async def _below(folder: str, members: Members) -> AsyncIterator[Member]:
    prefix = f"{folder}/" if folder else ""
    async for entry, content in members:
        target = prefix + entry.target if entry.kind == "hard_link" else entry.target
        yield Member(entry._replace(name=prefix + entry.name, target=target), content)


def _no_place(path: str, why: str) -> StartFailed:
    return StartFailed(
        f"nothing can be placed in {visible(path)} of the container: {why}",
        "Name a folder that the image has, or one that can be made, and that is not mounted read-only.",
        reason=Reason.INPUT_FAILED,
    )
