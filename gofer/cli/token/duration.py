"""Durations as options."""

from __future__ import annotations

from typing import Any

import click

from gofer.models.units import parse_duration


class Duration(click.ParamType[int]):
    """Milliseconds, from `90d` or `1h30m`."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        try:
            return parse_duration(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)
