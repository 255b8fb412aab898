"""Every rule of a manifest beyond its shape, all problems at once."""

from __future__ import annotations

from gofer.errors import InvalidInput, Problem
from gofer.models.ids import shown
from gofer.models.manifest import MAX_MANIFEST_BYTES, MAX_TASKS, Manifest
from gofer.server.nearest import Nearest
from gofer.server.pipelines.manifest_hash import canonical
from gofer.server.pipelines.report import Report, Scope
from gofer.server.pipelines.rules.artifacts import check_combined_keys, check_shared_outputs
from gofer.server.pipelines.rules.characters import check_characters
from gofer.server.pipelines.rules.common_tasks import check_notifiers
from gofer.server.pipelines.rules.conditions import check_conditions
from gofer.server.pipelines.rules.cycles import check_cycles
from gofer.server.pipelines.rules.dependencies import check_dependencies
from gofer.server.pipelines.rules.document import check_document
from gofer.server.pipelines.rules.fan_out import check_matrices, check_node_ids
from gofer.server.pipelines.rules.interpolations import check_interpolations
from gofer.server.pipelines.rules.parameters import check_parameters
from gofer.server.pipelines.rules.subscriptions import check_json, check_subscriptions
from gofer.server.pipelines.rules.tasks import check_image, check_task


def validate(manifest: Manifest) -> list[Problem]:
    """Everything that is wrong with the manifest, in a stable order; empty if it may be registered. Never raises.

    Takes time in proportion to the manifest's size.
    """
    report = Report()
    check_json(manifest, report)
    if not report.clean:
        return report.problems()
    check_characters(manifest, report)
    readable = report.clean
    check_document(manifest, report)
    check_parameters(manifest, report)
    check_notifiers(manifest, report)
    if readable:
        check_subscriptions(manifest, report)
    if not manifest.tasks:
        report.add("tasks", "there are no tasks", "Add at least one.")
    elif len(manifest.tasks) > MAX_TASKS:
        message = f"there are {len(manifest.tasks)} tasks; at most {MAX_TASKS} are allowed"
        report.add("tasks", message, "Split the pipeline.")
    else:
        _check_tasks(manifest, report)
    if report.clean and (size := len(canonical(manifest))) > MAX_MANIFEST_BYTES:
        message = f"the manifest has {size} bytes as canonical JSON; at most {MAX_MANIFEST_BYTES} are allowed"
        report.add("", message, "Move scripts and data into images or objects, or split the pipeline.")
    return report.problems()


def require_valid(manifest: Manifest) -> None:
    """Raises InvalidInput with all problems of the manifest if it has any."""
    problems = validate(manifest)
    if problems:
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        raise InvalidInput(
            f"The manifest of {shown(manifest.id, 64)} has {count}", "Mend what is listed, and send it again.", problems
        )


def _check_tasks(manifest: Manifest, report: Report) -> None:
    scopes = [Scope(report, f"tasks[{i}]", f"task {shown(task.id, 64)}") for i, task in enumerate(manifest.tasks)]
    known = frozenset(parameter.name for parameter in manifest.parameters)
    nearest = Nearest(known)
    for task, scope in zip(manifest.tasks, scopes, strict=True):
        check_task(task, scope)
        check_interpolations(task, nearest, known, scope)
    owners: dict[str, int] = {}
    safe = check_matrices(manifest, scopes, report)
    for task, scope in zip(manifest.tasks, scopes, strict=True):
        if safe or not task.matrix:
            check_image(task, scope)
            check_combined_keys(task, scope)
    if safe:
        owners = check_node_ids(manifest, scopes)
    needs = check_dependencies(manifest, scopes, owners)
    if check_cycles(manifest, needs, scopes, report):
        check_conditions(manifest, needs, scopes)
        if safe:
            check_shared_outputs(manifest, needs, scopes)
