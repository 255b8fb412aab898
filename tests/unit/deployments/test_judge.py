"""Every decision of a canary's rule, and that it never decides too early nor too late."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gofer.server.deployments.judge import Decision, Rule, judge
from gofer.server.store.deployments import RunOutcome

RULE = Rule(runs=4, success_margin=25.0, duration_factor=1.5)


def runs(text: str, *durations: int) -> list[RunOutcome]:
    """One run for each letter, `s` or `f`; a second long, where nothing else is said."""
    times = durations or (1_000,) * len(text)
    return [RunOutcome(n, letter == "s", times[n - 1]) for n, letter in enumerate(text, 1)]


@pytest.mark.parametrize(
    ("old", "new", "decision", "reason"),
    [
        ("ssss", "", "wait", ""),
        ("ssss", "sss", "wait", ""),
        ("ssss", "ssss", "promote", "rule_met"),
        ("ssss", "fsss", "promote", "rule_met"),  # exactly the margin below
        ("ssss", "f", "wait", ""),
        ("ssss", "ff", "roll_back", "success_rate"),  # two more cannot bring it back
        ("ssss", "sfsf", "roll_back", "success_rate"),
        ("sf", "ff", "wait", ""),  # an old version that fails as often asks for no more
        ("sf", "ffss", "promote", "rule_met"),
        ("sf", "fff", "wait", ""),
        ("ff", "fff", "wait", ""),
        ("ff", "ffff", "promote", "rule_met"),  # no worse than what fails always
        ("", "s", "wait", ""),
        ("", "ssss", "promote", "rule_met"),
        ("", "fsss", "promote", "rule_met"),
        ("", "ff", "roll_back", "success_rate"),
    ],
)
def test_success_rates(old: str, new: str, decision: str, reason: str) -> None:
    verdict = judge(runs(old), runs(new), RULE)
    assert (verdict.decision, verdict.reason) == (decision, reason), verdict
    assert verdict.detail.endswith(".")


@pytest.mark.parametrize(
    ("durations", "decision", "reason"),
    [
        ((1_500, 1_500, 1_500, 1_500), "promote", "rule_met"),  # exactly the factor
        ((1_501, 1_501, 1_501), "roll_back", "duration"),  # three of four are more than half
        ((1_501, 1_501), "wait", ""),
        ((3_001, 3_001), "roll_back", "duration"),  # half of them: the median is above 1.5 s whatever comes
        ((9_000, 9_000, 1_000, 1_000), "roll_back", "duration"),  # half of them, and the median is 5 s
        ((1_502, 1_502, 1_497, 1_000), "promote", "rule_met"),  # half of them, and the median is below
        ((9_000, 1_000, 1_000, 1_000), "promote", "rule_met"),
    ],
)
def test_durations(durations: tuple[int, ...], decision: Decision, reason: str) -> None:
    verdict = judge(runs("sss", 800, 1_000, 9_000), runs("s" * len(durations), *durations), RULE)
    assert (verdict.decision, verdict.reason) == (decision, reason), verdict


def test_durations_are_not_held_against_nothing() -> None:
    assert judge([], runs("ssss", *[86_400_000] * 4), RULE).decision == "promote"


def test_less_than_a_tenth_of_a_second_is_noise() -> None:
    old = runs("ssss", 0, 1, 2, 3)
    assert judge(old, runs("ssss", *[101] * 4), RULE).decision == "promote"
    slower = judge(old, runs("sss", *[102] * 3), RULE)
    assert slower.decision == "roll_back"
    assert "took longer than 102ms, a tenth of a second more than the old version's median of 2ms" in slower.detail


def test_what_it_says() -> None:
    old = runs("ssssf", 1_000, 1_000, 1_200, 1_200, 1_200)
    met = judge(old, runs("ssfs", 1_000, 1_100, 1_300, 4_000), RULE)
    assert met.detail == (
        "3 of 4 runs of the new version succeeded, with a median duration of 1.2s; "
        "the old version's 80 % (4 of 5 runs), 1.2s."
    )
    assert met.figures == {
        "new": {"runs": 4, "successful": 3, "success_rate": 75.0, "median_ms": 1_200},
        "old": {"runs": 5, "successful": 4, "success_rate": 80.0, "median_ms": 1_200},
        "runs": 4,
        "success_margin": 25.0,
        "duration_factor": 1.5,
        "least_success_rate": 55.0,
        "longest_median_ms": 1_800,
    }
    assert judge(old, runs("ff"), RULE._replace(success_margin=5)).detail == (
        "2 of 2 runs of the new version failed: of 4, at most 50 % can succeed, and at least 75 % have to, 5 points "
        "less than the old version's 80 % (4 of 5 runs)."
    )
    assert judge([], runs("ff"), RULE).detail == (
        "2 of 2 runs of the new version failed: of 4, at most 50 % can succeed, and at least 75 % have to, 25 points "
        "less than 100 %, as the old version has no runs to compare with."
    )
    assert judge(old, runs("sss", 1_801, 1_900, 2_000), RULE).detail == (
        "3 of 3 runs of the new version took longer than 1.8s, 1.5 times the old version's median of 1.2s (5 runs): "
        "the median of 4 cannot be within that any more."
    )
    assert judge(old, runs("ssss", 9_000, 9_000, 1_000, 1_000), RULE).detail == (
        "2 of 4 runs of the new version took longer than 1.8s, 1.5 times the old version's median of 1.2s (5 runs), "
        "and their median is 5.0s."
    )
    assert judge([], runs("ssss"), RULE).detail == (
        "4 of 4 runs of the new version succeeded, with a median duration of 1.0s; "
        "the old version has no runs to compare with."
    )
    waits = judge(old, runs("sf"), RULE)
    assert waits.detail == "2 of 4 runs of the new version have ended, 1 of them successful."


_outcomes = st.lists(st.builds(RunOutcome, st.just(0), st.booleans(), st.integers(0, 2_000)), max_size=8)
_rules = st.builds(Rule, st.integers(1, 8), st.sampled_from([0.0, 5.0, 12.5, 33.3, 100.0]), st.sampled_from([0.5, 1.5]))


def _meets(old: Sequence[RunOutcome], new: Sequence[RunOutcome], rule: Rule) -> bool:
    """The rule as it is written down, for runs that have all ended; in another way than the code's."""
    if not old:
        return 100 * sum(not r.successful for r in new) <= rule.success_margin * len(new) + 1e-6
    rates = [statistics.fmean(100.0 * r.successful for r in runs) for runs in (old, new)]
    medians = [statistics.median(r.duration for r in runs) for runs in (old, new)]
    longest = max(medians[0] * rule.duration_factor, medians[0] + 100)
    return rates[1] >= rates[0] - rule.success_margin - 1e-6 and medians[1] <= longest


@given(_outcomes, _outcomes, _rules)
def test_it_decides_neither_too_early_nor_too_late(old: list[RunOutcome], ended: list[RunOutcome], rule: Rule) -> None:
    decision = judge(old, ended, rule).decision
    # The best that may come: if even that does not meet the rule, nothing will.
    best = [*ended, *[RunOutcome(0, True, 0)] * (rule.runs - len(ended))]
    if not _meets(old, best, rule):
        assert decision == "roll_back"
    else:
        assert decision == ("promote" if len(ended) >= rule.runs else "wait")


@given(_outcomes, _outcomes, _rules)
def test_every_canary_is_decided_once_its_runs_have_ended(
    old: list[RunOutcome], new: list[RunOutcome], rule: Rule
) -> None:
    new = [*new, *[RunOutcome(0, False, 5)] * rule.runs]
    decisions = [judge(old, new[:count], rule).decision for count in range(rule.runs + 1)]
    first = next(n for n, decision in enumerate(decisions) if decision != "wait")
    # What is rolled back early would not have been promoted later.
    assert decisions[first] == "promote" or "promote" not in decisions[first:]
