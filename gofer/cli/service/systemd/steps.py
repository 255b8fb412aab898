"""What was done, for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gofer.cli.service.systemd.ground import Step
from gofer.cli.terminal import plain

_DONE = {"write": "wrote", "replace": "replaced", "keep": "kept", "remove": "removed", "run": "ran"}


def step_lines(steps: Sequence[Step], *, dry: bool) -> Iterator[str]:
    """A line for each step; `dry`: as something that would be done."""
    for step in steps:
        word = f"would {step.action}" if dry else _DONE[step.action]
        note = f"  ({plain(step.note)})" if step.note else ""
        yield f"{word:<13} {plain(step.target)}{note}"
