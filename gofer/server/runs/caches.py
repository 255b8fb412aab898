"""Caches: folders of a task that are kept from run to run. Nothing about them ever fails a task."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from functools import partial

from gofer.archive.entry import Member
from gofer.archive.tar_stream import read_tar, write_tar
from gofer.archive.tree import Limits, Tree, checked
from gofer.engines.scheduler.base import Files
from gofer.errors import EngineUnavailable, GoferError, NotFound
from gofer.models.manifest import Cache
from gofer.models.object import Object
from gofer.models.units import format_size
from gofer.server.runs.artifact_means import FOLDER_TYPE, LeftOut, Means, Stopwatch
from gofer.server.runs.cache_format import Unpacked, as_stored, below


class Caches:
    """Of one attempt. Both raise EngineUnavailable at most, and may be called again then."""

    def __init__(self, means: Means) -> None:
        self._means = means

    async def restore(self, cache: Cache, files: Files) -> None:
        """Place what is kept. It is read to its end before, so that nothing of a damaged one is placed."""
        means, stopwatch = self._means, Stopwatch()
        try:
            # Another run may save it meanwhile: what was looked through is what is placed.
            async with means.objects.held(means.pipeline, cache.key) as found:
                await self._unpack(cache, found, None)
                await self._unpack(cache, found, files)
        except EngineUnavailable:
            raise
        except NotFound:
            await means.note(f"cache {cache.key}: there is none yet")
        except GoferError as error:
            await means.note(f"cache {cache.key}: not restored: {error.message}")
        else:
            await means.note(f"cache {cache.key}: {format_size(found.size)} restored in {stopwatch}")

    async def save(self, cache: Cache) -> None:
        """Keep the cache's paths in place of what was kept before."""
        means, stopwatch, left_out = self._means, Stopwatch(), LeftOut()
        try:
            before = await self._digest(cache)
            kept = await means.watch.call(partial(self._pack, cache, left_out))
        except GoferError as error:
            await means.note(f"cache {cache.key}: not saved: {error.message}")
            return
        if kept is None:
            await means.note(f"cache {cache.key}: not saved: the container has left nothing at its paths")
            return
        what = "unchanged" if kept.sha256 == before else "saved"
        await means.note(f"cache {cache.key}: {format_size(kept.size)} {what} in {stopwatch}{left_out.text()}")

    async def _unpack(self, cache: Cache, found: Object, files: Files | None) -> None:
        """Into the files, or without any only to see whether it can be."""
        trees: list[Tree] = []

        def tree() -> Tree:
            trees.append(Tree(_left(self._means.limits(), trees)))
            return trees[-1]

        async for folder, members in Unpacked(read_tar(self._means.objects.read(found)), cache.paths, tree).parts():
            if files is not None:
                await files.put(folder, members)
                continue
            async for _, content in members:
                async for _ in content:
                    pass

    async def _digest(self, cache: Cache) -> str:
        try:
            return (await self._means.objects.find(self._means.pipeline, cache.key)).sha256
        except NotFound:
            return ""

    async def _pack(self, cache: Cache, left_out: LeftOut) -> Object | None:
        """None where none of the paths is there."""
        members = self._members(cache, left_out)
        first = await anext(members, None)
        if first is None:
            return None
        async with aclosing(members):
            means = self._means
            chunks = write_tar(_again(first, members))
            kept, _ = await means.objects.put(
                means.pipeline, cache.key, chunks, content_type=FOLDER_TYPE, force=True, by=means.by
            )
        return kept

    async def _members(self, cache: Cache, left_out: LeftOut) -> AsyncGenerator[Member, None]:
        trees: list[Tree] = []
        for path in cache.paths:
            async with aclosing(self._means.scheduler.collect(self._means.container, path)) as members:
                try:
                    first = await anext(members)
                except NotFound:
                    continue
                if first.entry.kind not in ("file", "folder"):
                    left_out(first.entry, f"{path} is neither a file nor a folder")
                    continue
                trees.append(Tree(_left(self._means.limits(), trees)))
                rest = checked(below(first.entry.name, members), trees[-1], left_out)
                async for member in as_stored(path, first, rest):
                    yield member


async def _again(first: Member, rest: AsyncIterator[Member]) -> AsyncIterator[Member]:
    yield first
    async for member in rest:
        yield member


def _left(limits: Limits, used: list[Tree]) -> Limits:
    return Limits(limits.bytes - sum(tree.bytes for tree in used), limits.entries - sum(tree.entries for tree in used))
