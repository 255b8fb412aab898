"""The roles that every server has. They cannot be changed or deleted."""

from __future__ import annotations

from gofer.models.access import ANY, Grant, Role

RUN = "run"
"""What the token of a run has, in the run's own namespace. No other token can be given it."""


def system_roles() -> list[Role]:
    """All of them."""
    return [_admin(), _operator(), _developer(), _viewer(), _run()]


def _admin() -> Role:
    return Role(
        id="admin",
        description="Everything, in the token's namespaces; with all of them (*), the server too.",
        permissions=[Grant(resources=[ANY], actions=[ANY])],
        system=True,
    )


def _operator() -> Role:
    return Role(
        id="operator",
        description="Run what is there: start, cancel, retry, look into containers, close and open the door to runs.",
        permissions=[
            Grant(
                resources=["namespaces", "pipelines", "logs", "objects", "secrets", "global_secrets", "events"],
                actions=["read"],
            ),
            Grant(resources=["triggers", "common_tasks"], actions=["read"]),
            Grant(resources=["deployments"], actions=["read", "write"]),
            Grant(resources=["runs"], actions=["read", "run", "write"]),
            Grant(resources=["attach"], actions=["run"]),
            Grant(resources=["system"], actions=["read", "write"]),
            Grant(resources=["metrics"], actions=["read"]),
        ],
        system=True,
    )


def _developer() -> Role:
    return Role(
        id="developer",
        description="Make and run pipelines: register, start, cancel; objects; set secrets, but not read them back.",
        permissions=[
            Grant(resources=["namespaces", "logs", "events", "triggers", "common_tasks"], actions=["read"]),
            Grant(resources=["pipelines", "objects"], actions=["read", "write", "delete"]),
            Grant(resources=["deployments"], actions=["read", "write"]),
            Grant(resources=["runs"], actions=["read", "run", "write"]),
            Grant(resources=["secrets"], actions=["read", "write", "delete"]),
            Grant(resources=["attach"], actions=["run"]),
        ],
        system=True,
    )


def _viewer() -> Role:
    return Role(
        id="viewer",
        description="Look at pipelines, runs, logs, objects and events.",
        permissions=[
            Grant(
                resources=[
                    "namespaces",
                    "pipelines",
                    "deployments",
                    "runs",
                    "logs",
                    "objects",
                    "events",
                    "triggers",
                    "common_tasks",
                ],
                actions=["read"],
            ),
        ],
        system=True,
    )


def _run() -> Role:
    return Role(
        id=RUN,
        description="What a task with its run's token may do, in the run's own namespace.",
        permissions=[
            Grant(resources=["namespaces", "pipelines", "deployments", "logs", "events"], actions=["read"]),
            Grant(resources=["runs"], actions=["read", "run"]),
            Grant(resources=["objects"], actions=["read", "write", "delete"]),
        ],
        system=True,
    )
