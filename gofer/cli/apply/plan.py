"""What makes a namespace equal to a folder: every pipeline compiled and compared before anything is changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

import msgspec

from gofer.cli.apply.sources import Sources
from gofer.cli.diff import asked, id_of
from gofer.cli.exit_codes import ExitCode
from gofer.cli.failure import CommandError, exit_code_of
from gofer.cli.listing import Paging, fetch
from gofer.cli.program import Program
from gofer.cli.register import Registration
from gofer.cli.terminal import plain
from gofer.cli.times import clock
from gofer.client import paths
from gofer.errors import ClientError, Conflict, GoferError, InvalidInput
from gofer.models.diff import Change
from gofer.models.export import FORMAT
from gofer.models.pipeline import Pipeline

if TYPE_CHECKING:
    from gofer.cli.compile import Manifest
    from gofer.cli.invocation import Invocation

Action = Literal["create", "update", "unchanged", "delete", "extra"]

_OF_ONE = (400, 409, 413, 422)
"""What the server answers because of what is in one manifest."""
_MEND = "Mend what is listed, and apply the folder again."


class Step(msgspec.Struct, kw_only=True):
    """What is to be done with one pipeline. `path` is where it comes from, empty for one that the folder has not:
    `delete` with --prune, `extra` without. `from_version` is what it is compared with, `version` the one that was
    registered; `error` says why it could not be done."""

    pipeline: str
    action: Action
    path: str = ""
    from_version: int = 0
    version: int = 0
    runs: int = 0
    changes: list[Change] = []
    done: bool = False
    error: str = ""


class Wanted(NamedTuple):
    """`registration`: how pipelines are going to be registered. `prune`: those that the folder has not are deleted.
    `timeout` and `python` as for a Program."""

    registration: Registration
    prune: bool
    timeout: float
    python: str | None


class Plan(NamedTuple):
    """The steps, in the order of ids, and the manifests of those that are to be registered."""

    steps: list[Step]
    manifests: dict[str, Manifest]

    @property
    def to_do(self) -> list[Step]:
        return [step for step in self.steps if step.action in ("create", "update", "delete")]


class _Head(msgspec.Struct):
    """What is read here of a document, to tell an export from a manifest."""

    format: str = ""


def planned(invocation: Invocation, found: Sources, wanted: Wanted) -> Plan:
    """Compile and compare everything. Raises CommandError where anything stands in the way of it, all of which was
    printed then."""
    errors: list[GoferError] = []
    manifests = _compiled(invocation, found, wanted, errors)
    errors += _twice(manifests)
    ids = {id_: manifest for id_, _, manifest in manifests}
    present = {one.id: one for one in _present(invocation)}
    steps: list[Step] = []
    for id_, path, manifest in manifests:
        try:
            steps.append(_step(invocation, id_, path, manifest, present.get(id_), wanted))
        except ClientError as error:
            errors.append(_about(path, error))
    if len(manifests) == len(found.paths):  # of one that did not compile nobody knows which pipeline it is
        action: Action = "delete" if wanted.prune else "extra"
        steps += [
            Step(pipeline=one.id, action=action, from_version=one.version, runs=one.runs)
            for one in present.values()
            if one.id not in ids
        ]
    steps.sort(key=lambda step: step.pipeline)
    for step in {step.pipeline: step for step in steps}.values():  # of two with one id that was said above
        if step.action in ("update", "delete") and (pipeline := present.get(step.pipeline)):
            errors += _in_the_way(step, pipeline, wanted)
    _stop(invocation, errors, len(found.paths))
    return Plan(steps, ids)


def _compiled(
    invocation: Invocation, found: Sources, wanted: Wanted, errors: list[GoferError]
) -> list[tuple[str, str, Manifest]]:
    """Id, path and manifest of each; what is wrong with the others is added to the errors."""
    compiled: list[tuple[str, str, Manifest]] = []
    for path in found.paths:
        try:
            manifest = Program(path, wanted.timeout, wanted.python).compiled(invocation)
            _require_manifest(path, manifest)
            compiled.append((id_of(invocation, manifest), path, manifest))
        except (CommandError, InvalidInput) as error:
            errors.append(error)
        except ClientError as error:
            errors.append(_about(path, error))
    return compiled


def _require_manifest(path: str, manifest: Manifest) -> None:
    from gofer.cli.compile import JSON

    if manifest.content_type != JSON:
        return
    try:
        head = msgspec.json.decode(manifest.body, type=_Head)
    except msgspec.ValidationError:
        return
    if head.format == FORMAT:
        raise CommandError(
            f"{plain(path)} is the export of a pipeline, and no manifest",
            f"Import it with: gofer pipeline import {plain(path)}; or put it elsewhere.",
            exit_code=ExitCode.REFUSED,
        )


def _twice(manifests: Sequence[tuple[str, str, Manifest]]) -> Iterator[GoferError]:
    first: dict[str, str] = {}
    for id_, path, _ in manifests:
        if (before := first.setdefault(id_, path)) != path:
            yield Conflict(
                f"{plain(path)} describes the pipeline {id_}, and so does {plain(before)}", "Give one another id."
            )


def _present(invocation: Invocation) -> list[Pipeline]:
    return fetch(invocation, paths.pipelines(invocation.namespace), Pipeline, {}, Paging(None, None)).items


def _step(
    invocation: Invocation, id_: str, path: str, manifest: Manifest, present: Pipeline | None, wanted: Wanted
) -> Step:
    diff = asked(invocation, manifest)
    step = Step(pipeline=id_, action="update", path=path, from_version=diff.from_version, changes=diff.changes)
    if present is None:
        step.action = "create"
    elif not diff.changes and (not wanted.registration.deploy or present.version == diff.from_version):
        step.action = "unchanged"
    elif not wanted.registration.deploy and diff.to_version:
        # It is there, and is not to go live.
        step.action, step.changes = "unchanged", []
    return step


def _in_the_way(step: Step, pipeline: Pipeline, wanted: Wanted) -> Iterator[GoferError]:
    verb = "deleted" if step.action == "delete" else "changed"
    for hold in pipeline.holds:
        if hold.kind == "frozen":
            by = f" by {hold.by}" if hold.by else ""
            why = f", for: {hold.reason}" if hold.reason else ""
            yield Conflict(
                f"the pipeline {step.pipeline} would be {verb}, and is frozen{by} since {clock(hold.at)}{why}",
                f"Ask who has frozen it, or end that with: gofer pipeline unfreeze {step.pipeline}.",
            )
    if (
        pipeline.deployment is not None
        and step.action == "update"
        and wanted.registration.deploy
        and not wanted.registration.force
    ):
        yield Conflict(
            f"the pipeline {step.pipeline} would be changed, and its deployment {pipeline.deployment} is under way",
            f"See how it stands with: gofer pipeline status {step.pipeline}. To abort it: --force.",
        )


def _about(path: str, error: ClientError) -> ClientError:
    """The error, with the path that it is about. Raises it where it is about none, but of all that is asked."""
    if error.problem_status not in _OF_ONE:
        raise error
    error.message = f"{plain(path)}: {error.message}"
    return error


def _stop(invocation: Invocation, errors: Sequence[GoferError], total: int) -> None:
    """Print each error, and raise one for all, if there are any."""
    if not errors:
        return
    for error in errors:
        invocation.output.error(error)
    count = "1 pipeline cannot" if len(errors) == 1 else f"{len(errors)} pipelines cannot"
    raise CommandError(
        f"{count} be applied, of a folder of {total}; nothing was changed", _MEND, exit_code=exit_code_of(errors[0])
    )
