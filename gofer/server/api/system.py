"""What the server is, and how it does."""

from __future__ import annotations

import asyncio

from gofer import __version__
from gofer.config.force import settings_in_force
from gofer.models.statistics import Span, Statistics
from gofer.models.system import Check, IngressInfo, Reloaded, SetIngress, SettingInfo, SystemInfo
from gofer.server.api.checks import run_checks
from gofer.server.api.endpoint import Call, Endpoint, Input, NoBody, NoPath, NoQuery

TAG = "system"
INGRESS = "/api/v1/system/ingress"


class StatisticsQuery(Input, frozen=True, kw_only=True):
    """`span`: an hour in minutes, a day in quarters of an hour, or a week in hours."""

    span: Span = "day"


class ChecksQuery(Input, frozen=True, kw_only=True):
    """`deep`: look at the whole database, however long that takes."""

    deep: bool = False


def endpoints() -> list[Endpoint]:
    """The routes of this noun."""
    doctor = Doctor()
    return [
        Endpoint(
            method="GET",
            path="/api/v1/system/info",
            handler=_info,
            summary="What this server is",
            tag=TAG,
            permission="system:read",
        ),
        Endpoint(
            method="GET",
            path="/api/v1/system/settings",
            handler=_settings,
            summary="Every setting as it holds now, and where it comes from",
            tag=TAG,
            permission="system:read",
        ),
        Endpoint(
            method="POST",
            path="/api/v1/system/reload",
            handler=_reload,
            summary="Read the configuration again, and let hold what can change while the server runs",
            tag=TAG,
            permission="system:write",
            keeps=False,
        ),
        Endpoint(
            method="GET",
            path="/api/v1/system/checks",
            handler=doctor.checks,
            summary="Look for faults, and say what to do about each",
            tag=TAG,
            permission="system:read",
        ),
        Endpoint(
            method="GET",
            path="/api/v1/system/statistics",
            handler=_statistics,
            summary="How the server did in the last hour, day or week",
            tag=TAG,
            permission="system:read",
        ),
        Endpoint(
            method="GET",
            path=INGRESS,
            handler=_ingress,
            summary="Whether new runs are started",
            tag=TAG,
            permission="system:read",
        ),
        Endpoint(
            method="PUT",
            path=INGRESS,
            handler=_set_ingress,
            summary="Start no new runs from now on, or start them again",
            tag=TAG,
            permission="system:write",
            errors=(409,),
        ),
    ]


async def _ingress(call: Call[NoPath, NoQuery, NoBody]) -> IngressInfo:
    return call.services.ingress.info


async def _set_ingress(call: Call[NoPath, NoQuery, SetIngress]) -> IngressInfo:
    return await call.services.ingress.set_open(call.body.open)


async def _info(call: Call[NoPath, NoQuery, NoBody]) -> SystemInfo:
    services = call.services
    return SystemInfo(
        version=__version__,
        dev_mode=services.settings.dev_mode,
        address=services.address,
        storage_path=str(services.settings.server.storage_path),
        started_at=services.started_at,
        engine=services.engine_watch.info,
        engine_available=services.engine_watch.available,
        store_fault=services.database.fault,
        runs_queued=services.runs.queued,
        runs_running=services.runs.running,
        ingress=services.ingress.info,
    )


async def _settings(call: Call[NoPath, NoQuery, NoBody]) -> list[SettingInfo]:
    live = call.services.live
    return settings_in_force(live.settings, live.sources, live.restart)


async def _statistics(call: Call[NoPath, StatisticsQuery, NoBody]) -> Statistics:
    return call.services.statistics.statistics(call.query.span)


async def _reload(call: Call[NoPath, NoQuery, NoBody]) -> Reloaded:
    return await call.services.reloader.reload()


class Doctor:
    """Looks once for all who ask at the same time: a look at a large database takes its time."""

    def __init__(self) -> None:
        self._looking: dict[bool, asyncio.Task[list[Check]]] = {}

    async def checks(self, call: Call[NoPath, ChecksQuery, NoBody]) -> list[Check]:
        """All findings."""
        deep = call.query.deep
        looking = self._looking.get(deep)
        if looking is None or looking.done():
            work = run_checks(call.services, deep=deep)
            looking = self._looking[deep] = asyncio.create_task(work, name="doctor")
        return await asyncio.shield(looking)
