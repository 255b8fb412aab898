"""How a finding is made."""

from __future__ import annotations

from typing import Literal

from gofer.models.system import Check

Level = Literal["ok", "warning", "error"]


def found(name: str, level: Level, message: str, hint: str = "") -> Check:
    """One finding; `hint` says what to do, unless all is well."""
    return Check(name=name, level=level, message=message, hint=hint)
