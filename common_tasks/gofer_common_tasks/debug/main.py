"""`debug`: prints its environment."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping


def main() -> int:
    """Print everything that the program was given, one variable a line; the exit code."""
    for line in lines(os.environ):
        print(line)
    return 0


def lines(environment: Mapping[str, str]) -> Iterator[str]:
    """What is printed: values as they are, those of several lines as JSON."""
    kind = "a notifier" if "GOFER_NOTIFY_STATUS" in environment else "a task"
    yield f"called as {kind} with {len(environment)} variables:"
    for name, value in sorted(environment.items()):
        yield f"{name}={value if value.isprintable() else json.dumps(value, ensure_ascii=False)}"
