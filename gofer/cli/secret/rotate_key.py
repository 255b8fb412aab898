"""`gofer secret rotate-key`"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gofer.cli.base import Command, pass_invocation
from gofer.cli.exit_codes import ExitCode
from gofer.client import paths
from gofer.models.secret import Rotation

if TYPE_CHECKING:
    from gofer.cli.invocation import Invocation

_PREVIOUS = "secret_store.sqlite.previous_encryption_keys"


@click.command("rotate-key", cls=Command, examples=["gofer secret rotate-key"])
@pass_invocation
def rotate_key(invocation: Invocation) -> int:
    """Encrypt every secret with the server's current key.

    Before it: make a key with `gofer secret generate-key`, set it as secret_store.sqlite.encryption_key, put the old
    one into secret_store.sqlite.previous_encryption_keys, and let the server read that with `gofer service reload`.
    Secrets can be used all the while. If it is cut short, run it again.
    """
    done = invocation.client.send("POST", paths.ROTATE_KEY, Rotation)
    output = invocation.output
    output.show(done, lambda: [_told(done)])
    if done.damaged:
        output.warn(
            f"{done.damaged} of them do not decrypt with any key that is configured: they were changed in the store. "
            "Put those secrets again."
        )
        return ExitCode.OUTCOME_BAD
    output.note(f"All are under the current key: {_PREVIOUS} may be emptied now. Backups from before need the old key.")
    return ExitCode.OK


def _told(done: Rotation) -> str:
    values = f"{done.total} {'value' if done.total == 1 else 'values'}"
    if done.rotated or done.damaged:
        return f"{done.rotated} of {values} encrypted anew with the current key"
    return f"There was nothing to do: {values}"
