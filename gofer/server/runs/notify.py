"""Who is to be told of a run's end: stored in the transaction that stores the end, so that no crash loses it."""

from __future__ import annotations

from gofer.models.manifest import Notifier
from gofer.models.status import RunStatus
from gofer.server.runs.plan import Plan
from gofer.server.store import notifications
from gofer.server.store.database import Transaction

_OUTCOMES = (RunStatus.SUCCESSFUL, RunStatus.FAILED)


def store_notifications(
    tx: Transaction, plan: Plan, pipeline_key: int, run_key: int, status: RunStatus, at: int
) -> None:
    """One for each of the pipeline's notifiers that wants to hear of this end."""
    notifiers = plan.manifest.notifiers
    if not notifiers:
        return
    previous = notifications.previous_outcome(tx, pipeline_key, run_key)
    for one in notifiers:
        if is_wanted(one, status, previous):
            before = "" if previous is None else previous.value
            notifications.insert(tx, run_key, one.label, one.common_task, one.settings, before, at)


def is_wanted(notifier: Notifier, status: RunStatus, previous: RunStatus | None) -> bool:
    """Whether it is to run for a run that has ended so. `previous`: successful or failed, as the run did that ended
    before; None: there is none. The first run of all breaks the pipeline if it fails."""
    if notifier.when and status.value not in notifier.when:
        return False
    if not notifier.on_change:
        return True
    return status in _OUTCOMES and status is not (previous or RunStatus.SUCCESSFUL)
