"""The split: any share, any number of runs, exact within one, and spread evenly."""

from __future__ import annotations

from itertools import accumulate, pairwise

from hypothesis import given
from hypothesis import strategies as st

from gofer.models.deployment import DeploymentSettings
from gofer.server.deployments.split import gets_new, parts

_RUNS = 1_000


def _spread(settings: DeploymentSettings, first: int = 1, runs: int = _RUNS) -> list[bool]:
    return [gets_new(settings, count) for count in range(first, first + runs)]


_shares = st.integers(1, 999_999)
"""Millionths: every percentage of four decimals between 0 and 100."""


@given(_shares)
def test_of_any_number_of_runs_the_share_is_exact_within_one(share: int) -> None:
    given = accumulate(_spread(DeploymentSettings(percent=share / 10_000)))
    for runs, new in enumerate(given, 1):
        assert new == runs * share // 1_000_000  # whole numbers: nothing is rounded but this


@given(_shares, st.integers(1, 10_000_000), st.integers(1, _RUNS))
def test_any_stretch_of_runs_has_its_share_within_one(share: int, first: int, runs: int) -> None:
    new = sum(_spread(DeploymentSettings(percent=share / 10_000), first, runs))
    assert abs(new * 1_000_000 - runs * share) < 1_000_000


@given(_shares)
def test_gaps_differ_by_no_more_than_one(share: int) -> None:
    chosen = [n for n, new in enumerate(_spread(DeploymentSettings(percent=share / 10_000)), 1) if new]
    gaps = {after - before for before, after in pairwise(chosen)}
    assert not gaps or max(gaps) - min(gaps) <= 1


@given(st.integers(2, 200))
def test_every_kth(every: int) -> None:
    chosen = [n for n, new in enumerate(_spread(DeploymentSettings(every=every)), 1) if new]
    assert chosen == list(range(every, _RUNS + 1, every))


def test_each_percent_is_exact_over_a_hundred_runs() -> None:
    for percent in range(1, 100):
        assert sum(_spread(DeploymentSettings(percent=float(percent)), runs=100)) == percent


@given(_shares)
def test_four_decimals_survive_their_binary_fraction(share: int) -> None:
    assert parts(share / 10_000) == parts(float(f"{share / 10_000:.4f}")) == share


def test_a_tenth_is_every_tenth_run() -> None:
    assert _spread(DeploymentSettings(percent=10.0)) == _spread(DeploymentSettings(every=10))
