"""The one place that says yes or no."""

from __future__ import annotations

from gofer.errors import Refused
from gofer.server.auth.caller import Caller
from gofer.server.auth.permission import ANYWHERE, OF_RUNS, Permission

_HINT = "docs/task-api.md lists what a task may do."


def check_allowed(caller: Caller, permission: Permission, namespace: str | None) -> None:
    """Raises Refused unless `caller` may do that. `namespace` is the one that the path names, None where it names none.

    Nothing is looked up for it, so that the answer tells nothing about what there is.
    """
    if caller.kind == "local":
        return
    if permission not in OF_RUNS:
        raise Refused(f"The token of a run does not allow this ({permission}).", _HINT)
    if namespace is None and permission not in ANYWHERE:
        raise Refused(f"The token of a run allows this ({permission}) in the run's own namespace only.", _HINT)
    if namespace is not None and namespace != caller.namespace:
        raise Refused(f'The token of a run allows nothing outside its namespace "{caller.namespace}".', _HINT)
