"""What `gofer service doctor` looks at. Each check says what it found and, unless all is well, what to do."""

from __future__ import annotations

import asyncio
import os
import shutil
import stat
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Literal

from gofer.errors import GoferError
from gofer.models.system import Check
from gofer.models.units import format_duration, format_size
from gofer.server.services import Services
from gofer.server.store import diagnosis

_LITTLE_SPACE = 1_000_000_000
_NO_SPACE = 200_000_000
_INTEGRITY_SECONDS = 10.0
_CLOCK_TOLERANCE = 60_000
_STUCK_AFTER = 5 * 60_000
_SHOWN_RUNS = 5
_SANE_SINCE = 1_735_689_600_000  # 2025: no clock of a machine that runs this is right before it


async def run_checks(services: Services) -> list[Check]:
    """All checks, side by side, in a fixed order. A check that fails by itself is a finding too."""
    checks: list[tuple[str, Callable[[Services], Awaitable[Check]]]] = [
        ("engine", _engine),
        ("disk", _disk),
        ("permissions", _permissions),
        ("database", _database),
        ("logs", _logs),
        ("clock", _clock),
        ("runs", _stuck_runs),
    ]
    return list(await asyncio.gather(*(_guarded(name, check, services) for name, check in checks)))


async def _guarded(name: str, check: Callable[[Services], Awaitable[Check]], services: Services) -> Check:
    try:
        return await check(services)
    except GoferError as error:
        return _found(name, "error", error.message, error.hint)
    except OSError as error:
        return _found(name, "error", f"The check failed: {error}.", "Look at the folder and its permissions.")


async def _engine(services: Services) -> Check:
    info = await services.scheduler.check()
    what = f"{info.name} {info.version}".strip()
    if not info.isolates:
        hint = "Use it for pipelines you trust. Start a container engine such as Docker, then Gofer again, to isolate."
        return _found("engine", "warning", f"{what} answers; tasks are plain processes and isolated by nothing.", hint)
    return _found("engine", "ok", f"{what} answers at {info.address}." if info.address else f"{what} answers.")


async def _disk(services: Services) -> Check:
    folders = [services.settings.server.storage_path, services.settings.task_run_logs_dir]
    free, folder = min([(await asyncio.to_thread(_free, folder), folder) for folder in folders], key=lambda f: f[0])
    message = f"{format_size(free)} are free on the disk of {folder}."
    hint = "Free some space. Logs can be kept for fewer runs (setting task_run_log_expiry)."
    if free < _NO_SPACE:
        return _found("disk", "error", message, hint)
    return _found("disk", "warning", message, hint) if free < _LITTLE_SPACE else _found("disk", "ok", message)


async def _permissions(services: Services) -> Check:
    folder = services.settings.server.storage_path
    status = await asyncio.to_thread(folder.stat)
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        return _found("permissions", "error", f"Gofer may not write to {folder}.", f"chown -R $(id -u) {folder}")
    if stat.S_IMODE(status.st_mode) & 0o077:
        return _found(
            "permissions", "warning", f"Other users of this machine may look into {folder}.", f"chmod 700 {folder}"
        )
    return _found("permissions", "ok", f"Only Gofer's own user may look into {folder}.")


async def _database(services: Services) -> Check:
    database = services.database
    if database.fault:
        return _found("database", "error", database.fault, "Gofer goes on by itself once that is mended.")
    findings = await database.read(lambda connection: diagnosis.quick_check(connection, _INTEGRITY_SECONDS))
    if findings is None:
        return _found(
            "database",
            "warning",
            f"The database is too large to be checked within {_INTEGRITY_SECONDS:g} seconds.",
            "Stop Gofer and run: sqlite3 gofer.db 'PRAGMA quick_check'.",
        )
    if findings:
        hint = "Stop Gofer, keep a copy of the file, and put back a backup or try: sqlite3 gofer.db .recover."
        return _found("database", "error", f"The database is damaged: {findings[0]}.", hint)
    return _found("database", "ok", "The database is sound.")


async def _logs(services: Services) -> Check:
    if services.logs.fault:
        hint = "Nothing is lost: tasks wait, and go on by themselves once that is mended."
        return _found("logs", "error", services.logs.fault, hint)
    return _found("logs", "ok", "Logs can be written.")


async def _clock(services: Services) -> Check:
    wall = time.time_ns() // 1_000_000
    hint = "Set the clock (timedatectl set-ntp true). Until it has caught up, times in Gofer are later than they were."
    newest = await services.database.read(diagnosis.newest_event_at) or 0
    if wall < _SANE_SINCE:
        return _found("clock", "error", "The machine's clock is years behind.", hint)
    behind = max(newest, services.clock.now()) - wall
    if behind > _CLOCK_TOLERANCE:
        return _found("clock", "warning", f"The machine's clock stepped back by {format_duration(behind)}.", hint)
    return _found("clock", "ok", "The machine's clock fits to what is stored.")


async def _stuck_runs(services: Services) -> Check:
    now = services.clock.now()
    patience = _STUCK_AFTER + services.settings.task_run_stop_timeout
    limit = _SHOWN_RUNS + 1
    ended = await services.database.read(lambda c: diagnosis.ended_but_running(c, now - _STUCK_AFTER, limit))
    waiting = await services.database.read(lambda c: diagnosis.never_cancelled(c, now - patience, limit))
    stuck = list(dict.fromkeys([*ended, *waiting]))
    if not stuck:
        return _found("runs", "ok", "No run is stuck.")
    names = ", ".join(map(str, stuck[:_SHOWN_RUNS])) + (" and more" if len(stuck) > _SHOWN_RUNS else "")
    hint = "Start Gofer again: it takes every unfinished run up anew. Please report it with the server's log."
    return _found("runs", "warning", f"These runs should have ended: {names}.", hint)


def _free(folder: Path) -> int:
    return shutil.disk_usage(folder).free


def _found(name: str, level: Literal["ok", "warning", "error"], message: str, hint: str = "") -> Check:
    return Check(name=name, level=level, message=message, hint=hint)
