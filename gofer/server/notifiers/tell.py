"""What a notifier is told: the variables that it gets beside its settings."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime

from gofer.config.live import Live
from gofer.models.run import Run, VariableSource
from gofer.models.units import format_duration
from gofer.server.notifiers.facts import Facts, FailedTask
from gofer.server.runs.active import Ticket
from gofer.server.store.notifications import NotificationRow

_MOST_PARAMETERS = 32 * 1024


def told(row: NotificationRow, facts: Facts, url: str) -> list[VariableSource]:
    """See docs/notifiers.md. `url`: where the run is to be seen."""
    return [
        VariableSource(name=f"GOFER_NOTIFY_{name}", value=value, source="system")
        for name, value in _facts(row, facts, url)
    ]


def run_url(live: Live, address: str, ticket: Ticket) -> str:
    """Where a run is to be seen: below `server.advertise_url`, else below the `address` at which the API listens."""
    base = live.settings.server.advertise_url.rstrip("/") or address
    return f"{base}/api/v1/namespaces/{ticket.namespace}/pipelines/{ticket.pipeline}/runs/{ticket.number}"


def change(status: str, previous: str) -> str:
    """`broken`, `mended`, or nothing where it goes on as before."""
    if status == "failed" and previous != "failed":
        return "broken"
    return "mended" if status == "successful" and previous == "failed" else ""


def _facts(row: NotificationRow, facts: Facts, url: str) -> Iterator[tuple[str, str]]:
    run = facts.run
    yield "LABEL", row.label
    yield "STATUS", run.status
    yield "PREVIOUS_STATUS", row.previous
    yield "CHANGE", change(run.status, row.previous)
    yield "REASON", run.reason
    yield "DETAIL", run.detail
    yield "DURATION", _duration(run)
    yield "CREATED_AT", _time(run.created_at)
    yield "STARTED_AT", _time(run.started_at)
    yield "ENDED_AT", _time(run.ended_at)
    yield "INITIATOR", f"{run.initiator.kind} {run.initiator.name}".strip()
    yield "RUN_URL", url
    parameters = json.dumps(run.parameters, ensure_ascii=False)
    yield "PARAMETERS", parameters if len(parameters.encode(errors="replace")) <= _MOST_PARAMETERS else "{}"
    yield "FAILURES", str(facts.failures)
    yield "FAILED_TASKS", json.dumps([_as_json(task) for task in facts.failed], ensure_ascii=False)
    yield "FAILED_TASKS_TEXT", "\n\n".join(_as_text(task) for task in facts.failed)


def _as_json(task: FailedTask) -> dict[str, object]:
    return task._asdict()


def _as_text(task: FailedTask) -> str:
    why = task.detail or task.reason
    return "\n".join([f"{task.id}: {why}" if why else task.id, *(f"  {line}" for line in task.log)])


def _duration(run: Run) -> str:
    if run.started_at is None or run.ended_at is None:
        return "0s"
    passed = run.ended_at - run.started_at
    # Nobody wants to know of a job of hours how many milliseconds it took.
    return format_duration(passed if passed < 10_000 else round(passed, -3))


def _time(at: int | None) -> str:
    """RFC 3339, in UTC; empty for what has not been."""
    if at is None:
        return ""
    return datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
