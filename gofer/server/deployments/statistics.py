"""Statistics of two versions' runs: estimates, and between which bounds the true value lies with 95 % confidence.

The formulas, with their sources, for those who want to check them; docs/deployment-figures.md says what they mean.

- A share, such as the success rate: Wilson's score interval (Wilson 1927, doi:10.1080/01621459.1927.10502953).
- A quantile: the observations whose ranks the binomial distribution gives (Conover, Practical Nonparametric
  Statistics, 3rd edition, section 3.2). Nothing is assumed of how durations are distributed.
- A mean: Student's t.
- The difference of two of them: from the interval of each, by adding the squares of the distances to their bounds.
  Of shares that is Newcombe's hybrid score interval (his method 10; 1998, Statistics in Medicine 17, 873-890), of
  anything else that has intervals, MOVER (Zou and Donner 2008, doi:10.1002/sim.3095). A ratio is the difference of
  logarithms.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

CONFIDENCE = 0.95

_TAIL = (1 - CONFIDENCE) / 2
_Z = 1.959963984540054
"""The normal distribution's quantile at 1 - _TAIL."""


class Estimated(NamedTuple):
    """A value with its bounds; None: there are too few observations to say between what it lies."""

    value: float
    low: float | None
    high: float | None


def share(hits: int, count: int) -> Estimated | None:
    """`hits` of `count`, from 0 to 1. None: nothing was counted."""
    if count == 0:
        return None
    value, square = hits / count, _Z * _Z
    middle = (hits + square / 2) / (count + square)
    half = _Z / (count + square) * math.sqrt(hits * (count - hits) / count + square / 4)
    # At either end the bound is the value itself, but for the rounding.
    low, high = max(0.0, middle - half), min(1.0, middle + half)
    return Estimated(value, 0.0 if hits == 0 else low, 1.0 if hits == count else high)


def median(values: Sequence[float]) -> Estimated | None:
    """The one in the middle, or the mean of the two there. None: there are no values."""
    if not values:
        return None
    ordered, half = sorted(values), len(values) // 2
    value = ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2
    return Estimated(value, *_bounds(ordered, 0.5))


def quantile(values: Sequence[float], level: float) -> Estimated | None:
    """The smallest value that so large a share of them, 0 < `level` < 1, does not exceed. None: there are no values."""
    if not values:
        return None
    ordered = sorted(values)
    # Rounded, so that 0.95 * 20 is 19 and no bit more.
    rank = math.ceil(round(level * len(ordered), 9))
    return Estimated(ordered[rank - 1], *_bounds(ordered, level))


def mean(values: Sequence[float]) -> Estimated | None:
    """Of values that are never negative; neither is the lower bound. None: there are no values. There are no bounds
    where all are equal: how much they may differ is not known."""
    if not values:
        return None
    count = len(values)
    value = math.fsum(values) / count
    if min(values) == max(values):
        return Estimated(value, None, None)
    deviation = math.sqrt(math.fsum((one - value) ** 2 for one in values) / (count - 1))
    half = _student(count - 1) * deviation / math.sqrt(count)
    return Estimated(value, max(0.0, value - half), value + half)


def difference(new: Estimated, old: Estimated) -> Estimated:
    """`new` less `old`, of what was observed independently."""
    value = new.value - old.value
    if new.low is None or new.high is None or old.low is None or old.high is None:
        return Estimated(value, None, None)
    below = math.hypot(new.value - new.low, old.high - old.value)
    above = math.hypot(new.high - new.value, old.value - old.low)
    return Estimated(value, value - below, value + above)


def ratio(new: Estimated, old: Estimated) -> Estimated | None:
    """`new` divided by `old`, none of which is negative; None: one of them is 0. Without bounds where one is 0."""
    if new.value <= 0 or old.value <= 0:
        return None
    found = difference(_logarithms(new), _logarithms(old))
    if found.low is None or found.high is None:
        return Estimated(new.value / old.value, None, None)
    return Estimated(new.value / old.value, math.exp(found.low), math.exp(found.high))


def _logarithms(one: Estimated) -> Estimated:
    if one.low is None or one.high is None or one.low <= 0:
        return Estimated(math.log(one.value), None, None)
    return Estimated(math.log(one.value), math.log(one.low), math.log(one.high))


def _bounds(ordered: Sequence[float], level: float) -> tuple[float, float] | tuple[None, None]:
    """The observations between which a quantile lies; (None, None) where there are too few of them."""
    low, high = _ranks(len(ordered), level)
    if low < 1 or high > len(ordered):
        return None, None
    return ordered[low - 1], ordered[high - 1]


def _ranks(count: int, level: float) -> tuple[int, int]:
    """Of the binomial distribution of how many of `count` observations lie below the quantile: the largest rank that
    so many stay below with a probability of at most _TAIL, and the smallest one that so many reach with at most that.
    0 and `count` + 1 where there is none."""
    low, high, below = 0, count + 1, 0.0
    # What lies more than ten standard deviations below is less likely than a float can add to the rest.
    start = math.floor(count * level - 10 * math.sqrt(count * level * (1 - level)))
    for hits in range(max(0, start), count + 1):
        below += _binomial(hits, count, level)
        if below <= _TAIL:
            low = hits + 1
        if 1 - below <= _TAIL:
            high = hits + 1
            break
    return low, high


def _binomial(hits: int, count: int, level: float) -> float:
    ways = math.lgamma(count + 1) - math.lgamma(hits + 1) - math.lgamma(count - hits + 1)
    return math.exp(ways + hits * math.log(level) + (count - hits) * math.log1p(-level))


def _student(degrees: int) -> float:
    """The quantile at 1 - _TAIL of Student's t. Exact for 1 and 2 degrees of freedom, else the expansion of Abramowitz
    and Stegun, 26.7.5: within 0.2 % of the true value."""
    if degrees == 1:
        return math.tan(math.pi * (0.5 - _TAIL))
    if degrees == 2:
        edge = 1 - 2 * _TAIL
        return edge * math.sqrt(2 / (1 - edge * edge))
    z = _Z
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return z + math.fsum(term / float(degrees) ** power for power, term in enumerate(terms, 1))
