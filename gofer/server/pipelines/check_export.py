"""Whether the document of an exported pipeline is what it says, all problems at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from gofer.errors import InvalidInput
from gofer.models.export import ExportedPipeline, ExportedVersion
from gofer.models.hold import Hold
from gofer.models.ids import ID_HINT, is_id, shown
from gofer.models.manifest import Manifest
from gofer.models.remark import MAX_REMARK
from gofer.server.pipelines import bounds
from gofer.server.pipelines.manifest_hash import canonical, hash_of
from gofer.server.pipelines.report import Report, Scope
from gofer.server.pipelines.rules.characters import check_text
from gofer.server.pipelines.rules.subscriptions import check_settings_json, check_subscription
from gofer.server.pipelines.rules.values import check_block, check_line
from gofer.server.pipelines.subscription_settings import texts
from gofer.server.pipelines.validate import validate

_MAX_VERSION = 1_000_000_000
"""No pipeline comes this far by itself, and the next versions need numbers that every reader of JSON can hold."""


class CheckedVersion(NamedTuple):
    """A version of the document, and its content as it is stored."""

    exported: ExportedVersion
    json: str


def check_export(document: ExportedPipeline) -> list[CheckedVersion]:
    """Its versions, oldest first. Takes time in proportion to the document's size. Raises InvalidInput with all
    problems."""
    report = Report()
    if not is_id(document.pipeline):
        report.add("pipeline", f"{shown(document.pipeline, 64)} is not a valid pipeline id", ID_HINT)
    _check_time("exported_at", document.exported_at, report)
    _check_holds("holds", document.holds, report)
    checked = [_checked(i, version, document, report) for i, version in enumerate(document.versions)]
    _check_numbers(document, report)
    _check_subscriptions(document, report)
    problems = report.problems()
    if problems:
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        raise InvalidInput(
            f"The export of {shown(document.pipeline, 64)} has {count}; nothing was imported",
            "Export it anew from where it comes, or mend what is listed.",
            problems,
        )
    return sorted(checked, key=lambda one: one.exported.number)


def live_manifest(document: ExportedPipeline) -> tuple[int, Manifest] | None:
    """The place in the document, and the content, of the live version; None: there is none."""
    for i, version in enumerate(document.versions):
        if version.number == document.live_version:
            return i, version.manifest
    return None


def _checked(i: int, version: ExportedVersion, document: ExportedPipeline, report: Report) -> CheckedVersion:
    place, manifest = f"versions[{i}]", version.manifest
    problems = validate(manifest)
    for problem in problems:
        inner = f".{problem.place}" if problem.place else ""
        report.add(f"{place}.manifest{inner}", problem.message, problem.hint)
    content = b""
    if not problems:
        content = canonical(manifest)
        if (found := hash_of(content)) != version.hash:
            message = f"version {version.number} has the hash {found}, and the document says {shown(version.hash, 64)}"
            hint = "It was changed since. To register what it is now: gofer pipeline create MANIFEST.json."
            report.add(f"{place}.hash", message, hint)
    if manifest.id != document.pipeline:
        message = f"the manifest is that of {shown(manifest.id, 64)}, and not of {shown(document.pipeline, 64)}"
        report.add(f"{place}.manifest.id", message, "All versions of a pipeline have its id.")
    _check_time(f"{place}.created_at", version.created_at, report)
    scope = Scope(report, place, "")
    check_line(scope, ".registered_by", version.registered_by, bounds.MAX_NAME)
    check_block(scope, ".notes", version.notes, bounds.MAX_DESCRIPTION)
    check_text(f"{place}.notes", version.notes, report)
    _check_holds(f"{place}.holds", version.holds, report)
    if version.number == document.live_version and any(hold.kind == "paused" for hold in version.holds):
        report.add(f"{place}.holds", "the live version is paused", "Leave that out, or pause the pipeline.")
    return CheckedVersion(version, content.decode())


def _check_numbers(document: ExportedPipeline, report: Report) -> None:
    if not document.versions:
        report.add("versions", "there are no versions", "Export a pipeline that has one.")
        return
    first: dict[int, int] = {}
    known: dict[str, int] = {}
    for i, version in enumerate(document.versions):
        if not 1 <= version.number <= _MAX_VERSION:
            message = f"expected a number from 1 to {_MAX_VERSION}, came {version.number}"
            report.add(f"versions[{i}].number", message)
        elif (before := first.setdefault(version.number, i)) != i:
            report.add(f"versions[{i}].number", f"{version.number} is that of versions[{before}] already")
        if (before := known.setdefault(version.hash, i)) != i:
            report.add(f"versions[{i}].hash", f"the content is that of versions[{before}] already")
    if document.live_version and document.live_version not in first:
        message = f"the live version is {document.live_version}, which is not among the versions"
        report.add("live_version", message, "Name one that is there, or 0: none is deployed then.")


def _check_subscriptions(document: ExportedPipeline, report: Report) -> None:
    """Of those that were added; with the parameters and the labels of the live version."""
    live = live_manifest(document)
    parameters = live[1].parameters if live else []
    own = [one.label for one in live[1].subscriptions] if live else []
    if len(own) + len(document.subscriptions) > bounds.MAX_SUBSCRIPTIONS:
        count = len(own) + len(document.subscriptions)
        message = f"has {count} with those of the live version; at most {bounds.MAX_SUBSCRIPTIONS} are allowed"
        report.add("subscriptions", message, "Take some away.")
        return
    taken = set(own)
    for i, one in enumerate(document.subscriptions):
        scope = Scope(report, f"subscriptions[{i}]", f"subscription {shown(one.label, 64)}")
        if one.label in taken:
            scope.add(".label", "another one has that label already", "Give one of them another label.")
        taken.add(one.label)
        faults = Report()
        check_settings_json(one.settings, Scope(faults, "", ""))
        if faults.clean:
            for inner, text in texts(one.settings):
                check_text(f".settings{inner}", text, faults)
        for problem in faults.problems():
            scope.add(problem.place, problem.message, problem.hint)
        if faults.clean:
            check_subscription(one, parameters, scope)


def _check_holds(place: str, holds: Sequence[Hold], report: Report) -> None:
    kinds: set[str] = set()
    for i, hold in enumerate(holds):
        if hold.kind in kinds:
            report.add(f"{place}[{i}].kind", f"there is another hold of the kind {hold.kind}", "Leave one of them out.")
        kinds.add(hold.kind)
        _check_time(f"{place}[{i}].at", hold.at, report)
        scope = Scope(report, f"{place}[{i}]", "")
        check_block(scope, ".reason", hold.reason, MAX_REMARK)
        check_text(f"{place}[{i}].reason", hold.reason, report)
        check_line(scope, ".by", hold.by, bounds.MAX_NAME)


def _check_time(place: str, at: int, report: Report) -> None:
    if not 0 <= at <= bounds.MAX_INTEGER:
        report.add(place, f"{at} is no time", "Times are milliseconds since the Unix epoch.")
