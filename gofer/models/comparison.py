"""Two versions of a pipeline, compared by what their runs have done."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

Basis = Literal["side_by_side", "before_and_after"]
Verdict = Literal["better", "worse", "unclear"]


class Estimate(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A value, and the bounds between which the true one lies with 95 % confidence; they are absent where there are
    too few runs to say."""

    value: float
    low: float | None = None
    high: float | None = None


class Difference(Estimate, kw_only=True, omit_defaults=True):
    """Of the new version from the old one. `verdict` is `unclear` while the bounds leave open which of the two is
    better, and before either has 10 runs."""

    verdict: Verdict = "unclear"


class Measures(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What was measured of some runs, or of one task in them; a field is absent where nothing was.

    `success_rate`: percent of those that were successful or failed. `duration_median` and `duration_p95`, which 95 %
    do not exceed, in milliseconds from start to end. `attempts` and `container_seconds` are means for one run:
    attempts of its task runs, and the time that their containers were there, together.
    """

    successful: int
    failed: int
    success_rate: Estimate | None = None
    duration_median: Estimate | None = None
    duration_p95: Estimate | None = None
    attempts: Estimate | None = None
    container_seconds: Estimate | None = None


class Arm(Measures, kw_only=True, omit_defaults=True):
    """One version's runs. Those that are `unfinished` or `cancelled` count for nothing else. `container_seconds_total`
    is of the runs that `attempts` and `container_seconds` are of: the newest `measured` ones."""

    version: int
    unfinished: int
    cancelled: int
    measured: int
    container_seconds_total: float


class Differences(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The new version's figures against the old one's; a field is absent where one of them has none.

    `success_rate`: in percentage points, new less old. The others are ratios, new to old: 1.1 is 10 % more.
    """

    success_rate: Difference | None = None
    duration_median: Difference | None = None
    duration_p95: Difference | None = None
    attempts: Difference | None = None
    container_seconds: Difference | None = None


class TaskComparison(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One task in the runs of both versions; without `old` or `new`, that one's runs did not have it."""

    id: str
    old: Measures | None = None
    new: Measures | None = None
    difference: Differences = msgspec.field(default_factory=Differences)


class RuleState(msgspec.Struct, kw_only=True):
    """How far the rule is of a canary, or of a blue/green deployment's smoke runs: what it says now. It decides by
    itself unless the deployment is `manual`.

    `reason` is for programs, as in the deployment that it has ended, or "" while it waits. `detail` is a sentence for
    people, `figures` what it goes by.
    """

    decision: Literal["wait", "promote", "roll_back"]
    manual: bool
    reason: str
    detail: str
    figures: dict[str, Any]


class Comparison(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What a deployment's two versions have done.

    `side_by_side`: the runs that the deployment has given its versions. `before_and_after`: where it gives none (an
    instant or blue/green one), the old version's runs from before it ended and the new one's from then on, which may
    differ for other reasons, too. Retries do not count. At most the newest 10 000 runs of each version do. `old` is
    absent where no version was live before. `rule`: of one that is under way and decides by itself.
    """

    namespace: str
    pipeline: str
    deployment: int
    basis: Basis
    confidence: float
    old: Arm | None = None
    new: Arm
    difference: Differences = msgspec.field(default_factory=Differences)
    tasks: list[TaskComparison] = []
    rule: RuleState | None = None
