"""`gofer secret …`"""

from __future__ import annotations

import click

from gofer.cli.base import Command, Entry, Group


def _put() -> Command:
    from gofer.cli.secret.put import put

    return put


def _get() -> Command:
    from gofer.cli.secret.get import get

    return get


def _list() -> Command:
    from gofer.cli.secret.list import list_

    return list_


def _delete() -> Command:
    from gofer.cli.secret.delete import delete

    return delete


def _rotate_key() -> Command:
    from gofer.cli.secret.rotate_key import rotate_key

    return rotate_key


def _generate_key() -> Command:
    from gofer.cli.secret.generate_key import generate_key

    return generate_key


_TABLE = {
    "put": Entry("Set a secret: from a prompt, stdin or a file.", _put),
    "get": Entry("What is known of a secret; its value with --reveal.", _get),
    "list": Entry("The secrets of a pipeline, or the global ones, without their values.", _list),
    "delete": Entry("Delete a secret.", _delete),
    "rotate-key": Entry("Encrypt every secret with the server's current key.", _rotate_key),
    "generate-key": Entry("Print a new encryption key.", _generate_key),
}


@click.group("secret", cls=Group, table=_TABLE)
def secret() -> None:
    """Keep passwords and tokens for pipelines, encrypted.

    A task gets a secret where one of its variables says secret{{key}}, or global_secret{{key}}.
    """
