"""`gofer pipeline …`"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

import click
import msgspec

from gofer.cli.arguments import parameter_option, pipeline_argument
from gofer.cli.base import Group, pass_invocation
from gofer.cli.changes import Changes
from gofer.cli.comparison import status
from gofer.cli.deployment import abort, deploy, deployments, promote, rollback
from gofer.cli.diff import Validation, diff
from gofer.cli.exit_codes import ExitCode
from gofer.cli.export import export, import_
from gofer.cli.failure import CommandError
from gofer.cli.hold import deprecate, freeze, held, pause, resume, undeprecate, unfreeze
from gofer.cli.listing import Columns, Paging, paging_options, show_list
from gofer.cli.program import Program, program_argument
from gofer.cli.register import Registration, next_steps, outcome, registration_options
from gofer.cli.status import cell
from gofer.cli.store import store
from gofer.cli.store.place import of_pipelines
from gofer.cli.subscription import described, fetched, subscribe, subscriptions, unsubscribe
from gofer.cli.terminal import plain
from gofer.cli.times import ago, clock
from gofer.cli.versions import versions
from gofer.client import paths
from gofer.client.answers import decode
from gofer.errors import InvalidInput
from gofer.models.pipeline import Pipeline, UpdatePipeline

if TYPE_CHECKING:
    from gofer.cli.invocation import Invocation
    from gofer.cli.table import Cell

_NEXT = 10
_NONE = "none yet"
_ID = re.compile(r"[A-Za-z0-9_-]+\Z")


@click.group("pipeline", cls=Group)
def pipeline() -> None:
    """Register pipelines, look at them and run them."""


@pipeline.command(
    "create",
    examples=[
        "gofer pipeline create ./examples/simple.py",
        "gofer pipeline create ./nightly            # a folder: pipeline.py, main.py, go.mod or Cargo.toml",
        "./my-generator | gofer pipeline create -",
    ],
)
@pass_invocation
@program_argument
@registration_options
def create(invocation: Invocation, program: Program, registration: Registration) -> None:
    """Register a pipeline, or a new version of it.

    PATH is a Python file, a folder, an executable file of any language, a manifest in JSON (*.json), or - for a
    manifest on stdin. The program is run in a process of its own and prints the manifest. The same content again makes
    no new version. What a new version changes is shown. It is live at once, unless with --no-deploy.
    """
    registered = registration.send(invocation, program.compiled(invocation))
    output = invocation.output
    # Of a new pipeline everything is new.
    changes = [] if registered.created or not registered.changed else registered.changes
    output.show(registered, lambda: [*Changes(changes, color=output.color).lines(), *outcome(registered)])
    for step in next_steps(invocation, registered):
        output.note(step)


@pipeline.command("validate", examples=["gofer pipeline validate ./examples/simple.py"])
@pass_invocation
@program_argument
def validate(invocation: Invocation, program: Program) -> int:
    """Say everything that is wrong with a pipeline.

    PATH as for `gofer pipeline create`. Nothing is registered. Ends with exit code 5 where there are problems.
    """
    manifest = program.compiled(invocation)
    answer = invocation.client.send_bytes(paths.VALIDATE, manifest.body, manifest.content_type)
    found = decode(answer, Validation, invocation.client.address)
    output = invocation.output
    if output.format == "json":
        output.document(found)
    elif found.problems:
        count = len(found.problems)
        problems = f"{count} problem{'s' if count > 1 else ''}"
        output.error(InvalidInput(f"{plain(manifest.source)} has {problems}", problems=found.problems))
    else:
        output.show(found, lambda: [f"{plain(manifest.source)} is valid"])
    return ExitCode.REFUSED if found.problems else ExitCode.OK


@pipeline.command("list", examples=["gofer pipeline list", "gofer pipeline list --all --format json"])
@pass_invocation
@paging_options
def list_(invocation: Invocation, paging: Paging) -> None:
    """The pipelines of the namespace."""
    columns = Columns(
        ("PIPELINE", "NAME", "ENABLED", "HELD", "VERSION", "RUNS", "LAST RUN", ""),
        _row,
        "No pipelines yet. Register one: gofer pipeline create PATH",
    )
    show_list(invocation, paths.pipelines(invocation.namespace), Pipeline, {}, paging, columns)


def _row(one: Pipeline) -> list[Cell]:
    enabled: Cell = "yes" if one.enabled else ("no", "yellow")
    held_by: Cell = (", ".join(hold.kind for hold in one.holds), "yellow")
    last = one.last_run
    version: Cell = str(one.version) if one.version else ("none", "yellow")
    start: list[Cell] = [one.id, plain(one.name), enabled, held_by, version, str(one.runs)]
    return [*start, *([cell(last.status), f"#{last.id} {ago(last.created_at)}"] if last else ["", ""])]


@pipeline.command("get", examples=["gofer pipeline get nightly"])
@pass_invocation
@pipeline_argument
def get(invocation: Invocation, pipeline: str) -> None:
    """One pipeline, and what will start runs of it.

    With the next ten times of each subscription, where its trigger knows them.
    """
    found = invocation.client.get(paths.pipeline(invocation.namespace, pipeline), Pipeline)
    triggered = fetched(invocation, pipeline, _NEXT)
    output = invocation.output
    below = ["", *described(output, triggered)] if triggered else []
    whole = {**msgspec.structs.asdict(found), "subscriptions": triggered}
    output.show(whole, lambda: [*_described(invocation, found), *below])


def _described(invocation: Invocation, one: Pipeline) -> Iterable[str]:
    pairs: list[tuple[str, Cell]] = [
        ("pipeline", one.id),
        ("name", plain(one.name)),
        ("namespace", one.namespace),
        ("description", plain(one.description)),
        ("enabled", "yes" if one.enabled else ("no: new runs are refused", "yellow")),
        *((hold.kind, (held(hold), "yellow")) for hold in one.holds),
        ("version", f"{one.version or _NONE} ({one.versions} in all)"),
        ("runs", str(one.runs)),
        ("created", clock(one.created_at)),
        ("modified", clock(one.modified_at)),
    ]
    if one.deployment is not None:
        pairs.append(("deployment", (f"{one.deployment}, under way: gofer pipeline status {one.id}", "yellow")))
    if one.last_run is not None:
        text, look = cell(one.last_run.status)
        pairs.append(("last run", (f"#{one.last_run.id} {text}, {ago(one.last_run.created_at)}", look)))
    return invocation.output.fields(pairs)


@pipeline.command(
    "run",
    examples=["gofer pipeline run nightly --follow", "gofer pipeline run nightly -p day=monday -p force=true"],
)
@pass_invocation
@pipeline_argument
@parameter_option
@click.option("--version", type=click.IntRange(1), metavar="N", help="Run this version rather than the live one.")
@click.option("--follow", "-f", is_flag=True, help="Follow the run; the exit code is its outcome.")
def run(
    invocation: Invocation, pipeline: str, parameters: tuple[str, ...], version: int | None, follow: bool
) -> int | None:
    """Start a run (the same as `gofer run start`)."""
    from gofer.cli.run import start_run

    return start_run(invocation, pipeline, parameters, version, follow)


@pipeline.command("enable", examples=["gofer pipeline enable nightly"])
@pass_invocation
@pipeline_argument
def enable(invocation: Invocation, pipeline: str) -> None:
    """Let a pipeline start runs again."""
    _set_enabled(invocation, pipeline, True)


@pipeline.command("disable", examples=["gofer pipeline disable nightly"])
@pass_invocation
@pipeline_argument
def disable(invocation: Invocation, pipeline: str) -> None:
    """Let a pipeline start no new runs. Those that run go on."""
    _set_enabled(invocation, pipeline, False)


def _set_enabled(invocation: Invocation, pipeline: str, enabled: bool) -> None:
    path = paths.pipeline(invocation.namespace, pipeline)
    changed = invocation.client.send("PATCH", path, Pipeline, UpdatePipeline(enabled=enabled))
    invocation.output.show(changed, lambda: [f"pipeline {changed.id} {'enabled' if changed.enabled else 'disabled'}"])


@pipeline.command("delete", examples=["gofer pipeline delete nightly"])
@pass_invocation
@pipeline_argument
def delete(invocation: Invocation, pipeline: str) -> None:
    """Delete a pipeline with its versions, runs and logs. Refused while a run of it is unfinished."""
    invocation.client.delete(paths.pipeline(invocation.namespace, pipeline))
    invocation.output.show({"deleted": pipeline}, lambda: [f"pipeline {pipeline} deleted"])


@pipeline.command(
    "graph",
    examples=[
        "gofer pipeline graph nightly",
        "gofer pipeline graph ./examples/dag.py --format svg > dag.svg",
        "gofer pipeline graph nightly --format mermaid --version 3",
    ],
)
@pass_invocation
@click.argument("target", metavar="PIPELINE|PATH")
@click.option(
    "--format",
    "kind",
    type=click.Choice(["text", "mermaid", "svg"]),
    default="text",
    show_default=True,
    help="As what.",
)
@click.option("--version", type=click.IntRange(1), metavar="N", help="Of a registered pipeline: which version.")
def graph(invocation: Invocation, target: str, kind: str, version: int | None) -> None:
    """Draw a pipeline's tasks and what they wait for.

    The argument is the id of a registered pipeline, or a path as for `gofer pipeline create` (anything with a dot or a
    slash in it, or -).
    """
    if _ID.match(target) and target != "-":
        path = f"{paths.pipeline(invocation.namespace, target)}/graph"
        text = invocation.client.text(path, {"format": kind, "version": version})
    else:
        text = _graph_of_file(invocation, target, kind, version)
    invocation.output.show({"format": kind, "graph": text}, lambda: [text.rstrip("\n")])


def _graph_of_file(invocation: Invocation, path: str, kind: str, version: int | None) -> str:
    if version is not None:
        raise CommandError("--version is for registered pipelines", "Name one by its id.", exit_code=ExitCode.USAGE)
    manifest = Program(path).compiled(invocation)
    answer = invocation.client.send_bytes(paths.GRAPH, manifest.body, manifest.content_type, {"format": kind})
    return answer.decode(errors="replace")


for command in (
    diff, versions, deploy, rollback, promote, abort, status, deployments, export, import_,
    subscribe, unsubscribe, subscriptions,
):  # fmt: skip
    pipeline.add_command(command)
for hold_command in (pause, resume, freeze, unfreeze, deprecate, undeprecate):
    pipeline.add_command(hold_command)
pipeline.add_command(store(of_pipelines()))
