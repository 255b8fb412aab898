"""The one place that says yes or no."""

from __future__ import annotations

from gofer.errors import NotAuthenticated, Refused
from gofer.server.auth.caller import Caller
from gofer.server.auth.permission import DIAL_IN, OPEN, OWN, Permission
from gofer.server.auth.rights import Name

_LOG_IN = (
    "Send it as the header Authorization: Bearer TOKEN. "
    "For the command line: set GOFER_CLI_TOKEN, name a file with --token-file, or write token into ~/.gofer.hcl."
)
_ROLES = "`gofer token whoami` tells what a token may do; docs/security.md tells what each role has."
_CLAIM = "On the machine that it runs on, as root or Gofer's own user: gofer service token bootstrap."
_DIAL = "docs/trigger-protocol.md says how a trigger dials in."
_TASKS = "docs/task-api.md lists what a task may do."


def check_allowed(
    caller: Caller, permission: Permission, namespace: str | None, name: Name = (), *, filtered: bool = False
) -> None:
    """Raises NotAuthenticated for somebody unknown, Refused unless `caller` may do that.

    `namespace` and `name` are those that the path names; without a namespace it concerns the whole server. `filtered`:
    the handler keeps to what the caller may see, so to be allowed anything of the kind there is enough. Nothing is
    looked up for it, so that the answer tells nothing about what there is.
    """
    if permission in OPEN:
        return
    if caller.kind == "unclaimed":
        raise NotAuthenticated("No token was made yet for this server, so it serves nobody.", _CLAIM)
    if caller.kind == "anonymous":
        raise NotAuthenticated("This needs a token, and the request brings none.", _LOG_IN)
    if permission == "undeclared":
        raise Refused("This route does not say what it needs, so nobody may use it.", "Please report that.")
    if permission == DIAL_IN or caller.kind == "trigger":
        if permission == DIAL_IN and caller.kind == "trigger" and name == (caller.trigger,):
            return
        raise Refused("This is for a trigger that Gofer has started, with its own secret, and for nothing else.", _DIAL)
    if caller.may_everything:
        return
    if permission in OWN or caller.may(permission, namespace, name):
        return
    rights = caller.rights
    if filtered and rights is not None and rights.any_of(permission, namespace):
        return
    raise _refused(caller, permission, namespace)


def _refused(caller: Caller, permission: Permission, namespace: str | None) -> Refused:
    where = "for the whole server" if namespace is None else f'in the namespace "{namespace}"'
    if caller.kind != "run":
        return Refused(f"The token does not allow this ({permission}) {where}.", _ROLES)
    if namespace is not None and namespace != caller.namespace:
        return Refused(f'The token of a run allows nothing outside its namespace "{caller.namespace}".', _TASKS)
    return Refused(f"The token of a run does not allow this ({permission}).", _TASKS)
