"""External events: how many a second are taken, and how long who has sent one waits for the answer."""

from __future__ import annotations

import asyncio
import hmac
import json
import socket
import time
from itertools import cycle
from typing import Any

import aiohttp

from benchmarks.figure import Figure, ms, percentile
from benchmarks.host import cpu_seconds, pid, server
from benchmarks.load import NAMESPACE, Load

_A_SECOND = 500
_SECONDS = 60
_KEY = "a secret that is long enough"
# Loopback addresses of this machine: no limit by address is to be what is measured.
_SENDERS = 4
_HELD: dict[str, Any] = {
    "id": "hooked",
    # One run for all the time: what is measured is the taking of events, not the work of runs.
    "parallelism": {"limit": 1},
    "tasks": [{"id": "a", "image": "i", "command": ["hang"]}],
    "subscriptions": [
        {
            "label": "hook",
            "trigger": "webhook",
            "settings": {
                "verify": "hmac",
                "secret": _KEY,
                "event_id": "body.id",
                "parameters": {"REF": "body.ref", "WHO": "body.sender.login"},
            },
        }
    ],
}


async def external_events() -> list[Figure]:
    """So many a second, each at its time, whether those before are answered or not."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    listener = {
        "GOFER_EXTERNAL_EVENTS_API__ENABLE": "true",
        "GOFER_EXTERNAL_EVENTS_API__HOST": f"127.0.0.1:{port}",
    }
    with server("fake", **listener) as host:
        async with Load(host.api.address, 16) as load:
            await load.post("/api/v1/triggers", {"id": "webhook", "image": "builtin:webhook"})
            while json.loads(await load.get("/api/v1/triggers/webhook"))["state"] != "healthy":
                await asyncio.sleep(0.1)
            await load.register(_HELD)
            before = cpu_seconds(pid(host))
            waits, statuses = await _send(f"http://127.0.0.1:{port}")
            cpu = (cpu_seconds(pid(host)) - before) / _SECONDS
            newest = json.loads(await load.get(f"{NAMESPACE}/pipelines/hooked/runs?limit=1"))["items"][0]["id"]
        # Triggers outlive the server.
        status, answer = await asyncio.to_thread(host.api.call, "DELETE", "triggers/webhook?force=true")
        assert status == 204, answer
    sent = _A_SECOND * _SECONDS
    lost = sent - statuses.get(200, 0)
    refused = ", ".join(f"{count} × {status}" for status, count in sorted(statuses.items()) if status != 200)
    return [
        Figure(
            f"external events taken, {_A_SECOND} a second for {_SECONDS} s",
            "–",
            "none lost",
            f"{lost} of {sent:,} lost; {newest:,} runs queued",
            lost == 0 and newest == sent,
            "signed requests to the trigger `webhook`, each its own event; from a request to its answer, which comes"
            f" when the run is on disk, p50 {ms(percentile(waits, 0.5))}, p99 {ms(percentile(waits, 0.99))}; the server"
            f" used {cpu:.2f} of a core" + (f"; answered otherwise: {refused}" if refused else ""),
        ),
    ]


async def _send(address: str) -> tuple[list[float], dict[int, int]]:
    """Seconds to each answer, and how many had which status."""
    waits: list[float] = []
    statuses: dict[int, int] = {}
    sessions = [
        aiohttp.ClientSession(address, connector=aiohttp.TCPConnector(limit=256, local_addr=(f"127.0.0.{number}", 0)))
        for number in range(1, 1 + _SENDERS)
    ]

    async def one(session: aiohttp.ClientSession, number: int) -> None:
        body = json.dumps({"id": number, "ref": "refs/heads/main", "sender": {"login": "somebody"}}).encode()
        mac = hmac.new(_KEY.encode(), body, "sha256").hexdigest()
        began = time.perf_counter()
        target = "/events/webhook?to=default/hooked/hook"
        async with session.post(target, data=body, headers={"X-Signature": mac}) as answer:
            await answer.read()
            statuses[answer.status] = statuses.get(answer.status, 0) + 1
        waits.append(time.perf_counter() - began)

    began = time.perf_counter()
    try:
        async with asyncio.TaskGroup() as group:
            for number, session in zip(range(_A_SECOND * _SECONDS), cycle(sessions)):
                await asyncio.sleep(began + number / _A_SECOND - time.perf_counter())
                group.create_task(one(session, number))
    finally:
        for session in sessions:
            await session.close()
    return waits, statuses
