"""`gofer pipeline store list` and `gofer run store list`"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gofer.cli.base import Command, pass_invocation
from gofer.cli.listing import Columns, Paging, paging_options, show_list
from gofer.cli.store.place import Level, Place
from gofer.cli.terminal import plain
from gofer.cli.times import ago
from gofer.models.object import Object
from gofer.models.units import format_size

if TYPE_CHECKING:
    from gofer.cli.invocation import Invocation
    from gofer.cli.table import Cell


def list_(level: Level) -> Command:
    """The command for the objects of pipelines, or of runs."""

    @click.command("list", cls=Command, examples=[level.example("list"), level.example("list", "--format json")])
    @pass_invocation
    @level.argument
    @paging_options
    def command(invocation: Invocation, place: Place, paging: Paging) -> None:
        """The objects there are."""
        empty = f"No objects yet. Put one: {place.command(invocation, 'put', 'KEY=VALUE')}"
        columns = Columns(("KEY", "SIZE", "TYPE", "PUT", "BY"), _row, empty)
        show_list(invocation, place.path, Object, {}, paging, columns)

    return command


def _row(one: Object) -> list[Cell]:
    return [one.key, format_size(one.size), plain(one.content_type), ago(one.modified_at), plain(one.created_by)]
