"""`gofer service config check`"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from gofer.cli.base import Command, pass_invocation
from gofer.cli.exit_codes import ExitCode
from gofer.cli.terminal import paint, plain

if TYPE_CHECKING:
    from gofer.cli.invocation import Invocation
    from gofer.cli.output import Output
    from gofer.errors import Problem


class Checked(msgspec.Struct, kw_only=True):
    """What `--format json` prints. `file` is empty where none was read; without `errors` the server starts."""

    file: str
    errors: list[Problem]
    warnings: list[Problem]


@click.command(
    "check",
    cls=Command,
    examples=["gofer service config check", "gofer service config check /etc/gofer/gofer.hcl --format json"],
)
@pass_invocation
@click.argument("file", required=False, type=click.Path(dir_okay=True))
def check(invocation: Invocation, file: str | None) -> int:
    """Say everything that is wrong with the configuration, and what is doubtful.

    FILE is the server's configuration file; without it, the one that the server would read. The environment counts as
    it does for the server. The exit code is 2 if the server would not start, and 0 where there are only warnings. Call
    it as the user that the server runs as: what may be read and written depends on that.
    """
    from gofer.config.load import read
    from gofer.config.rules import doubts, faults

    path = file or invocation.take("config")
    configuration = read(Path(path) if path else None, os.environ, {})
    found = Checked(
        file=str(configuration.file or ""),
        errors=[*configuration.problems, *faults(configuration)],
        # Of a file that ends in the middle nobody knows what else it would have said.
        warnings=doubts(configuration, time.time()) if configuration.whole else [],
    )
    output = invocation.output
    output.show(found, lambda: _lines(output, found))
    return ExitCode.USAGE if found.errors else ExitCode.OK


def _lines(output: Output, found: Checked) -> list[str]:
    lines = [
        line
        for word, look, problems in (("error", "red", found.errors), ("warning", "yellow", found.warnings))
        for problem in problems
        for line in _problem(output, f"{word}:", look, problem)
    ]
    what = f"The configuration in {plain(found.file)}" if found.file else "The configuration (there is no file)"
    if found.errors:
        count = len(found.errors)
        return [*lines, f"{what} has {count} {'error' if count == 1 else 'errors'}: the server would not start."]
    return [*lines, f"{what} is sound."]


def _problem(output: Output, word: str, look: str, problem: Problem) -> list[str]:
    head = paint(word, look, "bold") if output.color else word
    lines = [f"{head} {plain(problem.place)}: {plain(problem.message)}"]
    return [*lines, f"    {plain(problem.hint)}"] if problem.hint else lines
