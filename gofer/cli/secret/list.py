"""`gofer secret list`"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gofer.cli.base import Command, pass_invocation
from gofer.cli.listing import Columns, Paging, paging_options, show_list
from gofer.cli.secret.owner import Owner, owner_options
from gofer.cli.terminal import plain
from gofer.cli.times import ago
from gofer.models.secret import Secret

if TYPE_CHECKING:
    from gofer.cli.invocation import Invocation


@click.command(
    "list", cls=Command, examples=["gofer secret list --pipeline nightly", "gofer secret list --global --format json"]
)
@pass_invocation
@owner_options
@paging_options
def list_(invocation: Invocation, owner: Owner, paging: Paging) -> None:
    """The secrets of a pipeline, or the global ones, without their values."""
    head = ["KEY", "CREATED", "MODIFIED", "BY"]
    if owner.pipeline is None:
        head.insert(1, "NAMESPACES")

    def row(one: Secret) -> list[str]:
        allowed = [" ".join(one.namespaces)] if owner.pipeline is None else []
        return [one.key, *allowed, ago(one.created_at), ago(one.modified_at), plain(one.modified_by)]

    show_list(invocation, owner.all, Secret, {}, paging, Columns(head, row, "No secrets."))
