"""`gofer apply`"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click
import msgspec

from gofer.cli.apply.plan import Plan, Step, Wanted, planned
from gofer.cli.apply.show import lines
from gofer.cli.apply.sources import sources
from gofer.cli.base import Command, pass_invocation
from gofer.cli.exit_codes import ExitCode
from gofer.cli.failure import CommandError, exit_code_of
from gofer.cli.program import python_option, timeout_option
from gofer.cli.register import Registration, registration_options
from gofer.cli.terminal import is_terminal
from gofer.client import paths
from gofer.errors import ClientError

if TYPE_CHECKING:
    from gofer.cli.invocation import Invocation


class Applied(msgspec.Struct, kw_only=True):
    """What is printed as JSON. `dry_run`: nothing was done."""

    namespace: str
    folder: str
    dry_run: bool
    pipelines: list[Step]


@click.command(
    "apply",
    cls=Command,
    examples=[
        "gofer apply ./pipelines --dry-run",
        "gofer apply ./pipelines --namespace team",
        'gofer apply ./pipelines --prune --yes --notes "$(git rev-parse HEAD)"',
    ],
)
@pass_invocation
@click.argument("folder", metavar="DIR", type=click.Path())
@click.option("--dry-run", is_flag=True, help="Show the plan, and do nothing.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@click.option("--prune", is_flag=True, help="Delete pipelines that the folder has not, with their runs.")
@registration_options
@timeout_option
@python_option
def apply(
    invocation: Invocation,
    folder: str,
    dry_run: bool,
    yes: bool,
    prune: bool,
    registration: Registration,
    timeout: float,
    python: str | None,
) -> int:
    """Make a namespace equal to a folder of pipelines.

    The pipelines of DIR are the files and sub-folders that `gofer pipeline create` takes; names that begin with "." or
    "_" are left out. All are compiled and compared with what is live. The plan is shown, and after a yes carried out:
    new ones are created, changed ones registered and deployed. Others of the namespace stay, unless --prune says that
    they go. Where anything is wrong, nothing is changed.
    """
    output = invocation.output
    if not (dry_run or yes) and (output.format != "pretty" or not is_terminal(sys.stdin)):
        hint = "See the plan with --dry-run, and carry it out with --yes."
        raise CommandError("nobody can be asked here whether to apply the plan", hint, exit_code=ExitCode.USAGE)
    found = sources(folder)
    if found.skipped:
        output.note(f"No pipelines, so skipped: {', '.join(found.skipped)}")
    plan = planned(invocation, found, Wanted(registration, prune, timeout, python))
    if output.format == "pretty":
        for line in lines(output, plan):
            print(line)
    errors: Sequence[ClientError] = ()
    if plan.to_do and not dry_run:
        if not (yes or click.confirm(f"Apply this to the namespace {invocation.namespace}?", err=True)):
            output.note("Nothing was changed.")
            return ExitCode.OUTCOME_BAD
        errors = _carry_out(invocation, plan, registration)
    if output.format == "json":
        output.document(Applied(namespace=invocation.namespace, folder=folder, dry_run=dry_run, pipelines=plan.steps))
    if not errors:
        return ExitCode.OK
    raise _failed(plan, errors)


def _failed(plan: Plan, errors: Sequence[ClientError]) -> CommandError:
    done = len(plan.to_do) - len(errors)
    return CommandError(
        f"{len(errors)} of {len(plan.to_do)} steps could not be done{'; the others were' if done else ''}",
        "Mend that, and apply the folder again: what was done is unchanged then.",
        exit_code=exit_code_of(errors[0]),
    )


def _carry_out(invocation: Invocation, plan: Plan, registration: Registration) -> Sequence[ClientError]:
    """Do every step, each by itself; returns what has failed, all of which was printed. Raises ClientError where the
    server is gone."""
    errors = []
    for step in plan.to_do:
        try:
            done = _do(invocation, plan, step, registration)
        except ClientError as error:
            step.error = error.message
            error.message = f"pipeline {step.pipeline}: {error.message}"
            if error.problem_status == 0:
                raise
            invocation.output.error(error)
            errors.append(error)
        else:
            step.done = True
            if invocation.output.format == "pretty":
                print(done)
    return errors


def _do(invocation: Invocation, plan: Plan, step: Step, registration: Registration) -> str:
    if step.action == "delete":
        invocation.client.delete(paths.pipeline(invocation.namespace, step.pipeline))
        return f"pipeline {step.pipeline} deleted"
    registered = registration.send(invocation, plan.manifests[step.pipeline])
    step.version = registered.version
    if registered.compared_with != step.from_version:
        invocation.output.warn(
            f"pipeline {step.pipeline}: somebody was faster, it was at version {registered.compared_with} and not at "
            f"{step.from_version} of the plan"
        )
    live = "" if registered.pipeline.version == registered.version else ", not live"
    return f"pipeline {step.pipeline} {step.action}d, version {registered.version}{live}"
