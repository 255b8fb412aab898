"""Which runs get the new version: spread evenly, and the same for the same count, so that nothing is left to chance."""

from __future__ import annotations

from gofer.models.deployment import DeploymentSettings

_PARTS = 1_000_000
"""A hundred percent; a millionth is four decimals of a percent."""


def gets_new(settings: DeploymentSettings, count: int) -> bool:
    """Whether the `count`-th run (1 for the first) of a deployment gets the new version.

    Of the first n runs, n·percent/100 get it, rounded down: as a line is drawn on a grid (Bresenham 1965).
    """
    if settings.every is not None:
        return count % settings.every == 0
    share = parts(settings.percent or 0.0)
    return count * share // _PARTS > (count - 1) * share // _PARTS


def parts(percent: float) -> int:
    """Millionths, without the binary fraction's error."""
    return round(percent * (_PARTS / 100))
