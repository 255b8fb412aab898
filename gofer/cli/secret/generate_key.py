"""`gofer secret generate-key`"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gofer.cli.base import Command, pass_invocation

if TYPE_CHECKING:
    from gofer.cli.invocation import Invocation


@click.command(
    "generate-key",
    cls=Command,
    examples=["gofer secret generate-key", "gofer secret generate-key > /etc/credstore/gofer.encryption-key"],
)
@pass_invocation
def generate_key(invocation: Invocation) -> None:
    """Print a new encryption key: 32 random bytes in base64. No server is asked."""
    import base64
    import os

    from gofer.models.encryption_keys import KEY_BYTES

    key = base64.b64encode(os.urandom(KEY_BYTES)).decode()
    invocation.output.show({"key": key}, lambda: [key])
