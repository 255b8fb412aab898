"""`gofer pipeline store delete` and `gofer run store delete`"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gofer.cli.arguments import complete_object
from gofer.cli.base import Command, pass_invocation
from gofer.cli.store.place import Level, Place

if TYPE_CHECKING:
    from gofer.cli.invocation import Invocation


def delete(level: Level) -> Command:
    """The command for the objects of pipelines, or of runs."""

    @click.command("delete", cls=Command, examples=[level.example("delete", "mode"), level.example("delete", "a b c")])
    @pass_invocation
    @level.argument
    @click.argument("keys", nargs=-1, required=True, metavar="KEY…", shell_complete=complete_object)
    def command(invocation: Invocation, place: Place, keys: tuple[str, ...]) -> None:
        """Delete objects.

        One after the other, up to the first that is not there.
        """
        output = invocation.output
        targets = [(key, place.path_of(key)) for key in keys]
        deleted: list[str] = []
        try:
            for key, path in targets:
                invocation.client.delete(path)
                deleted.append(key)
                if output.format == "pretty":
                    print(f"object {key} of {place} deleted")
        finally:
            # Also before the error of a later one: these are gone.
            if output.format == "json" and deleted:
                output.document({"deleted": deleted})

    return command
