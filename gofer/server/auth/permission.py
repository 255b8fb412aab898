"""What a caller may be allowed to do. Every route of the API declares one of these."""

from __future__ import annotations

from typing import Literal

Permission = Literal[
    "docs:read",
    "health:read",
    "metrics:read",
    "namespaces:list",
    "namespaces:read",
    "namespaces:write",
    "manifests:check",
    "pipelines:read",
    "pipelines:write",
    "runs:read",
    "runs:run",
    "runs:manage",
    "runs:attach",
    "logs:read",
    "events:read",
    "objects:read",
    "objects:write",
    "secrets:read",
    "secrets:write",
    "secrets:reveal",
    "system:read",
    "system:write",
    "system:logs",
    "system:backup",
    # No route may keep this: it is what one has that declares nothing, and only the server's own user has it.
    "undeclared",
]
"""`runs:run` starts runs, `runs:manage` cancels and retries them; `secrets:read` sees keys, `secrets:reveal` values."""

OF_RUNS: frozenset[Permission] = frozenset(
    {
        "docs:read",
        "health:read",
        "namespaces:read",
        "pipelines:read",
        "runs:read",
        "runs:run",
        "logs:read",
        "events:read",
        "objects:read",
        "objects:write",
    }
)
"""What the token of a run allows, in the run's own namespace."""

ANYWHERE: frozenset[Permission] = frozenset({"docs:read", "health:read", "events:read"})
"""What a route may ask for whose path names no namespace, and a run's token allows all the same. The handlers of events
keep to the caller's namespace by themselves."""
