"""Runs, task runs and attempts, as the API shows them."""

from __future__ import annotations

from typing import Literal

import msgspec

from gofer.models.manifest import Dependency, ParameterValue
from gofer.models.status import Reason, RunStatus, TaskStatus
from gofer.models.version_number import VersionNumber

LogState = Literal["open", "complete", "expired"]


class Initiator(msgspec.Struct, kw_only=True, frozen=True):
    """Who or what started a run: `kind` is `user`, `token`, `retry`, `trigger`, `task` or `deployment`; `name` says
    which (a deployment by its number).

    A task is one that has started the run with its own run's token: `pipeline/run/task`. Who has a token is a `token`,
    with its id; a `user` is somebody unknown, as there are in development mode.
    """

    kind: Literal["user", "token", "retry", "trigger", "task", "deployment"] = "user"
    name: str = ""


class Run(msgspec.Struct, kw_only=True):
    """One execution of one version. `id` counts 1, 2, 3… within its pipeline.

    `detail` is a sentence for people beside the machine-readable `reason`. `cancel_requested_at` is set while a run is
    being cancelled. `variables` are what a trigger has given its containers.
    `retry_of` is the run that this one retries. `correlation_id` is the id of the request
    that started it: the server's own log has it in every line about either. `deployment` is the number of the
    deployment that has given the run its version, or whose smoke run it is.
    """

    namespace: str
    pipeline: str
    id: int
    version: int
    status: RunStatus
    reason: Reason = Reason.NONE
    detail: str = ""
    initiator: Initiator = Initiator()
    parameters: dict[str, ParameterValue] = {}
    variables: dict[str, str] = {}
    retry_of: int | None = None
    created_at: int
    started_at: int | None = None
    ended_at: int | None = None
    cancel_requested_at: int | None = None
    task_count: int = 0
    correlation_id: str = ""
    deployment: int | None = None


class StartedRun(Run, kw_only=True):
    """Answer to starting or retrying a run. `warnings`: what its user should know of the pipeline and its version, such
    as that they are deprecated."""

    warnings: list[str] = []


class VariableSource(msgspec.Struct, kw_only=True, frozen=True):
    """One variable that a container got. Secret values never stand here, nor those of a common task."""

    name: str
    value: str
    source: Literal["pipeline", "run", "trigger", "common_task", "system"]


class Attempt(msgspec.Struct, kw_only=True):
    """One try of a task run: one container at most, one log.

    `uid` is unique for all time and stands in the container's label; `container` is its name. `log_lines` and
    `log_bytes` count what the log has, and are final once `log_state` is `complete`.
    """

    number: int
    uid: str
    status: TaskStatus
    reason: Reason = Reason.NONE
    detail: str = ""
    exit_code: int | None = None
    container: str = ""
    image_digest: str = ""
    starting_at: int
    running_at: int | None = None
    ended_at: int | None = None
    log_state: LogState = "open"
    log_lines: int = 0
    log_bytes: int = 0


class TaskAttempt(Attempt, kw_only=True):
    """An attempt in the list of all attempts of a run; `task` is the id of its task run."""

    task: str


class TaskRun(msgspec.Struct, kw_only=True):
    """One task in one run. `id` is the task's id, with the matrix values appended where the task is fanned out.

    `attempt` is the number of the newest attempt (0 before the first). `next_attempt_at` is set during a backoff.
    """

    namespace: str
    pipeline: str
    run: int
    id: str
    status: TaskStatus
    reason: Reason = Reason.NONE
    detail: str = ""
    allow_failure: bool = False
    attempt: int = 0
    exit_code: int | None = None
    queued_at: int | None = None
    started_at: int | None = None
    ended_at: int | None = None
    next_attempt_at: int | None = None


class TaskRunDetail(TaskRun, kw_only=True):
    """A task run with everything that is known of it. Of a common task, `image` is empty: its installation says it."""

    image: str = ""
    common_task: str = ""
    parents: list[str] = []
    attempts: list[Attempt] = []
    variables: list[VariableSource] = []


class GraphTask(msgspec.Struct, kw_only=True):
    """A task of the version that a run has, as it is written there. `task_runs` are the ids of what it has become in
    the run: more than one where it is fanned out."""

    id: str
    image: str = ""
    common_task: str = ""
    description: str = ""
    allow_failure: bool = False
    depends_on: list[Dependency] = []
    task_runs: list[str] = []


class RunGraph(msgspec.Struct, kw_only=True):
    """The tasks of a run in the order of its manifest, and what each depends on."""

    tasks: list[GraphTask]


class StartRun(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Body of `POST …/runs`. `version` absent: what the deployment says."""

    parameters: dict[str, ParameterValue] = {}
    version: VersionNumber | None = None


class RetryRun(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Body of `POST …/runs/{run}/retry`. `from_failed` keeps what was successful and runs the rest again."""

    from_failed: bool = False


class Cancelled(msgspec.Struct, kw_only=True):
    """Answer of `POST …/runs/cancel`: the runs that were asked to end."""

    runs: list[int]
