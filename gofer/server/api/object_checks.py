"""Whether the object store holds what the database names."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import aclosing
from functools import partial
from itertools import islice

from gofer.checkup.finding import found
from gofer.engines.object_store.base import DamagedContent
from gofer.errors import NotFound
from gofer.models.system import Check
from gofer.server.services import Services
from gofer.server.store import backup as rows

_BATCH = 500
_SHOWN = 3
# What is being put or removed just now is neither missing nor left over: what is found is looked at again after this.
_GRACE = 2.0


async def objects(services: Services, *, deep: bool) -> Check:
    """`deep`: every content is read, and compared with its digest."""
    await services.object_store.check()
    missing = [digest async for digest in _named(services) if not await services.object_store.exists(digest)]
    if missing:
        # An object may have been deleted since it was named.
        named = {digest async for digest in _named(services)}
        missing = [one for one in missing if one in named and not await services.object_store.exists(one)]
    if missing:
        return await _bad(services, "missing from the object store", missing)
    if deep and (damaged := await _damaged(services)):
        return await _bad(services, "damaged", damaged)
    unknown = await _unknown(services)
    if unknown:
        await asyncio.sleep(_GRACE)
        unknown &= await _unknown(services)
    if unknown:
        message = f"{len(unknown)} contents in the object store belong to no object."
        return found("objects", "warning", message, "The next start removes them.")
    return found("objects", "ok", "Every content is what was put." if deep else "The store has what is named.")


async def _bad(services: Services, what: str, digests: list[str]) -> Check:
    def names(connection: sqlite3.Connection) -> list[str]:
        return [rows.an_object_with(connection, digest) for digest in digests[:_SHOWN]]

    shown = ", ".join(await services.database.read(names))
    more = f" and {len(digests) - _SHOWN} more" if len(digests) > _SHOWN else ""
    hint = "Put these objects again with --force, or delete them; or restore a backup: gofer service restore FILE."
    return found("objects", "error", f"The contents of objects are {what}: {shown}{more}.", hint)


async def _named(services: Services) -> AsyncIterator[str]:
    """Every digest that a row names, some at a time."""
    after = ""
    while page := await services.database.read(partial(_page, after=after)):
        for digest in page:
            yield digest
        after = page[-1]


def _page(connection: sqlite3.Connection, after: str) -> list[str]:
    return [content.digest for content in islice(rows.contents(connection, after), _BATCH)]


async def _damaged(services: Services) -> list[str]:
    damaged = []
    async for digest in _named(services):
        try:
            async with aclosing(services.object_store.get(digest)) as pieces:  # type: ignore[type-var]
                async for _ in pieces:
                    pass
        except DamagedContent:
            damaged.append(digest)
        except NotFound:
            continue  # deleted meanwhile
    return damaged


async def _unknown(services: Services) -> set[str]:
    """Contents that neither an object has nor the collector is about to remove."""
    named = {digest async for digest in _named(services)}
    there = {content.digest async for content in services.object_store.list()}
    loose = await services.database.read(rows.loose_contents)
    return there - named - loose
