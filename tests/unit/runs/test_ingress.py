from __future__ import annotations

import asyncio
from pathlib import Path

from gofer.server.clock import Clock
from gofer.server.runs.ingress import Ingress
from gofer.server.store.database import Database


async def test_wishes_that_come_at_once_are_granted_in_order(tmp_path: Path) -> None:
    database = Database(tmp_path / "gofer.db")
    await database.open()
    ingress = Ingress(database, Clock(), closed_by_setting=False)
    told = await asyncio.gather(*(ingress.set_open(wanted) for wanted in (False, False, True, False)))
    assert [info.open for info in told] == [False, False, True, False]
    assert ingress.closed
    sql = "SELECT kind FROM events ORDER BY seq"
    kinds = await database.read(lambda connection: [row[0] for row in connection.execute(sql)])
    assert kinds == ["ingress.closed", "ingress.opened", "ingress.closed"]
    again = Ingress(database, Clock(), closed_by_setting=False)
    await again.load()
    assert again.closed
    await database.close()
