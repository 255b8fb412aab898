"""Nobody hands out more than they have.

Who may make tokens or roles without being the management's could otherwise give themselves everything. So whatever is
given is compared with the giver's own rights, as they are at that moment.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, get_args

from gofer.errors import Refused
from gofer.models.access import ANY, Grant, TokenKind
from gofer.models.ids import shown
from gofer.server.auth.caller import Caller
from gofer.server.auth.permission import Permission
from gofer.server.auth.rights import Pattern, Permitted, Rights, matches, permitted

_KNOWN: Final = frozenset(get_args(Permission))
_SHOWN = 5
_HEARD: Final = permitted(Grant(resources=["runs", "objects"], actions=["read"]))
_ASK = "Give less, or ask somebody who has that: `gofer token whoami` tells what your token may do."


def check_gives(caller: Caller, wanted: Rights) -> None:
    """Raises Refused unless the caller's own rights cover all of `wanted`: what a token would have
    (`registry.rights(token)`, or of one that is not made yet `Rights(namespaces, grants of its roles)`), or what a role
    would allow (`of_role`)."""
    if not caller.may_everything and (lacking := _lacked(caller.rights, wanted)):
        raise Refused(f"You cannot give what you do not have: {lacking}.", _ASK)


def check_gives_run_token(caller: Caller, of_run: Rights) -> None:
    """Raises Refused unless the caller may do all that the token of a run may (`registry.rights_of_run`). Who writes a
    task that asks for one is given it, in effect: it is their code that has it."""
    if not caller.may_everything and (lacking := _lacked(caller.rights, of_run)):
        raise Refused(
            f"A task asks for a token (inject_api_token), which may do more than yours: {lacking}.",
            "Leave that out, or have the pipeline registered by somebody who may do that in the whole namespace.",
        )


def check_hears_of_runs(caller: Caller, namespace: str, trigger: str) -> None:
    """Raises Refused unless the caller may read all runs of the namespace and their objects. Who has a pipeline started
    by a trigger that is told of Gofer's own events is given both, in effect: the new run gets what it passes on."""
    if not caller.may_everything and (lacking := _lacked(caller.rights, Rights((namespace,), (_HEARD,)))):
        raise Refused(
            f"The trigger {shown(trigger)} passes on what other runs have, which your token may not read: {lacking}.",
            "Have it registered by somebody who may read runs and objects in the whole namespace.",
        )


def check_touches(caller: Caller, kind: TokenKind, rights: Rights) -> None:
    """Raises Refused unless the caller may change, rotate, enable, disable or delete a token of that `kind` with those
    `rights` (`registry.rights(token)`): a management token is the management's alone, and any other that of whoever may
    do all that it may. A rotated token's text is as good as a new token."""
    if caller.may_everything or (kind == "client" and covers(caller.rights, rights)):
        return
    raise Refused(
        "That token may do something that yours may not, so yours cannot change it.",
        "Ask somebody with a management token.",
    )


def check_gives_management(caller: Caller) -> None:
    """Raises Refused unless the caller may make a management token."""
    if not caller.may_everything:
        raise Refused(
            "Only a management token can make another.", "Make a client token: --role and --namespace say what it may."
        )


def of_role(grants: Iterable[Grant]) -> Rights:
    """What a role may come to allow: it has no namespaces of its own, so in all of them."""
    return Rights((ANY,), tuple(map(permitted, grants)))


def covers(own: Rights | None, wanted: Rights) -> bool:
    """Whether `own` allows at least all that `wanted` does, also what neither allows yet (a `*` needs a `*`)."""
    return next(iter(_lacking(own, wanted)), None) is None


def _lacked(own: Rights | None, wanted: Rights) -> str:
    lacking = list(_lacking(own, wanted))
    more = f" and {len(lacking) - _SHOWN} more" if len(lacking) > _SHOWN else ""
    return ", ".join(lacking[:_SHOWN]) + more


def _lacking(own: Rights | None, wanted: Rights) -> Iterator[str]:
    """In words, what of `wanted` `own` does not allow."""
    if own is None:
        own = Rights((), ())
    for namespace in wanted.namespaces:
        if not any(_within(namespace, one) for one in own.namespaces):
            yield f"the namespaces {shown(namespace)}" if ANY in namespace else f"the namespace {shown(namespace)}"
    for one in wanted.permitted:
        for resource in sorted(one.resources):
            for action in sorted(one.actions):
                if _means_something(resource, action):
                    yield from _lacking_names(own.permitted, one, resource, action)


def _lacking_names(own: Sequence[Permitted], one: Permitted, resource: str, action: str) -> Iterator[str]:
    held = [mine for mine in own if mine.allows(resource, action)]
    if any(not mine.names for mine in held):
        return
    if not one.names:
        yield f"{resource}:{action}"
    for pattern in one.names:
        if not any(_below(pattern, own_pattern) for mine in held for own_pattern in mine.names):
            yield f"{resource}:{action}@{'/'.join(pattern.segments)}"


def _means_something(resource: str, action: str) -> bool:
    """Of `logs,runs` and `read,run` a role may have every pair, but no route asks for `logs:run`. What `*` stands for
    may grow with the next version."""
    return ANY in (resource, action) or f"{resource}:{action}" in _KNOWN


def _below(pattern: Pattern, own: Pattern) -> bool:
    """Whether every name that `pattern` covers is covered by `own`."""
    return len(pattern.segments) >= len(own.segments) and all(map(_within, pattern.segments, own.segments))


def _within(pattern: str, own: str) -> bool:
    """Whether every text that matches `pattern` matches `own`: it does if `own` matches the pattern itself, its `*`
    taken as a letter, as no letter of `own` but a `*` can be met by that one."""
    return matches(own, pattern)
