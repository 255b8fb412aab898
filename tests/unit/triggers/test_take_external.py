"""An external event waits for a trigger that is about to be back, and is told again where the connection was lost."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, cast

import pytest

from gofer.errors import Unavailable
from gofer.models.trigger import TriggerInfo
from gofer.server.triggers import take_external
from gofer.server.triggers.contract import TriggerAway
from gofer.server.triggers.session import TriggerSession
from gofer.server.triggers.sessions import Roster
from gofer.server.triggers.take_external import Takers


class Connection:
    """What is used of a session."""

    trigger = "hook"

    def __init__(self, roster: Roster) -> None:
        self.seen: list[str] = []
        self.is_gone = False
        self._roster = roster

    def ready(self) -> Connection:
        self._roster.ready(cast(TriggerSession, self))
        return self

    async def request(self, kind: str, fields: Mapping[str, Any], _seconds: float) -> dict[str, Any]:
        assert kind == "external_event"
        self.seen.append(fields["event"])
        if self.is_gone:
            raise TriggerAway("has gone")
        return {"status": 200}


def takers(roster: Roster, *, external_events: bool = True) -> Takers:
    info = TriggerInfo(external_events=external_events)
    return Takers(lambda name: info if name == "hook" else None, roster)


def test_only_triggers_that_take_them_are_found() -> None:
    assert takers(Roster()).taking_external_events("hook") is not None
    assert takers(Roster()).taking_external_events("other") is None
    assert takers(Roster(), external_events=False).taking_external_events("hook") is None


async def test_who_is_not_ready_is_waited_for() -> None:
    roster = Roster()
    taker = takers(roster).taking_external_events("hook")
    assert taker is not None
    waiting = [asyncio.create_task(taker.external_event({"event": str(number)}, 5)) for number in range(3)]
    await asyncio.sleep(0)
    assert not any(task.done() for task in waiting)
    connection = Connection(roster).ready()
    assert await asyncio.gather(*waiting) == [{"status": 200}] * 3
    assert sorted(connection.seen) == ["0", "1", "2"]


async def test_the_next_connection_is_told_again() -> None:
    roster = Roster()
    lost = Connection(roster).ready()
    lost.is_gone = True
    taker = takers(roster).taking_external_events("hook")
    assert taker is not None
    waiting = asyncio.create_task(taker.external_event({"event": "e"}, 5))
    while not lost.seen:
        await asyncio.sleep(0)
    good = Connection(roster).ready()
    assert await waiting == {"status": 200}
    assert (lost.seen, good.seen) == (["e"], ["e"])


async def test_nobody_waits_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(take_external, "PATIENCE", 0.01)
    taker = takers(Roster()).taking_external_events("hook")
    assert taker is not None
    with pytest.raises(Unavailable):
        await taker.external_event({"event": "e"}, 5)
