"""Statuses are one word each; a machine-readable reason says why a thing ended as it did."""

from __future__ import annotations

from enum import StrEnum


class RunStatus(StrEnum):
    """`queued → running → successful | failed | cancelled`; a queued run may also be cancelled."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCESSFUL = "successful"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        return self in _RUN_ENDED


class TaskStatus(StrEnum):
    """Of a task run: `waiting → queued → starting → running → successful | failed | cancelled | skipped`.

    `waiting`: for its parents. `queued`: for its turn at the engine, or for the backoff before its next attempt.
    `starting`: the engine was asked (an image may be pulled). An attempt has the same statuses from `starting` on.
    """

    WAITING = "waiting"
    QUEUED = "queued"
    STARTING = "starting"
    RUNNING = "running"
    SUCCESSFUL = "successful"
    FAILED = "failed"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"

    @property
    def ended(self) -> bool:
        return self in _TASK_ENDED


_RUN_ENDED = frozenset({RunStatus.SUCCESSFUL, RunStatus.FAILED, RunStatus.CANCELLED})
_TASK_ENDED = frozenset({TaskStatus.SUCCESSFUL, TaskStatus.FAILED, TaskStatus.CANCELLED, TaskStatus.SKIPPED})


class Reason(StrEnum):
    """Why a run, task run or attempt has its status. Empty where the status says all."""

    NONE = ""
    # of a run
    TASK_FAILED = "task_failed"
    PARALLELISM_LIMIT = "parallelism_limit"  # on_limit = skip
    REPLACED = "replaced"  # on_limit = cancel_oldest
    # of a run and of what it still had to do
    CANCELLED_BY_USER = "cancelled_by_user"
    RUN_TIMEOUT = "run_timeout"
    # of a task run or attempt
    RUN_CANCELLED = "run_cancelled"
    PARENTS_UNMET = "parents_unmet"
    EXIT_CODE = "exit_code"
    TIMEOUT = "timeout"
    OOM_KILLED = "oom_killed"
    LOST = "lost"
    IMAGE_NOT_FOUND = "image_not_found"
    PULL_FAILED = "pull_failed"
    START_FAILED = "start_failed"
    INTERPOLATION_FAILED = "interpolation_failed"
    NOT_ALLOWED = "not_allowed"
    COMMON_TASK_UNAVAILABLE = "common_task_unavailable"
    INPUT_FAILED = "input_failed"
    OUTPUT_MISSING = "output_missing"
    OUTPUT_FAILED = "output_failed"
    INTERNAL_ERROR = "internal_error"
    KEPT = "kept"  # taken over as successful from the run that is retried
