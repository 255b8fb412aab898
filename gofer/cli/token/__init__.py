"""`gofer token …`"""

from __future__ import annotations

import click

from gofer.cli.base import Command, Entry, Group


def _create() -> Command:
    from gofer.cli.token.create import create

    return create


def _list() -> Command:
    from gofer.cli.token.list import list_

    return list_


def _get() -> Command:
    from gofer.cli.token.get import get

    return get


def _disable() -> Command:
    from gofer.cli.token.enable import disable

    return disable


def _enable() -> Command:
    from gofer.cli.token.enable import enable

    return enable


def _describe() -> Command:
    from gofer.cli.token.describe import describe

    return describe


def _rotate() -> Command:
    from gofer.cli.token.rotate import rotate

    return rotate


def _delete() -> Command:
    from gofer.cli.token.delete import delete

    return delete


def _whoami() -> Command:
    from gofer.cli.token.whoami import whoami

    return whoami


_TABLE = {
    "create": Entry("Make a token; its text is printed this once.", _create),
    "list": Entry("All tokens, without their texts.", _list),
    "get": Entry("What is known of a token, without its text.", _get),
    "disable": Entry("Make a token good for nothing, until it is enabled.", _disable),
    "enable": Entry("Make a disabled token good again.", _enable),
    "describe": Entry("Say anew what a token is for.", _describe),
    "rotate": Entry("Give a token another text, printed this once.", _rotate),
    "delete": Entry("Delete a token; what uses it ends at once.", _delete),
    "whoami": Entry("Whom the server takes you for, and what you may do.", _whoami),
}


@click.group("token", cls=Group, table=_TABLE)
def token() -> None:
    """Let people and programs in, and keep them to what they need.

    The first one is made on the server's machine: gofer service token bootstrap.
    """
