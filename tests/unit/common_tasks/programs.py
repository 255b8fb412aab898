"""Common tasks run as the server runs them: as programs, told everything by their environment."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from typing import NamedTuple

TASK = {
    "GOFER_NAMESPACE_ID": "default",
    "GOFER_PIPELINE_ID": "nightly",
    "GOFER_PIPELINE_VERSION": "3",
    "GOFER_RUN_ID": "12",
    "GOFER_TASK_ID": "tell",
    "GOFER_ATTEMPT": "1",
}
"""Of a task in a pipeline."""

NOTIFIER = {
    **TASK,
    "GOFER_TASK_ID": "alarm",
    "GOFER_NOTIFY_LABEL": "alarm",
    "GOFER_NOTIFY_STATUS": "failed",
    "GOFER_NOTIFY_PREVIOUS_STATUS": "successful",
    "GOFER_NOTIFY_CHANGE": "broken",
    "GOFER_NOTIFY_REASON": "task_failed",
    "GOFER_NOTIFY_DETAIL": "failed: dump",
    "GOFER_NOTIFY_DURATION": "1m30s",
    "GOFER_NOTIFY_INITIATOR": "trigger cron",
    "GOFER_NOTIFY_RUN_URL": "https://gofer.example.org/runs/12",
    "GOFER_NOTIFY_PARAMETERS": '{"day": "monday"}',
    "GOFER_NOTIFY_FAILURES": "1",
    "GOFER_NOTIFY_FAILED_TASKS": '[{"id": "dump", "exit_code": 3, "log": ["no room <!channel>"]}]',
    "GOFER_NOTIFY_FAILED_TASKS_TEXT": "dump: exited with code 3\n  no room <!channel>",
}
"""Of a notifier."""


class Done(NamedTuple):
    code: int
    out: str
    err: str


def run(name: str, *given: Mapping[str, str]) -> Done:
    """`gofer builtin common-task NAME` in an environment of nothing but what is given."""
    environment = {"PATH": os.environ["PATH"]}
    for part in given:
        environment |= part
    command = [sys.executable, "-P", "-m", "gofer", "builtin", "common-task", name]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    return Done(done.returncode, done.stdout, done.stderr)
