"""`gofer up`"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
import msgspec

from gofer.cli.arguments import parameter_option, parse_parameters
from gofer.cli.base import Command, pass_invocation
from gofer.cli.diff import asked, described
from gofer.cli.program import Program, program_argument
from gofer.cli.register import Registration, next_steps, outcome, registration_options
from gofer.cli.terminal import plain
from gofer.errors import ClientError
from gofer.models.pipeline import Registered

if TYPE_CHECKING:
    from gofer.cli.compile import Manifest
    from gofer.cli.invocation import Invocation


class RegisteredItem(msgspec.Struct, tag_field="type", tag="registered", kw_only=True):
    """The first line where a followed run is printed as JSON."""

    registered: Registered


@click.command(
    "up",
    cls=Command,
    examples=[
        "gofer up ./nightly.py",
        "gofer up ./nightly.py --run -p day=monday",
        'gofer up ./nightly.py --no-deploy --run --notes "another image"',
    ],
)
@pass_invocation
@program_argument
@registration_options
@click.option("--run", is_flag=True, help="Start a run of it and follow it; the exit code is its outcome.")
@parameter_option
def up(
    invocation: Invocation, program: Program, registration: Registration, run: bool, parameters: tuple[str, ...]
) -> int | None:
    """Check a pipeline, show what changes, make it live, run it.

    PATH as for `gofer pipeline create`. What has problems is not registered; content that is live already is said to be
    unchanged, and that is no error. `--run` runs the very version that was registered, also with `--no-deploy`.
    """
    if parameters and not run:
        raise click.UsageError("--param is for a run: give --run too.")
    parse_parameters(parameters)
    manifest = program.compiled(invocation)
    output = invocation.output
    expected = _show_changes(invocation, manifest) if output.format == "pretty" else None
    registered = registration.send(invocation, manifest)
    if expected not in (None, registered.compared_with):
        output.warn(f"somebody was faster: what changed is now version {registered.compared_with}, not {expected}")
    if run and output.format == "json":
        output.item(RegisteredItem(registered=registered))
    else:
        output.show(registered, lambda: outcome(registered))
    if run:
        from gofer.cli.run import start_run

        return start_run(invocation, registered.pipeline.id, parameters, registered.version, True)
    for step in next_steps(invocation, registered):
        output.note(step)
    return None


def _show_changes(invocation: Invocation, manifest: Manifest) -> int | None:
    """What it is compared with; None where only registering is allowed. No changes: nothing is said yet."""
    try:
        found = asked(invocation, manifest)
    except ClientError as error:
        if error.problem_status != 403:
            raise
        invocation.output.warn(f"what changes cannot be shown: {error.message}")
        return None
    if found.changes:
        for line in described(invocation.output, found, plain(manifest.source)):
            print(line)
    return found.from_version
