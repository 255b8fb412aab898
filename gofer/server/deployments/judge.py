"""A canary's rule: what the outcomes of both versions' runs say. Knows nothing of the store."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

from gofer.models.units import format_duration
from gofer.server.store.deployments import RunOutcome

Decision = Literal["wait", "promote", "roll_back"]

_NOISE = 100
"""Milliseconds. So much longer is never too long, whatever the factor: containers do not start more evenly."""

_ROUNDING = 1e-9
"""Percentage points; far less than two rates that are not equal can differ by."""


class Rule(NamedTuple):
    """As of `gofer.models.deployment.DeploymentSettings`; `success_margin` in percentage points."""

    runs: int
    success_margin: float
    duration_factor: float


class Side(NamedTuple):
    """The runs of one version. `rate` in percent and `median`, of the durations, in milliseconds; None: no runs."""

    runs: int
    successful: int
    rate: float | None
    median: float | None


class Verdict(NamedTuple):
    """`reason` is for programs: `rule_met`, `success_rate`, `duration`, or "" while it waits. `detail` is a sentence
    for people. `figures` is what the decision was made on, and encodes as JSON."""

    decision: Decision
    reason: str
    detail: str
    figures: dict[str, Any]


class _Limits(NamedTuple):
    """`rate`: the least success rate, in percent. `duration`: the longest median, in milliseconds; None: any."""

    rate: float
    duration: float | None


def judge(old: Sequence[RunOutcome], new: Sequence[RunOutcome], rule: Rule) -> Verdict:
    """What to do now, going by the runs that were successful or failed.

    To be promoted, the new version needs `rule.runs` runs, a success rate not more than the margin below the old one's,
    and a median duration not more than the factor times the old one's (nor is it too long when it is less than a
    tenth of a second longer). Rolled back as soon as no further runs up to that number can bring this about. Without
    an old run, the success rate is held against 100 %, and the durations against nothing.
    """
    before, after = side(old), side(new)
    limits = _limits(before, rule)
    figures = _figures(before, after, rule, limits)
    # Every run that is still to come may succeed, and be as quick as can be.
    total = max(rule.runs, after.runs)
    best = (after.successful + total - after.runs) * 100 / total
    if best < limits.rate - _ROUNDING:
        return Verdict("roll_back", "success_rate", _too_few(before, after, rule, limits, total, best), figures)
    if limits.duration is not None:
        durations = [run.duration for run in new]
        if _median([*durations, *[0] * (total - after.runs)]) > limits.duration:
            slow = sum(duration > limits.duration for duration in durations)
            detail = _too_slow(before, after, slow, rule, total)
            return Verdict("roll_back", "duration", detail, figures)
    if after.runs >= rule.runs:
        return Verdict("promote", "rule_met", _met(before, after), figures)
    detail = f"{after.runs} of {rule.runs} runs of the new version have ended, {after.successful} of them successful."
    return Verdict("wait", "", detail, figures)


def side(outcomes: Sequence[RunOutcome]) -> Side:
    """The figures of one version's runs."""
    count = len(outcomes)
    if count == 0:
        return Side(0, 0, None, None)
    successful = sum(run.successful for run in outcomes)
    return Side(count, successful, successful * 100 / count, _median([run.duration for run in outcomes]))


def _median(values: Sequence[int]) -> float:
    ordered = sorted(values)
    middle = len(ordered) // 2
    if len(ordered) % 2:
        return float(ordered[middle])
    return (ordered[middle - 1] + ordered[middle]) / 2


def _limits(before: Side, rule: Rule) -> _Limits:
    rate = 100.0 if before.rate is None else before.rate
    return _Limits(rate - rule.success_margin, _longest(before, rule))


def _longest(before: Side, rule: Rule) -> float | None:
    return None if before.median is None else max(before.median * rule.duration_factor, before.median + _NOISE)


def _figures(before: Side, after: Side, rule: Rule, limits: _Limits) -> dict[str, Any]:
    figures: dict[str, Any] = {
        "new": _shown(after),
        "old": _shown(before),
        "runs": rule.runs,
        "success_margin": rule.success_margin,
        "duration_factor": rule.duration_factor,
        "least_success_rate": round(max(0.0, limits.rate), 2),
    }
    if limits.duration is not None:
        figures["longest_median_ms"] = round(limits.duration)
    return figures


def _shown(one: Side) -> dict[str, Any]:
    if one.rate is None or one.median is None:
        return {"runs": 0}
    return {
        "runs": one.runs,
        "successful": one.successful,
        "success_rate": round(one.rate, 2),
        "median_ms": round(one.median),
    }


def _too_few(before: Side, after: Side, rule: Rule, limits: _Limits, total: int, best: float) -> str:
    failed = after.runs - after.successful
    than = "100 %, as the old version has no runs to compare with" if before.rate is None else _old_rate(before)
    return (
        f"{failed} of {_runs(after.runs)} of the new version failed: of {total}, at most {best:.4g} % can succeed, and "
        f"at least {limits.rate:.4g} % have to, {rule.success_margin:g} points less than {than}."
    )


def _old_rate(before: Side) -> str:
    return f"the old version's {before.rate:.4g} % ({before.successful} of {_runs(before.runs)})"


def _too_slow(before: Side, after: Side, slow: int, rule: Rule, total: int) -> str:
    usual, longest = before.median or 0, _longest(before, rule) or 0
    by_factor = usual * rule.duration_factor >= longest
    than = f"{rule.duration_factor:g} times" if by_factor else "a tenth of a second more than"
    what = (
        f"{slow} of {_runs(after.runs)} of the new version took longer than {format_duration(round(longest))}, {than} "
        f"the old version's median of {format_duration(round(usual))} ({_runs(before.runs)})"
    )
    if after.runs < total:
        return f"{what}: the median of {total} cannot be within that any more."
    return f"{what}, and their median is {format_duration(round(after.median or 0))}."


def _met(before: Side, after: Side) -> str:
    median = format_duration(round(after.median or 0))
    said = f"{after.successful} of {_runs(after.runs)} of the new version succeeded, with a median duration of {median}"
    if before.median is None:
        return f"{said}; the old version has no runs to compare with."
    return f"{said}; {_old_rate(before)}, {format_duration(round(before.median))}."


def _runs(count: int) -> str:
    return f"{count} run" if count == 1 else f"{count} runs"
