"""How many and how long: the limits of a manifest, once, for the rules, the JSON Schema and the parameters of a run.

Lengths are in characters unless the name says bytes. `models.manifest` has `MAX_TASKS` and `MAX_MANIFEST_BYTES`.
"""

from __future__ import annotations

MAX_EDGES = 100_000  # after matrix tasks are fanned out: two of them that follow each other multiply

MAX_NAME = 200
MAX_DESCRIPTION = 10_000
MAX_LABELS = 64
MAX_LABEL_VALUE = 255
MAX_LINKS = 50
MAX_SUBSCRIPTIONS = 100  # of a pipeline, those that somebody has added among them
MAX_SETTINGS_BYTES = 64 * 1024  # of a subscription, as JSON
MAX_SETTINGS_DEPTH = 16
MAX_NOTIFIERS = 20
MAX_SETTINGS = 100  # of a common task
MAX_URL = 2_048

MAX_PARAMETERS = 100
MAX_CHOICES = 200
MAX_INTEGER = 2**53 - 1  # beyond it JSON readers disagree

MAX_VARIABLES = 500
# Linux takes no single argument or variable of 128 KiB or more; names and interpolations need some of it.
MAX_VALUE_BYTES = 100 * 1024
MAX_ARGUMENTS = 1_000
MAX_PATH_BYTES = 4_095
MAX_USER = 256
MAX_NETWORK = 255
MAX_MOUNTS = 50
MAX_ARTIFACTS = 50  # inputs, outputs and caches of a task, each
MAX_CACHE_PATHS = 20
MAX_KEY = 1_000  # of an object, before its interpolations are replaced

MAX_MATRIX_KEYS = 10
MAX_MATRIX_VALUE = 200

MAX_RETRIES = 100
MAX_FACTOR = 100.0
MAX_STOP_TIMEOUT_MS = 24 * 3_600_000
MAX_PARALLELISM = 10_000
MIN_CPU = 0.01
MAX_CPU = 1_024.0
MIN_MEMORY = 6 * 1024**2  # Docker refuses less
MAX_MEMORY = 1024**5

RESERVED_PREFIX = "GOFER_"

SETTING_PATTERN = r"^[a-z][a-z0-9_]{0,63}$"
LABEL_PATTERN = r"^[A-Za-z0-9]([A-Za-z0-9._/-]{0,61}[A-Za-z0-9])?$"
USER_PATTERN = r"^[A-Za-z0-9_][A-Za-z0-9_.@+-]*[$]?(:[A-Za-z0-9_][A-Za-z0-9_.@+-]*)?$"
NETWORK_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_.:-]*$"
