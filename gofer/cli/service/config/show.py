"""`gofer service config show`"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gofer.cli.base import Command, pass_invocation
from gofer.cli.service.set_option import parse_settings, set_option
from gofer.cli.terminal import plain
from gofer.client import paths
from gofer.models.system import SettingInfo

if TYPE_CHECKING:
    from gofer.cli.invocation import Invocation
    from gofer.cli.table import Cell


@click.command(
    "show",
    cls=Command,
    examples=[
        "gofer service config show",
        "gofer service config show --config /etc/gofer/gofer.hcl --set log_level=debug",
        "gofer service config show --server",
    ],
)
@pass_invocation
@click.option("--config", metavar="FILE", help="The server's configuration file; else /etc/gofer/gofer.hcl.")
@set_option
@click.option("--server", is_flag=True, help="Ask the running server what holds there.")
def show(invocation: Invocation, config: str | None, settings: tuple[str, ...], server: bool) -> None:
    """Show the value of every setting, and where it comes from.

    From the file and the environment, as a server that is started here would read them; with --server, as the running
    one has them. Secrets are never shown.
    """
    path = config or invocation.take("config")
    if server:
        if path or settings:
            raise click.UsageError("--server shows what the server has: leave --config and --set out.")
        found = invocation.client.get(paths.SETTINGS, list[SettingInfo])
    else:
        found = _local(path, settings)
    output = invocation.output
    output.show(found, lambda: output.table(["SETTING", "VALUE", "FROM", ""], [_row(one) for one in found]))


def _local(path: str | None, texts: tuple[str, ...]) -> list[SettingInfo]:
    from gofer.config.force import settings_in_force
    from gofer.config.load import read

    configuration = read(Path(path) if path else None, os.environ, parse_settings(texts, {}))
    configuration.check()
    return settings_in_force(configuration.settings, configuration.sources)


def _row(one: SettingInfo) -> list[Cell]:
    source: Cell = (one.source, "dim") if one.source == "default" else plain(one.place or one.source)
    return [one.key, _value(one), source, ("changes with a restart", "yellow") if one.restart else ""]


def _value(one: SettingInfo) -> Cell:
    if one.hidden:
        return ("(hidden)", "dim")
    if one.value is None or one.value == "":
        return ("(not set)", "dim")
    return plain(one.value if isinstance(one.value, str) else json.dumps(one.value, ensure_ascii=False))
