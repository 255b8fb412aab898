"""`gofer service start`"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

import click
import msgspec

from gofer.cli.base import Command, pass_invocation
from gofer.cli.service.open_browser import open_browser
from gofer.cli.service.set_option import parse_settings, set_option
from gofer.cli.terminal import plain
from gofer.frozen import is_frozen
from gofer.models.encryption_keys import NO_KEY, NO_KEY_HINT
from gofer.models.system import EngineInfo

if TYPE_CHECKING:
    from gofer.cli.invocation import Invocation
    from gofer.config.load import Configuration
    from gofer.config.settings import Settings
    from gofer.server.app import Running
    from gofer.server.serve import Hangup

_ISOLATES_NOTHING = (
    "the {name} engine isolates nothing: every task runs as this user, on this machine, and may read what it may. "
    "Use it for pipelines that you trust."
)


class Ready(msgspec.Struct, kw_only=True):
    """What `service start --format json` prints once the server answers."""

    address: str
    version: str
    dev_mode: bool
    storage_path: str
    engine: EngineInfo


@click.command(
    "start",
    cls=Command,
    examples=[
        "gofer service start --open",
        "gofer service start --host localhost:9090 --storage ./data --engine process",
        "gofer service start --config /etc/gofer/gofer.hcl --no-dev",
        "gofer service start --set log_level=debug --set scheduler.docker.prune=true",
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
@click.option("--log-format", type=click.Choice(["text", "json"]), help="How the server's own log is written.")
@click.option("--config", metavar="FILE", help="The server's configuration file; else /etc/gofer/gofer.hcl.")
@set_option
@click.option("--open", "wants_browser", is_flag=True, help="Show the server's address in the browser.")
def start(
    invocation: Invocation,
    host: str | None,
    storage: str | None,
    engine: str | None,
    dev: bool | None,
    log_format: str | None,
    config: str | None,
    settings: tuple[str, ...],
    wants_browser: bool,
) -> int:
    """Start the server, and keep it running until Ctrl-C or SIGTERM.

    Options beat the environment (GOFER_…), which beats the configuration file. A run that is on its way when the server
    stops goes on when it starts again. SIGHUP makes it read its configuration again; if it was started in a terminal,
    SIGHUP ends it, as closing the terminal does.
    """
    from gofer.config.live import Live
    from gofer.config.load import read
    from gofer.server.serve import serve

    # Before the command's name these two mean the same as behind it.
    before = invocation.take("config"), invocation.take("host")
    path = config or before[0]
    given = {
        "server.host": host or before[1],
        "server.storage_path": storage and str(Path(storage).absolute()),
        "scheduler.engine": engine,
        "log_format": log_format,
        "dev_mode": None if dev is None else str(dev).lower(),
    }
    overrides = parse_settings(settings, {key: value for key, value in given.items() if value})

    def reread() -> Configuration:
        return read(Path(path) if path else None, os.environ, overrides)

    configuration = reread()
    configuration.check()
    if is_frozen():
        from gofer.frozen.sweep import sweep

        sweep()
    return serve(
        Live(configuration, reread),
        ready=lambda server: _say_ready(invocation, server, wants_browser=wants_browser),
        hangup=_meaning_of_hangup(),
    )


def _meaning_of_hangup() -> Hangup:
    """What SIGHUP means: a terminal sends it when it is closed, everybody else to have the configuration read again."""
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:  # nohup
        return "ignore"
    return "stop" if sys.stdin is not None and sys.stdin.isatty() else "reload"


def _is_found_by_itself(invocation: Invocation, address: str) -> bool:
    """Whether the other commands speak to `address` without being told."""
    from gofer.client.address import parse_address

    return parse_address(invocation.settings.host) == parse_address(address)


def _own_certificate(settings: Settings) -> str:
    """The file of dev mode's certificate, empty where none is served."""
    from gofer.config.tls_files import dev_paths

    return str(dev_paths(settings)[0]) if settings.server.dev_certificate else ""


def _say_ready(invocation: Invocation, server: Running, *, wants_browser: bool) -> None:
    """To a newcomer, who has no pipeline yet, what is needed to go on; to everybody else one line."""
    from gofer import __version__

    services, output = server.services, invocation.output
    engine, storage = services.engine_watch.info, str(services.settings.server.storage_path)
    ready = Ready(
        address=server.address,
        version=__version__,
        dev_mode=services.settings.dev_mode,
        storage_path=storage,
        engine=engine,
    )
    first = f"Gofer {__version__} listens on {server.address}"
    data = output.fields([("  data", plain(storage))])
    output.show(ready, lambda: [first, *data] if server.is_new else [first])
    if not engine.isolates:
        output.warn(_ISOLATES_NOTHING.format(name=engine.name))
    if not services.secrets.store.encrypts:
        output.warn(f"{NO_KEY}. {NO_KEY_HINT}")
    trusted = _own_certificate(services.settings)
    if trusted:
        output.note(f"Nobody vouches for its certificate. To trust it: --ca-file {plain(quote(trusted))}")
    if services.is_unclaimed:
        output.note("It serves nobody before this was called once, on this machine: gofer service token bootstrap")
    elif server.is_new:
        where = "" if _is_found_by_itself(invocation, server.address) else f" --host {server.address}"
        if trusted:
            where += f" --ca-file {quote(trusted)}"
        output.note(f"Next: gofer pipeline create PATH{where}")
    if wants_browser and not open_browser(f"{server.address}/", os.environ):
        output.note(f"There is no desktop here to open it on. In a browser: {server.address}/")
    output.flush()
