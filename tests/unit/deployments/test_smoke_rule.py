"""What is done next about a blue/green deployment."""

from __future__ import annotations

import pytest

from gofer.models.status import Reason, RunStatus
from gofer.server.deployments.smoke_rule import judge
from gofer.server.store.deployments import SmokeRun

_STATUSES = {
    "q": RunStatus.QUEUED,
    "r": RunStatus.RUNNING,
    "s": RunStatus.SUCCESSFUL,
    "f": RunStatus.FAILED,
    "c": RunStatus.CANCELLED,
}


def runs(statuses: str) -> list[SmokeRun]:
    reasons = {"f": (Reason.TASK_FAILED, "failed: a"), "c": (Reason.CANCELLED_BY_USER, "")}
    return [
        SmokeRun(10 + n, _STATUSES[status], *reasons.get(status, (Reason.NONE, "")))
        for n, status in enumerate(statuses, start=1)
    ]


@pytest.mark.parametrize(
    ("smoke", "statuses", "action", "reason", "detail"),
    [
        (1, "", "start", "", ""),
        (1, "q", "wait", "", ""),
        (1, "r", "wait", "", ""),
        (1, "s", "promote", "smoke_passed", "The smoke run was successful."),
        (1, "f", "roll_back", "smoke_failed", "The smoke run (run 11) has failed: failed: a."),
        (3, "s", "start", "", ""),
        (3, "sr", "wait", "", ""),
        (3, "ss", "start", "", ""),
        (3, "sss", "promote", "smoke_passed", "All 3 smoke runs were successful."),
        (3, "sf", "roll_back", "smoke_failed", "Smoke run 2 of 3 (run 12) has failed: failed: a."),
        (3, "c", "roll_back", "smoke_cancelled", "Smoke run 1 of 3 (run 11) was cancelled: cancelled_by_user."),
    ],
)
def test_what_comes_next(smoke: int, statuses: str, action: str, reason: str, detail: str) -> None:
    assert judge(smoke, runs(statuses)) == (action, reason, detail)
