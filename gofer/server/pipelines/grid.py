"""A pipeline's tasks by its last runs."""

from __future__ import annotations

import sqlite3

from gofer.models.grid import GridRun
from gofer.models.page import Page
from gofer.server.pipelines.view import require_pipeline
from gofer.server.store import grid
from gofer.server.store.database import Database
from gofer.server.store.runs import LAST

MOST_TASKS = 200


class Grids:
    """One visit to the store for each page."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list(self, namespace: str, pipeline: str, cursor: int | None, limit: int) -> Page[GridRun]:
        """Newest first; the cursor is the last number of the page before. Raises NotFound."""

        def work(connection: sqlite3.Connection) -> Page[GridRun]:
            row = require_pipeline(connection, namespace, pipeline)
            before = LAST if cursor is None else cursor
            found = grid.grid(connection, row.key, before, limit + 1, MOST_TASKS)
            following = str(found[limit - 1].id) if len(found) > limit else None
            return Page(items=found[:limit], next=following)

        return await self._database.read(work)
