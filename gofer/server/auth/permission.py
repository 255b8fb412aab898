"""What a caller may be allowed to do: `resource:action`. Every route of the API declares one of these."""

from __future__ import annotations

from typing import Literal

Permission = Literal[
    "docs:read",
    "health:read",
    "login:write",
    "bootstrap:write",
    "self:read",
    "self:write",
    "namespaces:read",
    "namespaces:write",
    "namespaces:delete",
    "pipelines:read",
    "pipelines:write",
    "pipelines:delete",
    "deployments:read",
    "deployments:write",
    "runs:read",
    "runs:run",
    "runs:write",
    "logs:read",
    "objects:read",
    "objects:write",
    "objects:delete",
    "secrets:read",
    "secrets:write",
    "secrets:delete",
    "secrets:reveal",
    "global_secrets:read",
    "global_secrets:write",
    "global_secrets:delete",
    "global_secrets:reveal",
    "events:read",
    "audit:read",
    "attach:run",
    "tokens:read",
    "tokens:write",
    "tokens:delete",
    "roles:read",
    "roles:write",
    "roles:delete",
    "system:read",
    "system:write",
    "backups:read",
    "metrics:read",
    "triggers:read",
    "triggers:write",
    "triggers:delete",
    "common_tasks:read",
    "common_tasks:write",
    "common_tasks:delete",
    "trigger_session:open",
    # No route may keep this: it is what one has that declares nothing, and nobody has it.
    "undeclared",
]
"""`deployments:write` makes versions live, and lets or forbids that; `runs:run` starts runs, `runs:write` cancels and
retries them; `secrets:read` sees keys, `secrets:reveal` values."""

OPEN: frozenset[Permission] = frozenset({"docs:read", "health:read", "login:write", "bootstrap:write"})
"""What needs no token: its handlers tell nothing of what the server holds, or ask for a proof of their own."""

OWN: frozenset[Permission] = frozenset({"self:read", "self:write"})
"""What everybody may who is known: to ask who they are, to end their own session."""

DIAL_IN: Permission = "trigger_session:open"
"""What a trigger may with the secret of its start, for itself, and nobody else."""
