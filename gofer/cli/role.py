"""`gofer role …`"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gofer.cli.arguments import complete_role
from gofer.cli.base import Group, pass_invocation
from gofer.cli.listing import Columns, Paging, paging_options, show_list
from gofer.cli.terminal import plain
from gofer.cli.times import clock
from gofer.client import paths
from gofer.models.access import CreateRole, ReplaceRole, Role, RoleDeleted, WantedGrant
from gofer.models.grants import parse_grant, written

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gofer.cli.invocation import Invocation

_ALLOW = "What it allows, such as 'runs,logs:read,run'; repeat for more."
_FILE = "Take it from a file of JSON, as `role get --format json` prints it; - is stdin."


@click.group("role", cls=Group)
def role() -> None:
    """Say what tokens may do.

    A role is a named set of permissions, each written RESOURCES:ACTIONS, or RESOURCES:ACTIONS@NAMES: lists with commas,
    * for all of them. In names * stands for any characters; PIPELINE/KEY narrows secrets and objects down to keys.
    """


@role.command("list", examples=["gofer role list"])
@pass_invocation
@paging_options
def list_(invocation: Invocation, paging: Paging) -> None:
    """All roles, with those that every server has."""
    columns = Columns(
        ("ROLE", "OF THE SYSTEM", "DESCRIPTION", "ALLOWS"),
        lambda one: [one.id, "yes" if one.system else "no", plain(one.description), _in_short(one)],
        "No roles.",
    )
    show_list(invocation, paths.ROLES, Role, {}, paging, columns)


@role.command("get", examples=["gofer role get operator", "gofer role get nightly --format json > role.json"])
@pass_invocation
@click.argument("role_id", metavar="ID", shell_complete=complete_role)
def get(invocation: Invocation, role_id: str) -> None:
    """One role, with everything that it allows."""
    _show(invocation, invocation.client.get(paths.role(role_id), Role))


@role.command(
    "create",
    examples=[
        "gofer role create watcher --allow 'pipelines,runs,logs:read'",
        "gofer role create nightly --allow 'runs,logs:read,run@nightly-*' --allow 'secrets:read,write@nightly-*/db_*'",
        "gofer role create nightly --file role.json",
    ],
)
@pass_invocation
@click.argument("role_id", metavar="ID")
@click.option("--allow", "allowed", metavar="GRANT", multiple=True, help=_ALLOW)
@click.option("--description", help="What it is for.")
@click.option("--file", metavar="F", help=_FILE)
def create(
    invocation: Invocation, role_id: str, allowed: tuple[str, ...], description: str | None, file: str | None
) -> None:
    """Make a role. Give it to a token with `gofer token create --role ID`."""
    if bool(allowed) == (file is not None):
        raise click.UsageError("say what it allows: with --allow, or with --file", click.get_current_context())
    body = CreateRole(id=role_id, description=description or "", permissions=_grants(allowed))
    if file is not None:
        read = _read(role_id, file)
        body.permissions = read.permissions
        body.description = read.description if description is None else description
    made = invocation.client.send("POST", paths.ROLES, Role, body)
    invocation.output.show(made, lambda: [f"role {made.id} created"])
    invocation.output.note(f"Give it to a token: gofer token create --role {made.id} --namespace …")


@role.command(
    "update",
    examples=[
        "gofer role update watcher --allow 'pipelines,runs,logs,objects:read'",
        'gofer role update watcher --description "For the screen in the hall"',
    ],
)
@pass_invocation
@click.argument("role_id", metavar="ID", shell_complete=complete_role)
@click.option("--allow", "allowed", metavar="GRANT", multiple=True, help=f"{_ALLOW} In place of all that it allowed.")
@click.option("--description", help="What it is for.")
@click.option("--file", metavar="F", help=_FILE)
def update(
    invocation: Invocation, role_id: str, allowed: tuple[str, ...], description: str | None, file: str | None
) -> None:
    """Change a role. What is not given stays.

    It holds at once for every token that has it; what they follow (logs, events) is cut off and has to be opened again.
    """
    if allowed and file is not None:
        raise click.UsageError("give --allow or --file, not both", click.get_current_context())
    if not allowed and description is None and file is None:
        raise click.UsageError("give --allow, --file or --description", click.get_current_context())
    # What is left out the server keeps: somebody else may change it at the same time.
    body = ReplaceRole(description=description, permissions=_grants(allowed) or None)
    if file is not None:
        read = _read(role_id, file)
        body.permissions = read.permissions
        body.description = read.description if description is None else description
    changed = invocation.client.send("PUT", paths.role(role_id), Role, body)
    _show(invocation, changed)


@role.command("delete", examples=["gofer role delete watcher", "gofer role delete watcher --force"])
@pass_invocation
@click.argument("role_id", metavar="ID", shell_complete=complete_role)
@click.option("--force", is_flag=True, help="Also if tokens have it: they lose what it allows, at once.")
def delete(invocation: Invocation, role_id: str, force: bool) -> None:
    """Delete a role. One that tokens have is kept, and it is said which, unless --force is given."""
    path = paths.role(role_id) + ("?force=true" if force else "")
    gone = invocation.client.send("DELETE", path, RoleDeleted)
    invocation.output.show({"deleted": role_id, "tokens": gone.tokens}, lambda: [f"role {role_id} deleted"])
    if gone.tokens:
        invocation.output.note(f"These tokens have lost it: {', '.join(gone.tokens)}")


def _grants(allowed: Iterable[str]) -> list[WantedGrant]:
    return [_grant(text) for text in allowed]


def _grant(text: str) -> WantedGrant:
    grant = parse_grant(text)
    if grant is None:
        raise click.BadParameter(
            f'expected RESOURCES:ACTIONS or RESOURCES:ACTIONS@NAMES, such as runs,logs:read, got "{plain(text)}"',
            param_hint="'--allow'",
        )
    return grant


def _read(role_id: str, file: str) -> CreateRole:
    from gofer.cli.role_file import read_role

    return read_role(role_id, file)


def _in_short(one: Role) -> str:
    return plain("  ".join(written(grant) for grant in one.permissions))


def _show(invocation: Invocation, one: Role) -> None:
    output = invocation.output
    fields = [
        ("role", one.id),
        ("description", plain(one.description)),
        *[("allows" if i == 0 else "", plain(written(grant))) for i, grant in enumerate(one.permissions)],
    ]
    if one.system:
        fields.append(("made by", "the system: it cannot be changed"))
    else:
        fields += [
            ("created", f"{clock(one.created_at)} {plain(one.created_by)}".strip()),
            ("modified", f"{clock(one.modified_at)} {plain(one.modified_by)}".strip()),
        ]
    output.show(one, lambda: output.fields(fields))
