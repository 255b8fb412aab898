"""`gofer secret put`"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gofer.cli.base import Command, pass_invocation
from gofer.cli.secret.owner import Owner, key_argument, owner_options
from gofer.models.secret import PutGlobalSecret, PutSecret, SecretSet

if TYPE_CHECKING:
    from gofer.cli.invocation import Invocation


@click.command(
    "put",
    cls=Command,
    context_settings={"allow_extra_args": True},
    examples=[
        "gofer secret put db_password --pipeline nightly",
        "pass show db | gofer secret put db_password --pipeline nightly",
        "gofer secret put deploy_key --pipeline nightly --file ~/.ssh/deploy",
        "gofer secret put registry --global --namespaces team-a,team-b",
    ],
)
@pass_invocation
@key_argument
@owner_options
@click.option("--namespaces", metavar="A,B", help="With --global: the namespaces that may use it, or * for all.")
@click.option("--file", metavar="F", help="Take the value from a file; - is stdin.")
@click.option("--exact", is_flag=True, help="Keep every byte, a newline at the end too.")
def put(
    invocation: Invocation,
    key: str,
    owner: Owner,
    namespaces: str | None,
    file: str | None,
    exact: bool,
) -> None:
    """Set a secret: from a prompt, stdin or a file.

    At a terminal the value is asked for twice, without showing it. It is never an argument, as everybody on the machine
    can read those, and the shell writes them down. A value of one line loses the newline at its end; one of several
    lines is kept as it is.
    """
    context = click.get_current_context()
    if context.args or "=" in key:
        # What stands there may be the secret: it is not repeated.
        message = "a value is no argument: others on this machine could read it, and your shell has written it down"
        raise click.UsageError(f"{message}. Leave it out to be asked for it, pipe it in, or give --file", context)
    if namespaces is not None and owner.pipeline is not None:
        raise click.UsageError("--namespaces goes with --global", context)
    from gofer.cli.secret.read_value import read_value

    path = owner.path(key)
    value = read_value(key, file, exact=exact)
    body: PutSecret | PutGlobalSecret = PutSecret(value=value)
    if owner.pipeline is None:
        body = PutGlobalSecret(value=value, namespaces=None if namespaces is None else _split(namespaces))
    done = invocation.client.send("PUT", path, SecretSet, body)
    what = "set" if done.created else "has a new value"
    invocation.output.show(done, lambda: [f"{owner.said(key)} {what}"])
    for warning in done.warnings:
        invocation.output.warn(warning)


def _split(namespaces: str) -> list[str]:
    return [one.strip() for one in namespaces.split(",") if one.strip()]
