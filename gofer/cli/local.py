"""`gofer local …`"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gofer.cli.arguments import parameter_option, parse_parameters
from gofer.cli.base import Group, pass_invocation
from gofer.cli.program import Program, program_argument

if TYPE_CHECKING:
    from gofer.cli.invocation import Invocation


@click.group("local", cls=Group)
def local() -> None:
    """Run a pipeline without a server."""


@local.command(
    "run",
    examples=["gofer local run ./examples/dag.py", "gofer local run ./report.py -p day=monday --engine process"],
)
@pass_invocation
@program_argument
@parameter_option
@click.option(
    "--engine",
    type=click.Choice(["auto", "docker", "process", "fake"]),
    default="auto",
    show_default=True,
    help="What runs the tasks; auto: Docker if it answers, else plain processes.",
)
@click.option("--no-logs", is_flag=True, help="Only the tasks and what happens to them.")
def run(invocation: Invocation, program: Program, parameters: tuple[str, ...], engine: str, no_logs: bool) -> int:
    """Run a pipeline once, in a server that lives only as long as the run.

    PATH as for `gofer pipeline create`. The exit code is the run's outcome. Ctrl-C cancels the run. Nothing is left
    behind: no server, no container, no file.
    """
    from gofer.cli.ephemeral import LocalRun, run_locally

    given = parse_parameters(parameters)
    manifest = program.compiled(invocation)
    return run_locally(invocation.output, LocalRun(manifest, dict(given), engine, not no_logs))
