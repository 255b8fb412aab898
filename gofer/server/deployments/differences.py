"""The new version's measures against the old one's, and which of the two is better."""

from __future__ import annotations

from gofer.models.comparison import Difference, Differences, Estimate, Measures, Verdict
from gofer.server.deployments import statistics
from gofer.server.deployments.statistics import Estimated

_LEAST = 10
"""With fewer runs, the bounds of a difference of shares leave the true value out more often than is said: 2 of 2 would
differ from 0 of 2."""


def estimate(found: Estimated | None, times: float = 1) -> Estimate | None:
    """As the API shows it, in a unit `times` smaller."""
    if found is None:
        return None
    value, low, high = (None if one is None else _rounded(one * times) for one in found)
    assert value is not None
    return Estimate(value=value, low=low, high=high)


def differences(old: Measures | None, new: Measures | None) -> Differences:
    """Those of the measures that both have. With fewer than 10 runs of either, none is said to be better."""
    if old is None or new is None:
        return Differences()
    tells = min(one.successful + one.failed for one in (old, new)) >= _LEAST
    return Differences(
        success_rate=_points(old.success_rate, new.success_rate, tells=tells),
        duration_median=_ratio(old.duration_median, new.duration_median, tells=tells),
        duration_p95=_ratio(old.duration_p95, new.duration_p95, tells=tells),
        attempts=_ratio(old.attempts, new.attempts, tells=tells),
        container_seconds=_ratio(old.container_seconds, new.container_seconds, tells=tells),
    )


def _points(old: Estimate | None, new: Estimate | None, *, tells: bool) -> Difference | None:
    if old is None or new is None:
        return None
    found = statistics.difference(_estimated(new), _estimated(old))
    return _difference(found, _verdict(found, 0, more_is_better=True) if tells else "unclear")


def _ratio(old: Estimate | None, new: Estimate | None, *, tells: bool) -> Difference | None:
    found = None if old is None or new is None else statistics.ratio(_estimated(new), _estimated(old))
    return (
        None if found is None else _difference(found, _verdict(found, 1, more_is_better=False) if tells else "unclear")
    )


def _verdict(found: Estimated, equal: float, *, more_is_better: bool) -> Verdict:
    if found.low is None or found.high is None or found.low <= equal <= found.high:
        return "unclear"
    return "better" if (found.low > equal) is more_is_better else "worse"


def _difference(found: Estimated, verdict: Verdict) -> Difference:
    shown = estimate(found)
    assert shown is not None
    return Difference(value=shown.value, low=shown.low, high=shown.high, verdict=verdict)


def _estimated(one: Estimate) -> Estimated:
    return Estimated(one.value, one.low, one.high)


def _rounded(value: float) -> float:
    return round(value, 4)
