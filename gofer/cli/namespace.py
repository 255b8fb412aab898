"""`gofer namespace …`"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gofer.cli.base import Group, pass_invocation
from gofer.cli.listing import Columns, Paging, paging_options, show_list
from gofer.cli.terminal import plain
from gofer.cli.times import ago, clock
from gofer.client import paths
from gofer.models.pipeline import CreateNamespace, Namespace, UpdateNamespace

if TYPE_CHECKING:
    from gofer.cli.invocation import Invocation


@click.group("namespace", cls=Group)
def namespace() -> None:
    """Make and change namespaces."""


@namespace.command("create", examples=['gofer namespace create team-a --name "Team A"'])
@pass_invocation
@click.argument("namespace_id", metavar="ID")
@click.option("--name", default="", help="Its name for people.")
@click.option("--description", default="", help="What it is for.")
def create(invocation: Invocation, namespace_id: str, name: str, description: str) -> None:
    """Make a namespace."""
    body = CreateNamespace(id=namespace_id, name=name, description=description)
    made = invocation.client.send("POST", paths.NAMESPACES, Namespace, body)
    invocation.output.show(made, lambda: [f"namespace {made.id} created"])
    invocation.output.note(f"Work in it with --namespace {made.id}, or set GOFER_CLI_NAMESPACE.")


@namespace.command("list", examples=["gofer namespace list"])
@pass_invocation
@paging_options
def list_(invocation: Invocation, paging: Paging) -> None:
    """All namespaces."""
    columns = Columns(
        ("NAMESPACE", "NAME", "DESCRIPTION", "CREATED"),
        lambda one: [one.id, plain(one.name), plain(one.description), ago(one.created_at)],
        "No namespaces.",
    )
    show_list(invocation, paths.NAMESPACES, Namespace, {}, paging, columns)


@namespace.command("get", examples=["gofer namespace get default"])
@pass_invocation
@click.argument("namespace_id", metavar="ID")
def get(invocation: Invocation, namespace_id: str) -> None:
    """One namespace."""
    found = invocation.client.get(paths.namespace(namespace_id), Namespace)
    _show(invocation, found)


@namespace.command("update", examples=['gofer namespace update team-a --description "Reports and back-ups"'])
@pass_invocation
@click.argument("namespace_id", metavar="ID")
@click.option("--name", help="Its new name for people.")
@click.option("--description", help="What it is for.")
def update(invocation: Invocation, namespace_id: str, name: str | None, description: str | None) -> None:
    """Change a namespace's name or description. What is not given stays."""
    if name is None and description is None:
        raise click.UsageError("give --name or --description, or both", click.get_current_context())
    body = UpdateNamespace(name=name, description=description)
    _show(invocation, invocation.client.send("PATCH", paths.namespace(namespace_id), Namespace, body))


@namespace.command("delete", examples=["gofer namespace delete team-a"])
@pass_invocation
@click.argument("namespace_id", metavar="ID")
def delete(invocation: Invocation, namespace_id: str) -> None:
    """Delete an empty namespace."""
    invocation.client.delete(paths.namespace(namespace_id))
    invocation.output.show({"deleted": namespace_id}, lambda: [f"namespace {namespace_id} deleted"])


def _show(invocation: Invocation, one: Namespace) -> None:
    output = invocation.output
    output.show(
        one,
        lambda: output.fields(
            [
                ("namespace", one.id),
                ("name", plain(one.name)),
                ("description", plain(one.description)),
                ("created", clock(one.created_at)),
                ("modified", clock(one.modified_at)),
            ]
        ),
    )
