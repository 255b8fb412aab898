"""Whether what stands on the disk and at the engine is what the database knows of."""

from __future__ import annotations

import asyncio
from pathlib import Path

from gofer.checkup.finding import found
from gofer.models.system import Check
from gofer.server.logs import folder
from gofer.server.logs.folder import LogId, log_path
from gofer.server.runs.container import SERVER_LABEL
from gofer.server.services import Services
from gofer.server.store import attempts, diagnosis
from gofer.server.store import logs as rows

_NEWEST_RUNS = 500
_SHOWN = 3
# What is being removed just now is not left over: what is found is looked at again after this.
_GRACE = 2.0


async def log_folders(services: Services) -> Check:
    """Folders of logs that belong to no run, and logs that the database knows and the disk does not have."""
    orphans = await _orphans(services)
    if orphans:
        await asyncio.sleep(_GRACE)
        orphans &= await _orphans(services)
    lost = await _lost(services)
    root = services.logs.root
    if lost:
        names = ", ".join(f"{log.namespace}/{log.pipeline} {log.run} {log.task}" for log in lost[:_SHOWN])
        more = f" and {len(lost) - _SHOWN} more" if len(lost) > _SHOWN else ""
        hint = (
            f"Somebody removed them from {root}, or task_run_logs_dir points elsewhere than it did. A backup has them."
        )
        return found("log folders", "warning", f"Logs that should be there are missing: {names}{more}.", hint)
    if orphans:
        names = ", ".join("/".join(map(str, one)) for one in sorted(orphans)[:_SHOWN])
        more = f" and {len(orphans) - _SHOWN} more" if len(orphans) > _SHOWN else ""
        message = f"In {root} are logs of runs that the database does not know, or whose logs expired: {names}{more}."
        return found("log folders", "warning", message, "The next start of Gofer removes them.")
    return found("log folders", "ok", "The logs on the disk are those that the database knows of.")


async def containers(services: Services) -> Check:
    """Containers of Gofer's whose attempt has ended."""
    stale = await _stale(services)
    if stale:
        await asyncio.sleep(_GRACE)
        stale &= await _stale(services)
    if not stale:
        return found("containers", "ok", "No container of an ended attempt is left.")
    names = ", ".join(sorted(stale)[:_SHOWN]) + (f" and {len(stale) - _SHOWN} more" if len(stale) > _SHOWN else "")
    hint = "The next start removes them; scheduler.docker.prune does so now and then. By hand: docker rm -f NAME."
    return found("containers", "warning", f"Containers of ended attempts are left: {names}.", hint)


async def _stale(services: Services) -> set[str]:
    mine = {SERVER_LABEL: services.database.server_id}
    there = await services.scheduler.list(mine)
    # Read after the list was made: an attempt is stored before its container is there.
    needed = await services.database.read(attempts.open_containers)
    return {container.name for container in there} - needed


async def _orphans(services: Services) -> set[tuple[str, str, int]]:
    root = services.logs.root
    listed = await asyncio.to_thread(_runs_on_disk, root)
    orphans: set[tuple[str, str, int]] = set()
    for (namespace, pipeline), numbers in listed.items():
        kept = await services.database.read(lambda c, n=namespace, p=pipeline: rows.kept(c, n, p))  # type: ignore[misc]
        orphans |= {(namespace, pipeline, number) for number in numbers if kept is None or number not in kept}
    return orphans


def _runs_on_disk(root: Path) -> dict[tuple[str, str], list[int]]:
    return {name: folder.runs(root, *name) for name in folder.pipelines(root)}


async def _lost(services: Services) -> list[LogId]:
    known = await services.database.read(lambda connection: diagnosis.newest_logs(connection, _NEWEST_RUNS))
    missing = await asyncio.to_thread(_missing, services.logs.root, known)
    if not missing:
        return []
    # Those that expired in the meantime are not lost.
    still = set(await services.database.read(lambda connection: diagnosis.newest_logs(connection, _NEWEST_RUNS)))
    return [LogId(*one) for one in missing if one in still]


def _missing(root: Path, known: list[diagnosis.KnownLog]) -> list[diagnosis.KnownLog]:
    return [one for one in known if not log_path(root, LogId(*one)).exists()]
