"""The server in one line, for who asks systemd how it is."""

from __future__ import annotations

import asyncio
import contextlib

from gofer.server.events.bus import Filter
from gofer.server.services import Services
from gofer.server.systemd import Systemd

_AT_MOST_EVERY = 1.0
_AT_LEAST_EVERY = 10.0
_EVERYTHING = Filter()


def status_line(services: Services) -> str:
    """Runs, engine, and what somebody has to see to, such as `2 runs running, 0 queued; docker 20.10.24 answers`."""
    runs = services.runs
    parts = [f"{runs.running} {'run' if runs.running == 1 else 'runs'} running, {runs.queued} queued"]
    watch = services.engine_watch
    engine = f"{watch.info.name} {watch.info.version}".strip()
    parts.append(f"{engine} answers" if watch.available else f"ENGINE AWAY: {watch.problem}")
    if services.is_unclaimed:
        parts.append("SERVES NOBODY: gofer service token bootstrap")
    if services.ingress.closed:
        parts.append("DRAINING: no new runs")
    parts += [f"FAULT: {problem}" for problem in (services.database.fault, services.logs.fault) if problem]
    return "; ".join(parts)


async def follow_status(services: Services, systemd: Systemd) -> None:
    """Tell systemd of every change: looks after each stored event, and now and then, at what is in memory only."""
    bus = services.bus
    told = -1
    while True:
        seen = bus.last_seq
        systemd.status(status_line(services))
        # What an event tells may come to memory a moment after it, so each is looked after twice.
        if seen == told:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_AT_LEAST_EVERY):
                    await bus.wait(_EVERYTHING)
        told = seen
        await asyncio.sleep(_AT_MOST_EVERY)
