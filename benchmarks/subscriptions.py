"""From a trigger's event to a queued run, and how soon a trigger has its subscriptions again after a restart."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from benchmarks.figure import Figure, ms, percentile
from benchmarks.host import scratch, server, server_in
from benchmarks.load import NAMESPACE, Load

_A_PIPELINE = 100
_SUBSCRIPTIONS = 1_000
_EVERY = 20
_SECONDS = 60
_MANY = 10_000


async def trigger_events(subscriptions: int = _SUBSCRIPTIONS, seconds: float = _SECONDS) -> list[Figure]:
    """An interval with many subscriptions, which are spread, and a client that hears of the runs."""
    took: list[float] = []
    with server("fake") as host:
        async with Load(host.api.address, 8) as load, _interval(load):
            await _register(load, subscriptions, f"{_EVERY}s")
            after = await load.last_event()
            until = time.perf_counter() + _EVERY / 4 + seconds
            warm = time.perf_counter() + _EVERY / 4
            async for event in load.events(f"after={after}&kind=trigger.event&namespace=default"):
                if time.perf_counter() > until:
                    break
                # What was due while they were being registered is told of as missed.
                if time.perf_counter() > warm:
                    took.append(time.time() - _due(event["data"]["event"]))
                    assert event["data"]["outcome"] == "started", event
    p50, p99 = percentile(took, 0.5), percentile(took, 0.99)
    return [
        Figure(
            f"event to “run queued” at a client, {subscriptions:,} subscriptions on one trigger",
            "one transaction with its fsync",
            "p50 < 20 ms, p99 < 100 ms",
            f"p50 {ms(p50)}, p99 {ms(p99)}",
            p50 < 0.02 and p99 < 0.1,
            f"{len(took):,} events, {len(took) / seconds:.0f} a second; the slowest {ms(max(took))}",
        )
    ]


async def resubscribe(subscriptions: int = _MANY) -> list[Figure]:
    """The server restarted while the trigger goes on, then the trigger restarted while the server goes on."""
    with scratch() as folder:
        with server_in(folder, "fake") as host:
            async with Load(host.api.address, 8) as load:
                await _install(load)
                await _register(load, subscriptions, "24h")
                await _until_active(load, subscriptions)
        began = time.perf_counter()
        with server_in(folder, "fake") as host:
            async with Load(host.api.address, 8) as load:
                await _until_active(load, subscriptions)
                of_server = time.perf_counter() - began
                began = time.perf_counter()
                await load.post("/api/v1/triggers/interval/restart")
                await _until_active(load, subscriptions)
                of_trigger = time.perf_counter() - began
                await _uninstall(load)
    return [
        Figure(
            f"{subscriptions:,} subscriptions of one trigger active again, from the {what}’s start on",
            "–",
            "< 10 s",
            f"{seconds:.1f} s",
            seconds < 10,
            note,
        )
        for what, seconds, note in (
            ("server", of_server, "until the trigger has dialled again, and been told of all"),
            ("trigger", of_trigger, "from the request to restart it: it is asked to end, and started anew"),
        )
    ]


def _due(event: str) -> float:
    """When the event of an interval, such as `1/2030-01-01T00:01:30Z`, was due; in seconds since the epoch."""
    return datetime.fromisoformat(event.partition("/")[2]).timestamp()


@asynccontextmanager
async def _interval(load: Load) -> AsyncIterator[None]:
    """The trigger, for as long as the context lasts: triggers outlive the server."""
    await _install(load)
    try:
        yield
    finally:
        await _uninstall(load)


async def _install(load: Load) -> None:
    settings = {"min_duration": "1s"}
    await load.post("/api/v1/triggers", {"id": "interval", "image": "builtin:interval", "settings": settings})
    while json.loads(await load.get("/api/v1/triggers/interval"))["state"] != "healthy":
        await asyncio.sleep(0.1)


async def _uninstall(load: Load) -> None:
    async with load.session.delete("/api/v1/triggers/interval?force=true") as answer:
        assert answer.status == 204, await answer.text()


async def _register(load: Load, subscriptions: int, every: str) -> None:
    for first in range(0, subscriptions, _A_PIPELINE):
        labels = range(min(_A_PIPELINE, subscriptions - first))
        wanted: list[dict[str, Any]] = [
            {"label": f"s{n}", "trigger": "interval", "settings": {"every": every}} for n in labels
        ]
        task = {"id": "a", "image": "i", "command": ["exit", "0"]}
        await load.register({"id": f"p{first // _A_PIPELINE}", "tasks": [task], "subscriptions": wanted})


async def _until_active(load: Load, subscriptions: int) -> None:
    """Every one of them, looked at again and again: a look costs the server little where few are left."""
    for number in range(-(-subscriptions // _A_PIPELINE)):
        while not await _is_active(load, number):
            await asyncio.sleep(0.05)


async def _is_active(load: Load, number: int) -> bool:
    page = json.loads(await load.get(f"{NAMESPACE}/pipelines/p{number}/subscriptions?limit={_A_PIPELINE}"))
    return all(one.get("state") == "active" for one in page["items"])
