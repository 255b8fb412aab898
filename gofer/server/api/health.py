"""For those who watch over the server: is it alive, is it ready."""

from __future__ import annotations

import asyncio

from gofer.models.system import Health
from gofer.server.api.endpoint import Call, Endpoint, NoBody, NoPath, NoQuery

TAG = "health"


def endpoints() -> list[Endpoint]:
    """The routes of this noun."""
    return [
        Endpoint(
            method="GET",
            path="/healthz",
            handler=_alive,
            summary="Whether the process is alive",
            tag=TAG,
            permission="health:read",
        ),
        Endpoint(
            method="GET",
            path="/readyz",
            handler=_ready,
            summary="Whether runs can be taken on: the stores, the logs and the engine work (503 otherwise)",
            tag=TAG,
            permission="health:read",
            status=_ready_status,
            statuses=(200, 503),
        ),
    ]


def _ready_status(health: Health) -> int:
    return 200 if health.status == "ok" else 503


async def _alive(call: Call[NoPath, NoQuery, NoBody]) -> Health:
    return Health(status="ok")


async def _ready(call: Call[NoPath, NoQuery, NoBody]) -> Health:
    services = call.services
    await asyncio.gather(services.engine_watch.check(), services.object_watch.check())
    faults = services.database.fault, services.logs.fault, services.object_watch.fault, services.engine_watch.problem
    problems = [text for text in faults if text]
    status = "unavailable" if problems else "ok"
    if services.ingress.closed:
        problems.append(services.ingress.problem)
        status = "unavailable" if status == "unavailable" else "draining"
    # Everybody may ask. What is wrong names folders, addresses and engines: that is for who may look at the server.
    return Health(status=status, problems=problems if call.caller.may("system:read", None) else [])
