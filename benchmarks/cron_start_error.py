"""How late after its time a run that cron starts is queued."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from benchmarks.figure import Figure, ms, percentile
from benchmarks.host import server
from benchmarks.load import Load

_PIPELINES = 100
_TICKS = 5
_MINUTE = 60_000
_EVERY_MINUTE = {"label": "tick", "trigger": "cron", "settings": {"expression": "* * * * *"}}


def _manifest(number: int) -> dict[str, Any]:
    task = {"id": "a", "image": "i", "command": ["exit", "0"]}
    return {"id": f"every-minute-{number}", "tasks": [task], "subscriptions": [_EVERY_MINUTE]}


async def cron_start_error() -> list[Figure]:
    """Some minutes of pipelines that all start at each full minute."""
    by_tick: dict[int, list[float]] = {}
    with server("fake") as host:
        async with Load(host.api.address, 16) as load:
            await load.post("/api/v1/triggers", {"id": "cron", "image": "builtin:cron"})
            await _until_healthy(load)
            await asyncio.gather(*(load.register(_manifest(number)) for number in range(_PIPELINES)))
            after = await load.last_event()
            async for event in load.events(f"after={after}&kind=run.queued&namespace=default"):
                late = by_tick.setdefault(event["at"] // _MINUTE, [])
                late.append(event["at"] % _MINUTE / 1000)
                # The first may have begun before all were registered.
                whole = [tick for tick in sorted(by_tick)[1:] if len(by_tick[tick]) == _PIPELINES]
                if len(whole) == _TICKS:
                    break
        # Triggers outlive the server.
        status, answer = await asyncio.to_thread(host.api.call, "DELETE", "triggers/cron?force=true")
        assert status == 204, answer
    assert all(len(by_tick[tick]) == _PIPELINES for tick in sorted(by_tick)[1:])
    lates = [late for tick in whole for late in by_tick[tick]]
    first = max(min(by_tick[tick]) for tick in whole)
    p50, worst = percentile(lates, 0.5), max(lates)
    return [
        Figure(
            "cron: from a run's minute to “run queued”",
            "–",
            "< 1 s",
            f"p50 {ms(p50)}, the latest {ms(worst)}",
            worst < 1,
            f"{_PIPELINES} pipelines that start at each full minute, {_TICKS} minutes; the first run of a minute was"
            f" queued after at most {ms(first)}",
        )
    ]


async def _until_healthy(load: Load) -> None:
    while json.loads(await load.get("/api/v1/triggers/cron"))["state"] != "healthy":
        await asyncio.sleep(0.1)
