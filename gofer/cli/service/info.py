"""`gofer service info`"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gofer.cli.base import Command, pass_invocation
from gofer.cli.terminal import plain
from gofer.cli.times import ago, clock
from gofer.client import paths
from gofer.models.system import EngineInfo, IngressInfo, SystemInfo

if TYPE_CHECKING:
    from gofer.cli.invocation import Invocation
    from gofer.cli.table import Cell


@click.command("info", cls=Command, examples=["gofer service info", "gofer service info --format json"])
@pass_invocation
def info(invocation: Invocation) -> None:
    """What the server says of itself."""
    found = invocation.client.get(paths.INFO, SystemInfo)
    invocation.output.show(found, lambda: invocation.output.fields(_info_rows(found)))


def _info_rows(one: SystemInfo) -> list[tuple[str, Cell]]:
    away: Cell = ("does not answer", "red")
    return [
        ("version", plain(one.version)),
        ("address", plain(one.address)),
        ("mode", "development" if one.dev_mode else "production"),
        ("data", plain(one.storage_path)),
        ("started", f"{clock(one.started_at)} ({ago(one.started_at)})"),
        ("engine", engine_name(one.engine)),
        ("isolation", "" if one.engine.isolates else ("none: tasks run as the server's own user", "yellow")),
        ("engine is", "available" if one.engine_available else away),
        ("store", (plain(one.store_fault), "red") if one.store_fault else ""),
        ("new runs", "" if one.ingress.open else (_closed(one.ingress), "yellow")),
        ("runs", f"{one.runs_running} running, {one.runs_queued} queued"),
    ]


def _closed(ingress: IngressInfo) -> str:
    if ingress.by_setting:
        return "none: the setting ignore_pipeline_run_events is true"
    return f"none: event ingress was closed {ago(ingress.closed_at)}"


def engine_name(engine: EngineInfo) -> str:
    """An engine as people read it: name, version and address."""
    where = f" at {engine.address}" if engine.address else ""
    return plain(f"{engine.name} {engine.version}".strip() + where)
