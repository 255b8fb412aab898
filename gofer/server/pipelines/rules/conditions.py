"""No task may need outcomes that exclude each other.

That a task runs means that the parents it needs `successful` or `failed` have run with that outcome, so their own needs
were met too, and so on. All needs of a task must be met, so it can run exactly if the outcomes collected so never
contradict each other. They are kept as bit sets, one bit a task.
"""

from __future__ import annotations

from typing import NamedTuple

from gofer.models.ids import shown
from gofer.models.manifest import Manifest
from gofer.server.pipelines.order import parents_first
from gofer.server.pipelines.report import Scope
from gofer.server.pipelines.rules.dependencies import Need


class _Outcomes(NamedTuple):
    """Bit i of `successful`: task i must have been successful; of `failed` likewise."""

    successful: int
    failed: int


def check_conditions(manifest: Manifest, needs: list[list[Need]], scopes: list[Scope]) -> None:
    """Report tasks that can never run; not those that only need such a task. The edges must have no cycle."""
    outcomes = [_Outcomes(0, 0)] * len(needs)
    for task in parents_first([[need.parent for need in of_task] for of_task in needs]):
        successful = failed = 0
        for need in needs[task]:
            one = _asked(need, outcomes)
            successful |= one.successful
            failed |= one.failed
        if contradiction := successful & failed:
            _report(manifest, needs[task], outcomes, contradiction, scopes[task])
            successful &= ~contradiction
            failed &= ~contradiction
        outcomes[task] = _Outcomes(successful, failed)


def _asked(need: Need, outcomes: list[_Outcomes]) -> _Outcomes:
    """What one edge asks for, through its parent too."""
    if need.when == "any":
        return _Outcomes(0, 0)  # a skipped parent will do
    successful, failed = outcomes[need.parent]
    bit = 1 << need.parent
    return _Outcomes(successful | bit, failed) if need.when == "successful" else _Outcomes(successful, failed | bit)


def _report(manifest: Manifest, needs: list[Need], outcomes: list[_Outcomes], contradiction: int, scope: Scope) -> None:
    parent = (contradiction & -contradiction).bit_length() - 1
    ways: dict[str, Need] = {}
    for need in needs:
        asked = _asked(need, outcomes)
        if asked.successful >> parent & 1:
            ways.setdefault("successful", need)
        if asked.failed >> parent & 1:
            ways.setdefault("failed", need)
    told = " and ".join(f"{outcome}{_through(manifest, need, parent)}" for outcome, need in ways.items())
    scope.add(
        f".depends_on[{ways['failed'].at}]",
        f"can never run: {shown(manifest.tasks[parent].id, 64)} would have to be {told}",
        'Use the condition "any" on one of the ways, or split the task in two.',
    )


def _through(manifest: Manifest, need: Need, parent: int) -> str:
    return "" if need.parent == parent else f" (so that {shown(manifest.tasks[need.parent].id, 64)} runs)"
