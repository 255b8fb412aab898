"""What a deployment goes by: checked, and with every default filled in."""

from __future__ import annotations

import math
from collections.abc import Iterator

from gofer.errors import InvalidInput, Problem
from gofer.models.deployment import Deploy, DeploymentSettings, Strategy
from gofer.server.deployments.split import parts

_OF: dict[str, tuple[Strategy, ...]] = {
    "percent": ("canary", "ab"),
    "every": ("canary", "ab"),
    "manual": ("canary",),
    "runs": ("canary",),
    "success_margin": ("canary",),
    "duration_factor": ("canary",),
    "smoke": ("blue_green",),
    "parameters": ("blue_green",),
}
_NAMES = {"instant": "an instant", "canary": "a canary", "ab": "an ab", "blue_green": "a blue_green"}
_DEFAULTS = DeploymentSettings()
_CANARY_PERCENT, _AB_PERCENT = 10.0, 50.0
_RUNS, _MARGIN, _FACTOR, _SMOKE = 20, 5.0, 1.5, 1
_MOST_EVERY, _MOST_RUNS, _MOST_SMOKE, _MOST_FACTOR = 100_000, 1_000, 100, 1_000.0


def settings_of(asked: Deploy) -> DeploymentSettings:
    """The strategy's settings, with its defaults. Raises InvalidInput that lists all that is wrong."""
    problems = [*_foreign(asked), *_ill(asked)]
    if problems:
        raise InvalidInput("The deployment cannot be started as asked", problems[0].hint, problems)
    if asked.strategy == "canary":
        percent, every = _share(asked, _CANARY_PERCENT)
        return DeploymentSettings(
            percent=percent,
            every=every,
            manual=asked.manual,
            runs=_RUNS if asked.runs is None else asked.runs,
            success_margin=_MARGIN if asked.success_margin is None else asked.success_margin,
            duration_factor=_FACTOR if asked.duration_factor is None else asked.duration_factor,
        )
    if asked.strategy == "ab":
        percent, every = _share(asked, _AB_PERCENT)
        return DeploymentSettings(percent=percent, every=every)
    if asked.strategy == "blue_green":
        smoke = _SMOKE if asked.smoke is None else asked.smoke
        return DeploymentSettings(smoke=smoke, parameters=asked.parameters)
    return DeploymentSettings()


def _share(asked: Deploy, percent: float) -> tuple[float | None, int | None]:
    if asked.every is not None:
        return None, asked.every
    return percent if asked.percent is None else asked.percent, None


def _foreign(asked: Deploy) -> Iterator[Problem]:
    """What belongs to another strategy."""
    for name, strategies in _OF.items():
        if getattr(asked, name) != getattr(_DEFAULTS, name) and asked.strategy not in strategies:
            hint = f"Leave it out, or ask for the strategy {' or '.join(strategies)}."
            yield Problem(place=name, message=f"{_NAMES[asked.strategy]} deployment has no `{name}`", hint=hint)


def _ill(asked: Deploy) -> Iterator[Problem]:
    if asked.percent is not None and asked.every is not None:
        hint = "Say how many of a hundred runs, or that it is every k-th."
        yield Problem(place="every", message="`percent` and `every` were both given", hint=hint)
    if asked.percent is not None and not _is_share(asked.percent):
        yield _out_of("percent", "above 0, below 100 and with at most four decimals", asked.percent)
    for name, least, most in (("every", 2, _MOST_EVERY), ("runs", 1, _MOST_RUNS), ("smoke", 1, _MOST_SMOKE)):
        count = getattr(asked, name)
        if count is not None and not least <= count <= most:
            yield _out_of(name, f"from {least} to {most}", count)
    margin, factor = asked.success_margin, asked.duration_factor
    if margin is not None and not 0 <= margin <= 100:
        yield _out_of("success_margin", "from 0 to 100 percentage points", margin)
    if factor is not None and not 0 < factor <= _MOST_FACTOR:
        yield _out_of("duration_factor", f"above 0, and at most {_MOST_FACTOR:g}", factor)


def _is_share(percent: float) -> bool:
    if not 0 < percent < 100:
        return False
    return 0 < parts(percent) < parts(100) and math.isclose(parts(percent) / parts(1), percent)


def _out_of(name: str, expected: str, given: float) -> Problem:
    came = f"{given:.15g}" if isinstance(given, float) else str(given)
    return Problem(
        place=name, message=f"`{name}` has to be {expected}; it is {came}", hint="Give a value in that range."
    )
