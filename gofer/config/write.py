"""Values of settings as they stand in a file, and as JSON has them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from gofer.config.table import Setting

Simple = str | int | bool | list[str] | None

_UNITS = {"h": 3_600_000, "m": 60_000, "s": 1_000, "ms": 1}
_SIZES = {"GiB": 1024**3, "MiB": 1024**2, "kiB": 1024, "B": 1}


def simple(setting: Setting, value: Any) -> Simple:
    """The value as a person would write it: a duration as `5m`, a size as `8MiB`, a path as text. None stays None."""
    if value is None:
        return None
    if setting.type == "duration":
        return _largest_unit(value, _UNITS)
    if setting.type == "size":
        return _largest_unit(value, _SIZES)
    if isinstance(value, Path):
        return str(value)
    found: Simple = value
    return found


def write_value(setting: Setting, value: Any) -> str:
    """The value in HCL: `true`, `3`, `"5m"`, `["a", "b"]`. Not for None."""
    return json.dumps(simple(setting, value), ensure_ascii=False)


def _largest_unit(number: int, units: dict[str, int]) -> str:
    """The number in the largest unit that it is a whole multiple of."""
    for unit, size in units.items():
        if number % size == 0 and number:
            return f"{number // size}{unit}"
    return f"0{'s' if units is _UNITS else 'B'}"
