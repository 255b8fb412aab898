"""The manifest: a pipeline as its author described it. The schema is documented in docs/manifest.md.

Decoding checks shapes and types only; every other rule is checked by `server/pipelines/validate.py`, which reports all
problems at once. Durations and sizes are text here (`"10m"`, `"512MB"`).
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

SCHEMA_VERSION = 1
MAX_TASKS = 2_000
MAX_MANIFEST_BYTES = 1024 * 1024

Condition = Literal["successful", "failed", "any"]
PullPolicy = Literal["always", "if_not_present", "never"]
OnLimit = Literal["queue", "skip", "cancel_oldest"]
Outcome = Literal["successful", "failed", "cancelled"]
Level = Literal["run", "pipeline"]
ParameterType = Literal["string", "integer", "number", "boolean"]
ParameterValue = str | int | float | bool


class _Part(msgspec.Struct, kw_only=True, omit_defaults=True, forbid_unknown_fields=True, frozen=True):
    """Base of every part: fields by name, defaults left out when encoded, unknown fields refused."""


class Parameter(_Part, frozen=True):
    """What a person or a trigger fills in when a run starts. `name` follows the rule of an environment variable."""

    name: str
    type: ParameterType = "string"
    description: str = ""
    default: ParameterValue | None = None
    choices: list[ParameterValue] = []
    required: bool = False


class Parallelism(_Part, frozen=True):
    """At most `limit` runs of this pipeline at once (0: only the server's limit counts)."""

    limit: int = 0
    on_limit: OnLimit = "queue"


class Dependency(_Part, frozen=True):
    """An edge: `task` is the parent's id; `when` the parent's outcome that lets this task start."""

    task: str
    when: Condition = "successful"


class Retries(_Part, frozen=True):
    """Up to `count` further attempts after a failure; waits `backoff · factor^n`, at most `max_backoff`, ± `jitter`."""

    count: int = 0
    backoff: str = "1s"
    factor: float = 2.0
    max_backoff: str = "5m"
    jitter: float = 0.1


class Limits(_Part, frozen=True):
    """`cpu` in cores (0.5 is half of one); `memory` a size. Absent: no limit."""

    cpu: float | None = None
    memory: str | None = None


class Registry(_Part, frozen=True):
    """Credentials for the image's registry: the user's name, and the key of the secret that holds the password.

    A key is that of the pipeline's own secret; `global_secret{{key}}` stands for a global one.
    """

    user: str
    password_secret: str


class Mount(_Part, frozen=True):
    """A folder of the engine's host. Denied unless the server's configuration allows it."""

    source: str
    target: str
    read_only: bool = True


class Link(_Part, frozen=True):
    title: str
    url: str


class Output(_Part, frozen=True):
    """What the container has left at `path` when it ends becomes the run's object `key`: a file, or a folder as tar."""

    key: str
    path: str


class Input(_Part, frozen=True):
    """The object `key` is placed at `path` before the container starts; one that is a tar becomes a folder there."""

    key: str
    path: str
    level: Level = "run"


class Cache(_Part, frozen=True):
    """`paths` are restored from the pipeline's object `key` before the start, and saved to it after success."""

    key: str
    paths: list[str]


class Task(_Part, frozen=True):
    """A node of the DAG.

    Exactly one of `command` and `script` may be given; with neither the image's own command runs. `script` is handed
    to `/bin/sh -e -c`. `matrix` fans the task out statically: one task run for each combination of its values, which
    a dependant waits for all of. `stop_timeout`: how long a container may take to stop before it is killed.
    `inject_api_token`: give it GOFER_API_TOKEN and a way to the API.

    Exactly one of `image` and `common_task` is given: a common task brings image, command and variables of its own, and
    takes `settings`.
    """

    id: str
    image: str = ""
    common_task: str = ""
    settings: dict[str, str] = {}
    description: str = ""
    entrypoint: list[str] | None = None
    command: list[str] | None = None
    script: str | None = None
    working_directory: str | None = None
    user: str | None = None
    variables: dict[str, str] = {}
    inputs: list[Input] = []
    outputs: list[Output] = []
    caches: list[Cache] = []
    depends_on: list[Dependency] = []
    matrix: dict[str, list[str]] = {}
    retries: Retries = Retries()
    timeout: str | None = None
    stop_timeout: str | None = None
    limits: Limits = Limits()
    pull: PullPolicy = "if_not_present"
    registry: Registry | None = None
    allow_failure: bool = False
    network: str | None = None
    mounts: list[Mount] = []
    privileged: bool = False
    inject_api_token: bool = False


class Subscription(_Part, frozen=True):
    """The pipeline's use of a trigger. `settings` are the trigger's; `parameters` are given to every run it starts."""

    label: str
    trigger: str
    settings: dict[str, Any] = {}
    parameters: dict[str, ParameterValue] = {}


class Notifier(_Part, frozen=True):
    """A common task that runs when a run has ended. `when`: with which status (empty: with any). `on_change`: only when
    the pipeline breaks, and when it is mended."""

    label: str
    common_task: str
    when: list[Outcome] = []
    on_change: bool = False
    settings: dict[str, str] = {}


class Manifest(_Part, frozen=True):
    """A pipeline: a named DAG of tasks, and what its runs take and keep to."""

    id: str
    schema_version: int = SCHEMA_VERSION
    name: str = ""
    description: str = ""
    owner: str = ""
    labels: dict[str, str] = {}
    links: list[Link] = []
    parameters: list[Parameter] = []
    parallelism: Parallelism = Parallelism()
    run_timeout: str | None = None
    subscriptions: list[Subscription] = []
    notifiers: list[Notifier] = []
    tasks: list[Task] = []
