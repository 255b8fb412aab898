"""What the events of secrets tell besides what was done."""

from __future__ import annotations

from typing import Any

from gofer.server.correlation import origin


def told(by: str) -> dict[str, Any]:
    """Who it was, and in which request, as far as that is known."""
    found = {"by": by, "correlation_id": origin().correlation_id}
    return {name: value for name, value in found.items() if value}
