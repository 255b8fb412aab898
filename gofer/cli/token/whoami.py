"""`gofer token whoami`"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gofer.cli.base import Command, pass_invocation
from gofer.client import paths
from gofer.models.access import Grant, Whoami

if TYPE_CHECKING:
    from gofer.cli.invocation import Invocation

_LOCAL = "nobody in particular: in development mode that is enough"


@click.command("whoami", cls=Command, examples=["gofer token whoami"])
@pass_invocation
def whoami(invocation: Invocation) -> None:
    """Whom the server takes you for, and what you may do."""
    found = invocation.client.get(paths.WHOAMI, Whoami)
    invocation.output.show(found, lambda: _lines(invocation, found))


def _lines(invocation: Invocation, found: Whoami) -> list[str]:
    from gofer.cli.terminal import plain
    from gofer.cli.token.show import fields

    known = fields(found.token) if found.token is not None else []
    own = [] if found.kind != "local" else [("you are", _LOCAL)]
    if found.kind == "run":
        own = [("you are", f"the task {plain(found.name)}"), ("namespace", ", ".join(found.namespaces))]
    may = [("may" if i == 0 else "", plain(_words(one))) for i, one in enumerate(found.permissions)]
    return invocation.output.fields([*known, *own, *may])


def _words(grant: Grant) -> str:
    what = "everything" if grant.resources == ["*"] == grant.actions else ""
    what = what or f"{', '.join(grant.actions)}: {', '.join(grant.resources)}"
    return f"{what} (named {', '.join(grant.names)})" if grant.names else what
