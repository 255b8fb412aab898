"""`gofer secret get`"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gofer.cli.base import Command, pass_invocation
from gofer.cli.secret.owner import Owner, key_argument, owner_options
from gofer.models.secret import Revealed, Secret

if TYPE_CHECKING:
    from gofer.cli.invocation import Invocation


@click.command(
    "get",
    cls=Command,
    examples=[
        "gofer secret get db_password --pipeline nightly",
        "gofer secret get db_password --pipeline nightly --reveal",
    ],
)
@pass_invocation
@key_argument
@owner_options
@click.option("--reveal", is_flag=True, help="Print the value, and nothing else; an event tells of it.")
def get(invocation: Invocation, key: str, owner: Owner, reveal: bool) -> None:
    """What is known of a secret; its value with --reveal.

    A value is printed as it is, byte by byte; only at a terminal a newline follows it.
    """
    output = invocation.output
    if reveal:
        revealed = invocation.client.send("POST", f"{owner.path(key)}/reveal", Revealed)
        if output.format == "pretty":
            _print(revealed.value)
        else:
            output.show(revealed, lambda: [])
        return
    found = invocation.client.get(owner.path(key), Secret)
    output.show(found, lambda: output.fields(_fields(found)))


def _fields(found: Secret) -> list[tuple[str, str]]:
    from gofer.cli.terminal import plain
    from gofer.cli.times import clock

    whose = [("namespaces", ", ".join(found.namespaces))]
    if found.pipeline:
        whose = [("pipeline", found.pipeline), ("namespace", found.namespace)]
    rows = [
        ("key", found.key),
        *whose,
        ("created", clock(found.created_at)),
        ("created by", plain(found.created_by)),
        ("modified", clock(found.modified_at)),
        ("modified by", plain(found.modified_by)),
    ]
    return [(name, value) for name, value in rows if value]


def _print(value: str) -> None:
    import sys

    from gofer.cli.output import write
    from gofer.cli.terminal import clean, is_terminal

    if is_terminal(sys.stdout):
        print(clean(value, colors=False, motion=True))
    else:
        write(value.encode())
