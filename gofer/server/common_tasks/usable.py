"""Whether a pipeline may use a common task now: asked when it is registered, and again when its task starts."""

from __future__ import annotations

from gofer.errors import GoferError
from gofer.models.common_task import CommonTask
from gofer.models.ids import shown
from gofer.server.auth.rights import matches
from gofer.server.store import common_tasks
from gofer.server.store.transaction import Readable


class NotUsable(GoferError):
    """The common task is not there, is disabled, or is not for this namespace."""

    status = 422
    title = "Common task not usable"


def require_usable(connection: Readable, namespace: str, common_task: str) -> CommonTask:
    """Raises NotUsable."""
    found = common_tasks.get(connection, common_task)
    if found is None:
        raise NotUsable(
            f"there is no common task {shown(common_task)}",
            f"See what there is: gofer common-task list. An administrator installs one: gofer common-task install "
            f"{common_task} IMAGE.",
        )
    if not any(matches(pattern, namespace) for pattern in found.namespaces):
        raise NotUsable(
            f"the common task {shown(common_task)} is not for the namespace {shown(namespace)}",
            f"An administrator can allow it: gofer common-task upgrade {common_task} --namespaces …,{namespace}.",
        )
    if not found.enabled:
        raise NotUsable(
            f"the common task {shown(common_task)} is disabled",
            f"An administrator can enable it: gofer common-task enable {common_task}.",
        )
    return found
