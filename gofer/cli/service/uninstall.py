"""`gofer service uninstall`"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from gofer.cli.base import Command, pass_invocation
from gofer.cli.service.systemd.ground import Ground, Step
from gofer.cli.service.systemd.steps import step_lines

if TYPE_CHECKING:
    from gofer.cli.invocation import Invocation


class Uninstalled(msgspec.Struct, kw_only=True):
    """What `service uninstall --format json` prints. `left`: configuration, encryption key and data, which stay."""

    dry_run: bool
    steps: list[Step]
    left: list[str]


@click.command("uninstall", cls=Command, examples=["gofer service uninstall", "gofer service uninstall --dry-run"])
@pass_invocation
@click.option("--root", type=click.Path(path_type=Path), metavar="DIR", help="Remove it from this root file system.")
@click.option("--dry-run", is_flag=True, help="Show what would be done, and change nothing.")
def uninstall(invocation: Invocation, root: Path | None, *, dry_run: bool) -> None:
    """Stop the service, and remove what `gofer service install` has laid down.

    Configuration, encryption key, data and the user stay, and so do containers that run. A file that was changed since
    stays too.
    """
    from gofer.cli.service.systemd.take_away import take_away

    ground = Ground(None if root is None else root.absolute(), dry=dry_run)
    ground.check()
    left = [str(path) for path in take_away(ground)]
    done = Uninstalled(dry_run=dry_run, steps=ground.steps, left=left)
    invocation.output.show(done, lambda: step_lines(ground.steps, dry=dry_run))
    if dry_run:
        invocation.output.note("Nothing was changed.")
    if left:
        invocation.output.note(
            f"Configuration, encryption key and data stay: {', '.join(left)}. Remove them yourself if you want to."
        )
