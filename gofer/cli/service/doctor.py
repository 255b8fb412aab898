"""`gofer service doctor`"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from gofer.cli.base import Command, pass_invocation
from gofer.cli.exit_codes import ExitCode
from gofer.cli.terminal import plain
from gofer.client import paths
from gofer.errors import ClientError
from gofer.models.system import Check

if TYPE_CHECKING:
    from gofer.cli.invocation import Invocation
    from gofer.cli.output import Output

# Longer than the server takes for the longest of its checks.
_TIMEOUT = 75.0
_DEEP_TIMEOUT = 2 * 3_600.0
_LOOKS = {"ok": "green", "warning": "yellow", "error": "red"}


@click.command(
    "doctor",
    cls=Command,
    examples=[
        "gofer service doctor",
        "gofer service doctor --deep",
        "gofer service doctor --config /etc/gofer/gofer.hcl",
    ],
)
@pass_invocation
@click.option("--config", metavar="FILE", help="The server's configuration file, for where no server answers.")
@click.option("--deep", is_flag=True, help="Look at the whole database, however long that takes.")
def doctor(invocation: Invocation, config: str | None, deep: bool) -> int:
    """Look for what is wrong, and say what to do about it.

    Asks the server, in production with a token that allows system:read; where none answers, looks at this machine. The
    exit code is 1 if there is an error.
    """
    path = config or invocation.take("config")
    try:
        checks = _ask(invocation, deep=deep)
    except ClientError as error:
        if error.problem_status != 0:
            raise
        from gofer.cli.service.local_checks import local_checks

        checks = local_checks(error, os.environ, path, deep=deep)
    output = invocation.output
    output.show(checks, lambda: [line for check in checks for line in _check_lines(output, check)])
    return ExitCode.OUTCOME_BAD if any(check.level == "error" for check in checks) else ExitCode.OK


def _ask(invocation: Invocation, *, deep: bool) -> list[Check]:
    from gofer.client.http import Client

    client = Client(invocation.server, timeout=_DEEP_TIMEOUT if deep else _TIMEOUT)
    try:
        return client.get(paths.CHECKS, list[Check], {"deep": True if deep else None})
    finally:
        client.close()


def _check_lines(output: Output, check: Check) -> list[str]:
    from gofer.cli.terminal import paint

    symbol = {"ok": "✔", "warning": "!", "error": "✘"}.get(check.level, "?")
    level = f"{symbol} {check.level:<7}"
    level = paint(level, _LOOKS.get(check.level, "dim")) if output.color else level
    lines = [f"{level}  {plain(check.name)}: {plain(check.message)}"]
    return [*lines, f"             {plain(check.hint)}"] if check.hint else lines
