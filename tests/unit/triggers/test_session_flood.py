"""A trigger that sends without end must leave time for everybody else."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import msgspec

from gofer.server.triggers.contract import Listener
from gofer.server.triggers.link import Gone, Link
from gofer.server.triggers.session import Ending, Host, TriggerSession
from gofer.server.triggers.sessions import Roster
from gofer.server.triggers.times import Times

FLOOD = 50_000


class Flood:
    """A connection on which there is always a next frame; implements what is used of `Link`."""

    def __init__(self, **frame: Any) -> None:
        self._frame = msgspec.msgpack.encode(frame)
        self.count = 0

    async def receive(self) -> bytes:
        self.count += 1
        if self.count == 1:
            return msgspec.msgpack.encode({"id": 1, "kind": "hello", "protocol": 1, "name": "flood"})
        if self.count > FLOOD:
            raise Gone(1006)
        return self._frame

    async def send(self, data: bytes) -> None:
        """It reads nothing."""

    async def close(self, code: int, reason: str) -> None:
        """It does not care."""


class Owner:
    name, key = "flood", 1

    def ended(self, session: TriggerSession, ending: Ending) -> None:
        """Nobody starts it anew."""


async def test_replies_that_nobody_waits_for_are_not_read_without_end() -> None:
    link = Flood(re=999)
    host = cast("Host", Owner())
    session = TriggerSession(cast("Link", link), host, Roster(), cast("Listener", None), Times(), 1 << 20)
    running = asyncio.create_task(session.run())
    while link.count < 2:
        await asyncio.sleep(0)
    # It was not read to its end before anybody else had a turn.
    assert link.count < FLOOD
    session.end(1000)
    await running
