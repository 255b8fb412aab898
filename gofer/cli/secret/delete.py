"""`gofer secret delete`"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gofer.cli.base import Command, pass_invocation
from gofer.cli.secret.owner import Owner, key_argument, owner_options

if TYPE_CHECKING:
    from gofer.cli.invocation import Invocation


@click.command("delete", cls=Command, examples=["gofer secret delete db_password --pipeline nightly"])
@pass_invocation
@key_argument
@owner_options
def delete(invocation: Invocation, key: str, owner: Owner) -> None:
    """Delete a secret. Tasks that name it fail from then on, with a reason that names it."""
    invocation.client.delete(owner.path(key))
    invocation.output.show({"deleted": key}, lambda: [f"{owner.said(key)} deleted"])
