"""What `gofer service doctor` looks at. Each check says what it found and, unless all is well, what to do."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from functools import partial

from gofer.checkup import folder, machine
from gofer.checkup.certificate import certificate
from gofer.checkup.finding import found
from gofer.checkup.network import network
from gofer.config.load import Configuration
from gofer.errors import GoferError
from gofer.models.system import Check
from gofer.models.units import format_duration
from gofer.server.api import problem
from gofer.server.api.left_over_checks import containers, log_folders
from gofer.server.api.object_checks import objects
from gofer.server.api.secret_checks import secrets
from gofer.server.api.token_checks import tokens
from gofer.server.api.trigger_checks import triggers
from gofer.server.backup.layout import place_of
from gofer.server.services import Services
from gofer.server.store import diagnosis

_INTEGRITY_SECONDS = 10.0
_DEEP_SECONDS = 3_600.0
_CLOCK_TOLERANCE = 60_000
_STUCK_AFTER = 5 * 60_000
_SHOWN_RUNS = 5
_SANE_SINCE = 1_735_689_600_000  # 2025: no clock of a machine that runs this is right before it
_OLDEST_DOCKER = (20, 10)
_PATIENCE = 60.0


async def run_checks(services: Services, *, deep: bool) -> list[Check]:
    """All checks, side by side, in a fixed order. A check that fails by itself is a finding too.

    `deep`: the database is looked at as a whole, however long that takes.
    """
    checks: list[tuple[str, Callable[[Services], Awaitable[Check]]]] = [
        ("engine", _engine),
        ("disk", _disk),
        ("permissions", _permissions),
        ("database", partial(_database, deep=deep)),
        ("old copies", _copies),
        ("secrets", partial(secrets, deep=deep)),
        ("tokens", tokens),
        ("objects", partial(objects, deep=deep)),
        ("logs", _logs),
        ("log folders", log_folders),
        ("clock", _clock),
        ("runs", _stuck_runs),
        ("containers", containers),
        ("triggers", triggers),
        ("open files", _open_files),
        ("memory", _memory),
        ("network", _network),
        ("certificate", _certificate),
        ("settings", _settings),
        ("new runs", _new_runs),
    ]
    return _deleted() + list(await asyncio.gather(*(_guarded(name, check, services, deep) for name, check in checks)))


def _deleted() -> list[Check]:
    """First of all, as other checks may fail by it. That all is well with it says nothing to anybody."""
    message = problem.deleted()
    return [found("program", "error", message, problem.START_AGAIN)] if message else []


async def _guarded(name: str, check: Callable[[Services], Awaitable[Check]], services: Services, deep: bool) -> Check:
    try:
        async with asyncio.timeout(None if deep else _PATIENCE):
            return await check(services)
    except TimeoutError:
        message = f"The check took more than {_PATIENCE:g} seconds and was given up."
        return found(name, "warning", message, "Is the disk or the engine overloaded? Try again later.")
    except GoferError as error:
        return found(name, "error", error.message, error.hint)
    except OSError as error:
        return found(name, "error", f"The check failed: {error}.", "Look at the folder and its permissions.")


async def _engine(services: Services) -> Check:
    info = await services.scheduler.check()
    what = f"{info.name} {info.version}".strip()
    if not info.isolates:
        hint = "Use it for pipelines you trust. Start a container engine such as Docker, then Gofer again, to isolate."
        return found("engine", "warning", f"{what} answers; tasks are plain processes and isolated by nothing.", hint)
    if info.name == "docker" and (old := _older_than(info.version, _OLDEST_DOCKER)):
        hint = "Update Docker. Gofer is tested with 20.10 and newer; with older ones logs and limits may be wrong."
        return found("engine", "warning", f"{what} at {info.address} is older than {old}.", hint)
    return found("engine", "ok", f"{what} answers at {info.address}." if info.address else f"{what} answers.")


def _older_than(version: str, oldest: tuple[int, int]) -> str:
    """`oldest` as text if `version` (as Docker writes it, `20.10.24+dfsg1`) is older; Podman counts otherwise."""
    major, _, rest = version.partition(".")
    minor = rest.partition(".")[0]
    if not (major.isdigit() and minor.isdigit()) or (int(major), int(minor)) >= oldest:
        return ""
    return f"{oldest[0]}.{oldest[1]}"


async def _disk(services: Services) -> Check:
    folders = [services.settings.server.storage_path, services.settings.task_run_logs_dir]
    folders += [store.folder for store in place_of(services.settings).stores]
    return await asyncio.to_thread(folder.disk, folders)


async def _permissions(services: Services) -> Check:
    settings = services.settings
    where = settings.server.storage_path, settings.task_run_logs_dir
    return await asyncio.to_thread(folder.permissions, *where, os.geteuid())


async def _copies(services: Services) -> Check:
    return await asyncio.to_thread(folder.copies, services.settings.server.storage_path, services.clock.now())


async def _open_files(services: Services) -> Check:
    return machine.open_files(machine.files_wanted(services.settings.task_parallelism_limit))


async def _memory(services: Services) -> Check:
    return machine.memory()


async def _network(services: Services) -> Check:
    return network(Configuration(services.live.settings, services.live.sources))


async def _certificate(services: Services) -> Check:
    return await asyncio.to_thread(certificate, Configuration(services.live.settings, services.live.sources))


async def _settings(services: Services) -> Check:
    """As far as the last reload knows, and as a reload now would find."""
    configuration = await asyncio.to_thread(services.live.reread)
    if configuration.problems:
        problem = configuration.problems[0]
        message = f"The configuration has a fault since it was read: {problem.place}: {problem.message}."
        return found("settings", "error", message, problem.hint or "See: gofer service config check.")
    change = services.live.compare(configuration)
    if change.restart:
        names = ", ".join(change.restart)
        return found(
            "settings", "warning", f"Changed, but not in force before a restart: {names}.", "Start Gofer again."
        )
    if change.applied:
        names = ", ".join(change.applied)
        return found("settings", "warning", f"Changed, but not read yet: {names}.", "Run: gofer service reload.")
    return found("settings", "ok", "The settings in force are those of the configuration.")


async def _new_runs(services: Services) -> Check:
    try:
        services.ingress.check()
    except GoferError as error:
        return found("new runs", "warning", error.message, error.hint)
    return found("new runs", "ok", "New runs are started.")


async def _database(services: Services, *, deep: bool) -> Check:
    database = services.database
    if database.fault:
        return found("database", "error", database.fault, "Gofer goes on by itself once that is mended.")
    seconds = _DEEP_SECONDS if deep else _INTEGRITY_SECONDS
    findings = await database.read(lambda connection: diagnosis.integrity(connection, seconds, deep=deep))
    if findings is None:
        return found(
            "database",
            "warning",
            f"The database is too large to be checked within {seconds:g} seconds.",
            "Take the time: gofer service doctor --deep.",
        )
    if findings:
        hint = "Stop Gofer, keep a copy of the folder, and put back a backup: gofer service restore FILE --force."
        return found("database", "error", f"The database is damaged: {findings[0]}.", hint)
    return found("database", "ok", "The database is sound." if deep else "The database is sound, at a quick look.")


async def _logs(services: Services) -> Check:
    if services.logs.fault:
        hint = "Nothing is lost: tasks wait, and go on by themselves once that is mended."
        return found("logs", "error", services.logs.fault, hint)
    return found("logs", "ok", "Logs can be written.")


async def _clock(services: Services) -> Check:
    wall = time.time_ns() // 1_000_000
    hint = "Set the clock (timedatectl set-ntp true). Until it has caught up, times in Gofer are later than they were."
    newest = await services.database.read(diagnosis.latest_event_at) or 0
    if wall < _SANE_SINCE:
        return found("clock", "error", "The machine's clock is years behind.", hint)
    behind = max(newest, services.clock.now()) - wall
    if behind > _CLOCK_TOLERANCE:
        return found("clock", "warning", f"The machine's clock stepped back by {format_duration(behind)}.", hint)
    return found("clock", "ok", "The machine's clock fits to what is stored.")


async def _stuck_runs(services: Services) -> Check:
    now = services.clock.now()
    patience = _STUCK_AFTER + services.settings.task_run_stop_timeout
    limit = _SHOWN_RUNS + 1
    ended = await services.database.read(lambda c: diagnosis.ended_but_running(c, now - _STUCK_AFTER, limit))
    waiting = await services.database.read(lambda c: diagnosis.never_cancelled(c, now - patience, limit))
    stuck = list(dict.fromkeys([*ended, *waiting]))
    if not stuck:
        return found("runs", "ok", "No run is stuck.")
    names = ", ".join(map(str, stuck[:_SHOWN_RUNS])) + (" and more" if len(stuck) > _SHOWN_RUNS else "")
    hint = "Start Gofer again: it takes every unfinished run up anew. Please report it with the server's log."
    return found("runs", "warning", f"These runs should have ended: {names}.", hint)
