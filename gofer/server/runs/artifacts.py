"""One attempt's files: inputs and caches placed before its start, outputs and caches kept after its end."""

from __future__ import annotations

import mimetypes
import posixpath
from collections.abc import AsyncIterator
from contextlib import aclosing
from functools import partial
from typing import Final, NamedTuple

from gofer.archive.entry import Entry, Member, visible
from gofer.archive.tar_stream import read_tar, write_tar
from gofer.archive.tree import Tree, checked
from gofer.engines.scheduler.base import Files
from gofer.errors import EngineUnavailable, GoferError, NotFound, StartFailed
from gofer.models.manifest import Input, Output
from gofer.models.object import Object
from gofer.models.status import Reason
from gofer.models.units import format_size
from gofer.server.logs.logs import LogId
from gofer.server.objects.place import Place
from gofer.server.pipelines.graph import Node
from gofer.server.runs.active import Ticket
from gofer.server.runs.artifact_means import FOLDER_TYPE, LeftOut, Means, Stopwatch, files_text
from gofer.server.runs.artifact_paths import Wanted, artifacts_of
from gofer.server.runs.cache_format import below
from gofer.server.runs.caches import Caches
from gofer.server.runs.context import Context

_PLAIN_TYPE: Final = "application/octet-stream"


class InputMissing(StartFailed):
    """There is no such object. Trying again cannot mend that, as nothing else of the run is waited for."""


class Fault(NamedTuple):
    """Why the outputs of an attempt are not all there."""

    reason: Reason
    detail: str


class Artifacts:
    """Of one attempt. Each of the two may be called again, from the beginning, and then does the same."""

    def __init__(self, means: Means, wanted: Wanted) -> None:
        self._means = means
        self._wanted = wanted
        self._caches = Caches(means)

    async def place(self, files: Files) -> None:
        """See `base.PlaceFiles`. Raises StartFailed with reason `input_failed`; waits for an object store that cannot
        work now."""
        for output in self._wanted.outputs:
            files.check(output.path)
        for given in self._wanted.inputs:
            try:
                await self._means.with_store(partial(self._place_input, given, files))
            except EngineUnavailable:
                raise
            except GoferError as error:
                raise _input_failed(given, error) from error
        for cache in self._wanted.caches:
            await self._caches.restore(cache, files)

    async def collect(self, *, successful: bool) -> Fault | None:
        """Keep the outputs of the ended container, and after success the caches. Returns what is wrong with the first
        output that could not be kept. Waits for engine and object store; raises nothing of theirs."""
        first: Fault | None = None
        for output in self._wanted.outputs:
            fault = await self._keep(output)
            if fault is not None:
                await self._means.note(fault.detail)
            first = first or fault
        if successful and first is None:
            for cache in self._wanted.caches:
                await self._caches.save(cache)
        return first

    async def _place_input(self, given: Input, files: Files) -> None:
        means, stopwatch = self._means, Stopwatch()
        place = means.run if given.level == "run" else means.pipeline
        # Not one half of what was overwritten meanwhile.
        async with means.objects.held(place, given.key) as found:
            pieces = means.objects.read(found)
            if is_folder(found):
                tree = Tree(means.limits())
                await files.put(given.path, checked(read_tar(pieces), tree))
                what = files_text(tree)
            else:
                folder, name = posixpath.split(given.path.rstrip("/"))
                entry = Entry(name, "file", found.size, 0o644, found.modified_at // 1000)
                await files.put(folder or ".", _one(Member(entry, pieces)))
                what = format_size(found.size)
        await means.note(f"input {given.key}: {what} placed at {given.path} in {stopwatch}")

    async def _keep(self, output: Output) -> Fault | None:
        try:
            await self._means.with_both(partial(self._collect_output, output))
        except _Missing as error:
            return Fault(Reason.OUTPUT_MISSING, f"output {output.key}: {error.message}")
        except GoferError as error:
            text = f"{error.message.rstrip('.')}. {error.hint}" if error.hint else error.message
            return Fault(Reason.OUTPUT_FAILED, f"output {output.key}: {text}")
        return None

    async def _collect_output(self, output: Output) -> None:
        means, stopwatch, left_out = self._means, Stopwatch(), LeftOut()
        async with aclosing(means.scheduler.collect(means.container, output.path)) as members:
            try:
                entry, content = await anext(members)
            except NotFound as error:
                raise _Missing(error.message) from error
            if entry.kind == "file":
                kept = await self._put(output, content, file_type(output.path), entry.size)
                what = format_size(kept.size)
            elif entry.kind == "folder":
                tree = Tree(means.limits())
                inside = checked(below(entry.name, members), tree, left_out)
                await self._put(output, write_tar(inside), FOLDER_TYPE, None)
                what = files_text(tree)
            else:
                raise _not_kept(output.path, entry)
        await means.note(f"output {output.key}: {what} of {output.path} kept in {stopwatch}{left_out.text()}")

    async def _put(self, output: Output, chunks: AsyncIterator[bytes], content_type: str, size: int | None) -> Object:
        means = self._means
        kept, _ = await means.objects.put(
            means.run, output.key, chunks, content_type=content_type, force=True, size=size, by=means.by
        )
        return kept


def artifacts_for(context: Context, ticket: Ticket, node: Node, container: str, log: LogId) -> Artifacts | None:
    """Those of an attempt; None where its task has none. Raises Unresolved for what is no sound key or path."""
    wanted = artifacts_of(node, ticket.parameters)
    if not wanted:
        return None
    means = Means(
        context.objects,
        context.scheduler,
        context.watch,
        context.live,
        partial(context.logs.note, log),
        Place(ticket.namespace, ticket.pipeline, ticket.number),
        f"run {ticket.number}, task {node.id}",
        container,
    )
    return Artifacts(means, wanted)


class _Missing(GoferError):
    """The container has left nothing at the path of an output."""


def is_folder(found: Object) -> bool:
    """Whether an object is a folder, packed as a tar archive."""
    return found.content_type.partition(";")[0].strip().lower() == FOLDER_TYPE


def file_type(path: str) -> str:
    """The content type of a file by its name. One that is a tar archive itself stays a file: it is not a folder's."""
    # Python's own table, not that of the machine, which may be any.
    guessed, packed = mimetypes.MimeTypes().guess_type(path)
    return _PLAIN_TYPE if packed or guessed in (None, FOLDER_TYPE) else str(guessed)


async def _one(member: Member) -> AsyncIterator[Member]:
    yield member


def _input_failed(given: Input, error: GoferError) -> StartFailed:
    message = f'input "{given.key}": {error.message}'
    if isinstance(error, NotFound):
        hint = f"Have a task write it that this one depends on, or put it there before. {error.hint}".strip()
        return InputMissing(message, hint, reason=Reason.INPUT_FAILED)
    return StartFailed(message, error.hint, reason=Reason.INPUT_FAILED)


def _not_kept(path: str, entry: Entry) -> GoferError:
    if entry.kind == "special":
        return GoferError(f"{visible(path)} is a device, a named pipe or a socket", "Name a file or a folder.")
    return GoferError(f"{visible(path)} is a link to {visible(entry.target)}", "Name what it leads to.")
