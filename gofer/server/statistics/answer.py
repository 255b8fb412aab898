"""The tables as the API shows them."""

from __future__ import annotations

from gofer.models.statistics import Span, Statistics
from gofer.server.statistics.steps import Steps
from gofer.server.statistics.tables import Tables


def answer(tables: Tables, span: Span, now: int, runs_since: int, sizes_since: int) -> Statistics:
    """The steps of that span up to `now`."""
    table = _table(tables, span)
    steps = list(table.until(now))
    sizes = [step.sizes for step in steps]
    return Statistics(
        now=now,
        step=table.length,
        runs_since=runs_since,
        sizes_since=sizes_since,
        at=[step.at for step in steps],
        created=[step.created for step in steps],
        successful=[step.successful for step in steps],
        failed=[step.failed for step in steps],
        cancelled=[step.cancelled for step in steps],
        queued=[step.queued for step in steps],
        running=[step.running for step in steps],
        duration_median=[step.durations.quantile(0.5) for step in steps],
        duration_p95=[step.durations.quantile(0.95) for step in steps],
        wait_median=[step.waits.quantile(0.5) for step in steps],
        wait_p95=[step.waits.quantile(0.95) for step in steps],
        log_bytes=[step.printed if step.sizes else None for step in steps],
        events_kept=[one.events_kept if one else None for one in sizes],
        store_bytes=[one.store_bytes if one else None for one in sizes],
        object_bytes=[one.object_bytes if one else None for one in sizes],
        disk_free=[one.disk_free if one else None for one in sizes],
    )


def _table(tables: Tables, span: Span) -> Steps:
    return {"hour": tables.minutes, "day": tables.quarters, "week": tables.hours}[span]
