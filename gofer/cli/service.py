"""`gofer service …`"""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from gofer.cli.base import Group, pass_invocation
from gofer.cli.exit_codes import ExitCode
from gofer.cli.terminal import plain
from gofer.cli.times import ago, clock
from gofer.client import paths
from gofer.errors import ClientError
from gofer.models.system import Check, EngineInfo, SystemInfo

if TYPE_CHECKING:
    from gofer.cli.invocation import Invocation
    from gofer.cli.output import Output
    from gofer.cli.table import Cell
    from gofer.server.app import Running

_ISOLATES_NOTHING = (
    "the {name} engine isolates nothing: every task runs as this user, on this machine, and may read what it may. "
    "Use it for pipelines that you trust."
)
_LOOKS = {"ok": "green", "warning": "yellow", "error": "red"}


class Ready(msgspec.Struct, kw_only=True):
    """What `service start --format json` prints once the server answers."""

    address: str
    version: str
    dev_mode: bool
    storage_path: str
    engine: EngineInfo


@click.group("service", cls=Group)
def service() -> None:
    """Start the server and ask how it is."""


@service.command(
    "start",
    examples=[
        "gofer service start",
        "gofer service start --host localhost:9090 --storage ./data --engine process",
        "gofer service start --config /etc/gofer/gofer.hcl --no-dev",
    ],
)
@pass_invocation
@click.option("--host", metavar="ADDRESS", help="Where to listen, such as localhost:8080; port 0 takes a free one.")
@click.option("--storage", type=click.Path(file_okay=False), help="Folder for the database and the logs.")
@click.option(
    "--engine",
    type=click.Choice(["auto", "docker", "process", "fake"]),
    help="What runs the tasks; auto: Docker if it answers, else plain processes.",
)
@click.option("--dev/--no-dev", default=None, help="Conveniences for one person's machine, or none.")
@click.option("--config", metavar="FILE", help="The server's configuration file; else /etc/gofer/gofer.hcl.")
def start(
    invocation: Invocation,
    host: str | None,
    storage: str | None,
    engine: str | None,
    dev: bool | None,
    config: str | None,
) -> int:
    """Start the server, and keep it running until Ctrl-C or SIGTERM.

    Options beat the environment (GOFER_…), which beats the configuration file. A run that is on its way when the server
    stops goes on when it starts again.
    """
    from gofer.config.load import load
    from gofer.server.app import serve

    # Before the command's name these two mean the same as behind it.
    before = invocation.take("config"), invocation.take("host")
    path = config or before[0]
    given = {
        "server.host": host or before[1],
        "server.storage_path": storage and str(Path(storage).absolute()),
        "scheduler.engine": engine,
        "dev_mode": None if dev is None else str(dev).lower(),
    }
    overrides = {key: value for key, value in given.items() if value}
    settings = load(Path(path) if path else None, os.environ, overrides)
    output = invocation.output
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        # A terminal that is closed ends the server as Ctrl-C does.
        signal.signal(signal.SIGHUP, lambda _number, _frame: signal.raise_signal(signal.SIGTERM))
    return serve(settings, ready=lambda server: _say_ready(output, server))


def _say_ready(output: Output, server: Running) -> None:
    services = server.services
    engine, storage = services.engine_watch.info, str(services.settings.server.storage_path)
    from gofer import __version__

    ready = Ready(
        address=server.address,
        version=__version__,
        dev_mode=services.settings.dev_mode,
        storage_path=storage,
        engine=engine,
    )
    name = _engine_name(engine)
    output.show(
        ready,
        lambda: [
            f"Gofer {__version__} listens on {server.address}",
            *output.fields([("  data", plain(storage)), ("  engine", name), ("  API", f"{server.address}/api/docs")]),
        ],
    )
    if not engine.isolates:
        output.warn(_ISOLATES_NOTHING.format(name=engine.name))
    output.note("Next: gofer pipeline create PATH, then gofer pipeline run ID --follow. Ctrl-C stops the server.")
    output.flush()


def _engine_name(engine: EngineInfo) -> str:
    where = f" at {engine.address}" if engine.address else ""
    return plain(f"{engine.name} {engine.version}".strip() + where)


@service.command("info", examples=["gofer service info", "gofer service info --format json"])
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
        ("engine", _engine_name(one.engine)),
        ("isolation", "" if one.engine.isolates else ("none: tasks run as the server's own user", "yellow")),
        ("engine is", "available" if one.engine_available else away),
        ("store", (plain(one.store_fault), "red") if one.store_fault else ""),
        ("runs", f"{one.runs_running} running, {one.runs_queued} queued"),
    ]


@service.command("doctor", examples=["gofer service doctor", "gofer service doctor --config /etc/gofer/gofer.hcl"])
@pass_invocation
@click.option("--config", metavar="FILE", help="The server's configuration file, for where no server answers.")
def doctor(invocation: Invocation, config: str | None) -> int:
    """Look for what is wrong, and say what to do about it.

    Asks the server; where none answers, looks at this machine. The exit code is 1 if there is an error.
    """
    path = config or invocation.take("config")
    try:
        checks = invocation.client.get(paths.CHECKS, list[Check])
    except ClientError as error:
        if error.problem_status != 0:
            raise
        from gofer.cli.doctor import local_checks

        checks = local_checks(error, os.environ, path)
    output = invocation.output
    output.show(checks, lambda: [line for check in checks for line in _check_lines(output, check)])
    return ExitCode.OUTCOME_BAD if any(check.level == "error" for check in checks) else ExitCode.OK


def _check_lines(output: Output, check: Check) -> list[str]:
    from gofer.cli.terminal import paint

    symbol = {"ok": "✔", "warning": "!", "error": "✘"}.get(check.level, "?")
    level = f"{symbol} {check.level:<7}"
    level = paint(level, _LOOKS.get(check.level, "dim")) if output.color else level
    lines = [f"{level}  {plain(check.name)}: {plain(check.message)}"]
    return [*lines, f"             {plain(check.hint)}"] if check.hint else lines
