"""`gofer service printenv`"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click
import msgspec

from gofer.cli.base import Command, pass_invocation

if TYPE_CHECKING:
    from gofer.cli.invocation import Invocation
    from gofer.cli.table import Cell


class Variable(msgspec.Struct, kw_only=True):
    """A variable of the environment. `setting` is the key in the file, empty for one that stands in none."""

    name: str
    default: str | int | bool | list[str] | None
    help: str
    setting: str = ""


@click.command("printenv", cls=Command, examples=["gofer service printenv", "gofer service printenv --format json"])
@pass_invocation
def printenv(invocation: Invocation) -> None:
    """List every environment variable that Gofer reads, with its default and meaning.

    First the server's, then the command line's. Lists are separated by commas.
    """
    found = [*_of_server(), *_of_client()]
    output = invocation.output
    output.show(found, lambda: output.table(["VARIABLE", "DEFAULT", "MEANING"], [_row(one) for one in found]))


def _of_server() -> list[Variable]:
    from gofer.config.load import PATH_VARIABLE, PREFIX
    from gofer.config.settings import Settings

    about = "The server's configuration file. Default: /etc/gofer/gofer.hcl, if there is one."
    return [Variable(name=PATH_VARIABLE, default=None, help=about), *_variables(Settings, PREFIX)]


def _of_client() -> list[Variable]:
    from gofer.config.client import PATH_VARIABLE, PREFIX, ClientSettings

    about = "The command line's configuration file. Default: ~/.gofer.hcl, else ~/.config/gofer.hcl."
    return [Variable(name=PATH_VARIABLE, default=None, help=about), *_variables(ClientSettings, PREFIX)]


def _variables(settings: Any, prefix: str) -> list[Variable]:
    from gofer.config.gather import variable
    from gofer.config.table import table
    from gofer.config.write import simple

    return [
        Variable(name=variable(row.key, prefix), default=simple(row, row.default), help=row.help, setting=row.key)
        for row in table(settings)
    ]


def _row(one: Variable) -> list[Cell]:
    default = one.default
    if default is None or default in ("", []):
        return [one.name, "", one.help]
    return [one.name, default if isinstance(default, str) else json.dumps(default), one.help]
