"""The number of a version, as a request names it."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import msgspec

VersionNumber: TypeAlias = Annotated[int, msgspec.Meta(ge=1, le=2**53 - 1)]
"""Counts from 1; no larger than what every reader of JSON takes for a whole number, and SQLite for an integer."""
