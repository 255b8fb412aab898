"""`gofer service init-config`"""

from __future__ import annotations

import os
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

import click

from gofer.cli.base import Command, pass_invocation
from gofer.cli.exit_codes import ExitCode
from gofer.cli.failure import CommandError
from gofer.cli.output import write

if TYPE_CHECKING:
    from gofer.cli.invocation import Invocation


@click.command(
    "init-config",
    cls=Command,
    examples=[
        "gofer service init-config",
        "gofer service init-config --production /etc/gofer/gofer.hcl",
        "gofer service init-config --dev - > gofer.hcl",
    ],
)
@pass_invocation
@click.argument("file", default="-", type=click.Path(allow_dash=True))
@click.option(
    "--production/--dev", default=False, help="For a server run by systemd, or one person's machine (the default)."
)
@click.option("--force", is_flag=True, help="Replace FILE if it exists.")
def init_config(invocation: Invocation, file: str, production: bool, force: bool) -> None:
    """Write a configuration file for the server, with every setting in it, explained.

    What is commented out is the default. FILE - (or none) is standard output.
    """
    from gofer.config.sample import sample

    data = sample("production" if production else "dev").encode()
    if file == "-":
        write(data)
        return
    path = Path(file)
    try:
        _write(path, data, force)
    except FileExistsError:
        raise CommandError(
            f"{path} exists already", "Give another name, or --force to replace it.", exit_code=ExitCode.REFUSED
        ) from None
    except OSError as error:
        raise CommandError(
            f"{path} cannot be written: {error.strerror}",
            "Make its folder, or choose one where this user may write.",
            exit_code=ExitCode.OUTPUT_FAILED,
        ) from None
    invocation.output.note(f"Wrote {path}. Check it after every change: gofer service config check {quote(str(path))}")


def _write(path: Path, data: bytes, force: bool) -> None:
    """All or nothing: a file that is replaced is never half written."""
    if not force:
        with path.open("xb") as file:
            file.write(data)
        return
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        fresh.write_bytes(data)
        if path.exists():
            fresh.chmod(path.stat().st_mode & 0o7777)
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)
