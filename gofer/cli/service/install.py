"""`gofer service install`"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from gofer.cli.base import Command, pass_invocation
from gofer.cli.exit_codes import ExitCode
from gofer.cli.failure import CommandError
from gofer.cli.service.systemd.ground import Ground, Step
from gofer.cli.service.systemd.layout import OF_PACKAGE, PROGRAM
from gofer.cli.service.systemd.steps import step_lines

if TYPE_CHECKING:
    from gofer.cli.invocation import Invocation

# Folders that the unit hides from the program, or that do not outlive a boot.
_UNSEEN = ("/home", "/root", "/run/user", "/tmp", "/var/tmp")  # noqa: S108


class Installed(msgspec.Struct, kw_only=True):
    """What `service install --format json` prints. `next`: the command to call now."""

    dry_run: bool
    steps: list[Step]
    next: str


@click.command(
    "install",
    cls=Command,
    examples=[
        "gofer service install",
        "gofer service install --dry-run",
        "gofer service install --root /mnt/image",
    ],
)
@pass_invocation
@click.option("--root", type=click.Path(path_type=Path), metavar="DIR", help="Lay it down in this root file system.")
@click.option("--socket", is_flag=True, help="Say how to let systemd hold the address open over restarts, too.")
@click.option("--dry-run", is_flag=True, help="Show what would be done, and change nothing.")
def install(invocation: Invocation, root: Path | None, *, socket: bool, dry_run: bool) -> None:
    """Make Gofer a service of systemd: program, units, user, folders and a sample configuration.

    Doing it again, or with a newer program, brings everything up to date. Data and an existing configuration are never
    touched. With --root no program is called, and nothing is started.
    """
    from gofer.cli.service.systemd.lay_down import lay_down

    ground = Ground(None if root is None else root.absolute(), dry=dry_run)
    ground.check()
    for unit in OF_PACKAGE:
        if ground.place(unit).exists():
            raise CommandError(
                f"Gofer is installed as a Debian package: {ground.place(unit)} is its unit",
                "Upgrade the package (dpkg -i gofer_VERSION_amd64.deb), or remove it first (apt-get remove gofer).",
                exit_code=ExitCode.REFUSED,
            )
    program, source = _program(root)
    lay_down(ground, program, source)
    after = _next(ground, socket=socket)
    done = Installed(dry_run=dry_run, steps=ground.steps, next=after)
    invocation.output.show(done, lambda: step_lines(ground.steps, dry=dry_run))
    invocation.output.note(("Nothing was changed. " if dry_run else "") + f"Next: {after}")
    if not ground.is_active("gofer.service"):
        invocation.output.note("Then, once: gofer service token bootstrap, for the token with which everything begins.")


def _program(root: Path | None) -> tuple[Path, Path | None]:
    """What the unit is to start, and the file to copy there if it is not there yet."""
    if getattr(sys, "frozen", False):
        own = Path(sys.executable).resolve()
        return PROGRAM, None if root is None and own == PROGRAM else Path("/proc/self/exe")
    script = Path(sys.executable).parent / "gofer"
    if not script.is_file():
        raise CommandError(
            f"there is no program to start: {script} does not exist",
            "Install Gofer into this Python environment (pip install gofer), or use the one-file program.",
            exit_code=ExitCode.REFUSED,
        )
    if any(script.is_relative_to(folder) for folder in _UNSEEN):
        raise CommandError(
            f"the service could not see {script}: systemd hides that folder from it",
            "Use the one-file program, which is copied to /usr/local/bin, or an environment below /opt.",
            exit_code=ExitCode.REFUSED,
        )
    return script, None


def _next(ground: Ground, *, socket: bool) -> str:
    if ground.is_active("gofer.service"):
        if socket and not ground.is_active("gofer.socket"):
            # systemd opens no address for a service that runs already.
            return "systemctl enable gofer.socket; systemctl stop gofer; systemctl start gofer.socket gofer"
        return "systemctl restart gofer (jobs that run go on)"
    units = "gofer.socket gofer.service" if socket else "gofer"
    return f"systemctl {'' if ground.live else f'--root={ground.root} '}enable {'--now ' if ground.live else ''}{units}"
