"""The graph in Mermaid's language, as wikis and code hosts draw it."""

from __future__ import annotations

import re
from collections.abc import Mapping

from gofer.models.manifest import Condition, Manifest
from gofer.models.status import TaskStatus
from gofer.server.pipelines.graph import expand

_ARROWS: dict[Condition, str] = {"successful": "-->", "failed": "-. failed .->", "any": "-- any -->"}
_UNSAFE = re.compile(r"[^A-Za-z0-9 _./-]")
_STYLES: dict[TaskStatus, str] = {
    TaskStatus.WAITING: "fill:#f8fafc,stroke:#94a3b8",
    TaskStatus.QUEUED: "fill:#f1f5f9,stroke:#64748b",
    TaskStatus.STARTING: "fill:#e0f2fe,stroke:#0284c7",
    TaskStatus.RUNNING: "fill:#dbeafe,stroke:#1d4ed8",
    TaskStatus.SUCCESSFUL: "fill:#dcfce7,stroke:#15803d",
    TaskStatus.FAILED: "fill:#fee2e2,stroke:#b91c1c",
    TaskStatus.CANCELLED: "fill:#fef3c7,stroke:#b45309",
    TaskStatus.SKIPPED: "fill:#f1f5f9,stroke:#cbd5e1,stroke-dasharray:4",
}


def to_mermaid(manifest: Manifest, statuses: Mapping[str, TaskStatus] | None = None) -> str:
    """The graph of a valid manifest as a Mermaid flowchart; `statuses` by node id colours it."""
    nodes = expand(manifest)
    lines = ["flowchart LR"]
    lines += [f'  n{node.position}["{_escaped(node.id)}"]' for node in nodes]
    for node in nodes:
        lines += [f"  n{edge.parent} {_ARROWS[edge.when]} n{node.position}" for edge in node.parents]
    by_status: dict[TaskStatus, list[str]] = {}
    for node in nodes:
        if (status := (statuses or {}).get(node.id)) is not None:
            by_status.setdefault(status, []).append(f"n{node.position}")
    for status, names in by_status.items():
        lines += [f"  classDef {status.value} {_STYLES[status]}", f"  class {','.join(names)} {status.value}"]
    return "\n".join([*lines, ""])


def _escaped(text: str) -> str:
    return _UNSAFE.sub(lambda match: f"#{ord(match[0])};", text)
