"""`gofer pipeline status`"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, NamedTuple

import click
import msgspec

from gofer.cli.arguments import pipeline_argument
from gofer.cli.base import Command, pass_invocation
from gofer.cli.deployment import fields
from gofer.cli.hold import held
from gofer.cli.terminal import plain
from gofer.client import paths
from gofer.models.comparison import Arm, Comparison, Difference, Differences, Estimate, Measures, TaskComparison
from gofer.models.deployment import Deployment
from gofer.models.pipeline import Pipeline
from gofer.models.units import format_duration

if TYPE_CHECKING:
    from gofer.cli.invocation import Invocation
    from gofer.cli.output import Output
    from gofer.cli.table import Cell

_LOOKS = {"better": "green", "worse": "red", "unclear": "dim"}
_RULE = {
    "wait": ("nothing yet", ""),
    "promote": ("the new version may be promoted", "green"),
    "roll_back": ("the new version is to be rolled back", "red"),
}


class _Status(msgspec.Struct, omit_defaults=True):
    """What `--format json` prints."""

    pipeline: Pipeline
    deployment: Deployment | None = None
    comparison: Comparison | None = None


@click.command(
    "status",
    cls=Command,
    examples=[
        "gofer pipeline status nightly",
        "gofer pipeline status nightly --deployment 4",
        "gofer pipeline status nightly --format json",
    ],
)
@pass_invocation
@pipeline_argument
@click.option(
    "--deployment", "number", type=click.IntRange(1), metavar="N", help="That one, rather than the newest one."
)
def status(invocation: Invocation, pipeline: str, number: int | None) -> None:
    """What is live, and how the deployment under way is doing.

    Where none is under way, the last one is shown. Compares what the runs of its two versions have done: how many were
    successful, how long they took, and what they cost, with the bounds between which the true value lies with 95 %
    confidence.
    """
    client, namespace = invocation.client, invocation.namespace
    found = _Status(client.get(paths.pipeline(namespace, pipeline), Pipeline))
    if number is None:
        page = client.page(paths.deployments(namespace, pipeline), Deployment, {"limit": 1})
        found.deployment = page.items[0] if page.items else None
    else:
        found.deployment = client.get(paths.deployment(namespace, pipeline, number), Deployment)
    if found.deployment is not None:
        path = f"{paths.deployment(namespace, pipeline, found.deployment.number)}/comparison"
        found.comparison = client.get(path, Comparison)
    invocation.output.show(found, lambda: _lines(invocation.output, found))
    _advise(invocation.output, found)


def _lines(output: Output, found: _Status) -> Iterable[str]:
    one = found.pipeline
    pairs: list[tuple[str, Cell]] = [
        ("pipeline", one.id),
        ("enabled", "" if one.enabled else ("no: new runs are refused", "yellow")),
        *((hold.kind, (held(hold), "yellow")) for hold in one.holds),
        ("live", f"version {one.version}" if one.version else ("none: no version was deployed yet", "yellow")),
    ]
    yield from output.fields([*pairs, *_deployment(found)])
    if found.comparison is not None:
        yield from _compared(output, found.comparison)


def _deployment(found: _Status) -> Iterable[tuple[str, Cell]]:
    if found.deployment is None:
        return
    yield from ((name, cell) for name, cell in fields(found.deployment) if name != "pipeline")
    rule = found.comparison.rule if found.comparison else None
    if rule is not None:
        yield "rule says", _RULE[rule.decision]
        yield "because", plain(rule.detail)


def _compared(output: Output, found: Comparison) -> Iterable[str]:
    old, new = found.old, found.new
    if not _has_runs(new) and (old is None or not _has_runs(old)):
        return
    yield ""
    head = ("", f"VERSION {old.version}" if old else "", f"VERSION {new.version}", "DIFFERENCE", "NEW IS")
    yield from output.table(head, [*_counts(old, new), *_measures(old, new, found.difference)])
    if len(found.tasks) > 1:
        yield ""
        yield from output.table(_TASK_HEAD, [_task(one) for one in found.tasks])


def _has_runs(arm: Arm) -> bool:
    return bool(arm.successful + arm.failed + arm.cancelled + arm.unfinished)


def _counts(old: Arm | None, new: Arm) -> Iterable[list[Cell]]:
    for name, before, after in (
        ("successful runs", old.successful if old else None, new.successful),
        ("failed", old.failed if old else None, new.failed),
        ("cancelled", old.cancelled if old else None, new.cancelled),
        ("unfinished", old.unfinished if old else None, new.unfinished),
    ):
        if before or after or name == "successful runs":
            yield [name, "" if before is None else str(before), str(after), "", ""]


class _Row(NamedTuple):
    """How one measure is shown."""

    name: str
    of: Callable[[Measures], Estimate | None]
    shown: Callable[[float], str]
    difference: Callable[[Differences], Difference | None]


def _percent(value: float) -> str:
    return f"{value:.1f} %"


def _number(value: float) -> str:
    return f"{value:.2f}"


def _time(value: float) -> str:
    return format_duration(round(value))


def _seconds(value: float) -> str:
    return _time(value * 1000)


_ROWS = (
    _Row("success rate", lambda m: m.success_rate, _percent, lambda d: d.success_rate),
    _Row("duration: median", lambda m: m.duration_median, _time, lambda d: d.duration_median),
    _Row("duration: p95", lambda m: m.duration_p95, _time, lambda d: d.duration_p95),
    _Row("attempts a run", lambda m: m.attempts, _number, lambda d: d.attempts),
    _Row("container time a run", lambda m: m.container_seconds, _seconds, lambda d: d.container_seconds),
)


def _measures(old: Arm | None, new: Arm, difference: Differences) -> Iterable[list[Cell]]:
    for row in _ROWS:
        before = row.of(old) if old else None
        cells = [_estimate(before, row.shown), _estimate(row.of(new), row.shown)]
        if any(cells):
            yield [row.name, *cells, *_difference(row, difference)]


def _estimate(one: Estimate | None, shown: Callable[[float], str]) -> str:
    if one is None:
        return ""
    if one.low is None or one.high is None:
        return shown(one.value)
    return f"{shown(one.value)} ({shown(one.low)} to {shown(one.high)})"


def _difference(row: _Row, difference: Differences) -> list[Cell]:
    one = row.difference(difference)
    if one is None:
        return ["", ""]
    shown = _points if row.name == "success rate" else _times
    bounds = "" if one.low is None or one.high is None else f" ({shown(one.low)} to {shown(one.high)})"
    unit = " points" if row.name == "success rate" else ""
    return [f"{shown(one.value)}{unit}{bounds}", (one.verdict, _LOOKS[one.verdict])]


def _points(value: float) -> str:
    return f"{value:+.1f}"


def _times(value: float) -> str:
    return f"x{value:.2f}"


_TASK_HEAD = ("TASK", "SUCCESS RATE", "MEDIAN", "P95", "ATTEMPTS", "CONTAINER TIME", "NEW IS")


def _task(one: TaskComparison) -> list[Cell]:
    return [plain(one.id), *(_both(row, one) for row in _ROWS), _said(one.difference)]


def _both(row: _Row, one: TaskComparison) -> str:
    """`old -> new`, without bounds: a table of many tasks has no room for them."""
    shown = [row.of(side) if side else None for side in (one.old, one.new)]
    if shown == [None, None]:
        return ""
    return " -> ".join("-" if found is None else row.shown(found.value) for found in shown)


def _said(differences: Differences) -> Cell:
    """In what the new version is better or worse."""
    told = {row.name: row.difference(differences) for row in _ROWS}
    words = []
    for verdict in ("worse", "better"):
        names = [name for name, found in told.items() if found is not None and found.verdict == verdict]
        if names:
            words.append(f"{verdict}: {', '.join(map(_short, names))}")
    if not words:
        return ("unclear", _LOOKS["unclear"]) if any(told.values()) else ""
    return "; ".join(words), _LOOKS[words[0].split(":")[0]]


def _short(name: str) -> str:
    return name.removeprefix("duration: ").removesuffix(" a run")


def _advise(output: Output, found: _Status) -> None:
    one, compared = found.deployment, found.comparison
    if one is None:
        output.note(f"Make a version live: gofer pipeline deploy {found.pipeline.id}")
        return
    if compared is not None and compared.old is not None and _has_runs(compared.new):
        output.note("In brackets: where the true value lies with 95 % confidence. Unclear: it may be either way.")
        if compared.basis == "before_and_after":
            output.note(
                "The runs of before and after are compared: they may differ for other reasons than the version."
            )
    if one.status == "running":
        output.note(f"To end it: gofer pipeline promote {one.pipeline}, or gofer pipeline abort {one.pipeline}")
